"""A notebook as slides."""

import base64
import io
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from PIL import Image

from course_utils.errors import CourseError
from course_utils.lessons import find_lessons
from course_utils.lessons.alive import WIDGET
from course_utils.lessons.slides import deck, handout, write_slides
from course_utils.lessons.slides.code import code_blocks, kept_lines
from course_utils.lessons.slides.lesson import slides
from course_utils.lessons.slides.prose import parts
from course_utils.lessons.slides.results import picture_size


def markdown(source, kind="-", tags=(), name=None):
    cell = new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}, "tags": list(tags)})
    cell.id = name or cell.id
    return cell


def code(source, *outputs, kind="-", tags=(), name=None):
    cell = new_code_cell(source, outputs=list(outputs), metadata={"slideshow": {"slide_type": kind}, "tags": list(tags)})
    cell.id = name or cell.id
    return cell


def printed(text):
    return new_output("stream", name="stdout", text=text)


def figure(width=400, height=300, kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(buffer, kind)
    return new_output("display_data", {f"image/{kind.lower()}": base64.b64encode(buffer.getvalue()).decode()})


def shape(cells, pages=None):
    """For each slide its heading, or a dash, and the kinds of its blocks."""
    return [(slide.heading or "-", [block.kind for block in slide.blocks]) for slide in slides(cells, pages)]


TABLE = "<table><thead><tr><th>n</th></tr></thead><tbody>{}</tbody></table>"


def test_prose_code_and_result_are_slides_and_what_fits_stays_together():
    long = "\n".join(f"step_{number} = number({number})" for number in range(14))
    made = shape(
        [
            markdown("# Lesson\n\nWhat it is about.", "slide"),
            markdown("## First\n\nA short word.", "slide"),
            code("x = 1\nx", printed("1")),
            code(long, figure()),
            code("ten", figure(), figure()),
        ]
    )
    assert made == [
        ("Lesson", ["prose"]),
        ("First", ["prose", "code", "text"]),
        ("-", ["code"]),
        ("-", ["figure"]),
        ("-", ["figure"]),
        ("-", ["figure"]),
    ]


def test_prose_that_is_long_becomes_slides_of_about_one_length():
    sentences = "A sentence that says something of this and of that, and goes on. " * 4
    made = slides([markdown("## Long\n\n" + "\n\n".join([sentences] * 6), "slide")])
    heights = [sum(block.height for block in slide.blocks) for slide in made]
    assert len(made) == 3
    assert max(heights) < 500
    assert max(heights) < 2 * min(heights)
    assert [slide.section for slide in made] == ["Long"] * 3


def test_a_paragraph_that_fills_a_slide_is_cut_between_sentences_and_loses_no_word():
    source = " ".join(f"Sentence {number} has `a.b. C` (in brackets. Yes) and *more. Than* that." for number in range(30))
    (part,) = parts(source)
    assert len(part.blocks) > 3
    shown = " ".join(re.sub("<[^>]+>", "", block.html) for block in part.blocks)
    assert shown == source.replace("`", "").replace("*", "")


def test_a_list_that_goes_on_with_the_next_slide_goes_on_counting():
    items = "\n".join(f"{number}. {'An item of some words to fill its lines. ' * 4}" for number in range(3, 12))
    made = slides([markdown(items, "slide")])
    assert len(made) > 1
    values = [value for slide in made for block in slide.blocks for value in re.findall(r'<li value="(\d+)">', block.html)]
    assert values == [str(number) for number in range(3, 12)]


def test_an_exercise_is_one_slide_with_its_blank_and_without_its_solution(tmp_path):
    cells = [
        markdown("## Exercises\n\nTry these.", "slide"),
        code("from course_utils.lessons import check", kind="skip"),
        markdown("**Exercise 5.1.** How many are there?", "skip", ["exercise"], "ex-5-1"),
        code("answer = ...  # your code here", kind="skip", tags=["answer"]),
        code('check("5.1", answer)', printed("Not yet"), kind="skip", tags=["check"]),
        code("# Solution\nanswer = 'forty-two'", printed("Right"), kind="skip", tags=["solution"]),
        markdown("**Exercise 5.2.** And why?", "skip", ["exercise"]),
        markdown("<details>\n<summary>Solution</summary>\n\nforty-two\n</details>", "skip", ["solution"]),
        markdown("## After", "slide"),
    ]
    assert shape(cells) == [
        ("Exercises", ["prose"]),
        ("Exercise 5.1", ["prose", "code", "code"]),
        ("Exercise 5.2", ["prose"]),
        ("After", []),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "made.ipynb")
    for page in (deck(tmp_path / "made.ipynb"), handout(tmp_path / "made.ipynb", notes=True)):
        assert "your code here" in page
        assert "forty-two" not in page
        assert "Not yet" not in page


def test_notes_are_said_and_not_shown_on_every_slide_of_their_cell():
    cells = [
        markdown("## First\n\n*Lecture: [0:44:29](https://youtu.be/x?t=2669)*\n\nProse.", "slide", name="first"),
        code("hidden()", kind="skip"),
        markdown("Say *this*.", tags=["notes"]),
        code("\n".join(f"step({number})" for number in range(16)), figure(), name="second"),
        markdown("And that.", kind="notes"),
    ]
    made = slides(cells)
    assert [slide.notes for slide in made] == [["<p>Say <em>this</em>.</p>"], ["<p>And that.</p>"], ["<p>And that.</p>"]]
    assert {slide.minutes[0] for slide in made} == {"0:44:29"}
    assert not any("Say" in block.html or "0:44:29" in block.html for slide in made for block in slide.blocks)


def test_on_paper_slides_are_numbered_and_notes_stand_beside_the_first_of_their_cell(tmp_path):
    cells = [
        markdown("## First\n\nProse.", "slide"),
        markdown("Speaker note\n\n**Say:** this.", tags=["notes"]),
        code("\n".join(f"step({number})" for number in range(16)), figure()),
        markdown("Speaker note\n\nAnd that.", tags=["notes"]),
        markdown("## Last", "slide"),
        new_raw_cell("Neither shown nor said."),
        markdown("And that.", tags=["notes"]),
    ]
    path = tmp_path / "made.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    page = handout(path, notes=True)
    assert re.findall(r'<aside class="notes">(.*?)</aside>', page) == [
        "<p><strong>Say:</strong> this.</p>",
        "<p>And that.</p>",
        "",
        "<p>And that.</p>",
    ]
    assert re.findall(r'<span class="place">(.*?)</span>', page) == ["1 / 4", "2 / 4", "3 / 4", "4 / 4"]


def test_widgets_have_a_slide_each_alive_or_as_their_picture():
    view = new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "Three bars."})
    cells = [code("Bars()", view, figure(), view, figure(), name="w")]
    alive, still = slides(cells, {"w": ["<!doctype html><title>Bars &amp; more</title>", ""]})
    assert [block.kind for block in alive.blocks] == ["widget"]
    assert alive.words == "Bars & more"
    assert [block.kind for block in still.blocks] == ["figure"]
    assert 'alt="Three bars."' in still.blocks[0].html
    assert shape(cells) == [("-", ["code", "figure"]), ("-", ["figure"])]


def test_long_tables_and_texts_are_cut_with_a_word():
    rows = TABLE.format("".join(f"<tr><td>{number}</td></tr>" for number in range(22)))
    table, text = slides(
        [
            code("a.head()", new_output("execute_result", {"text/html": rows, "text/plain": ""})),
            code("print(b)", printed("\n".join(map(str, range(30))))),
        ]
    )
    assert "… 12 more rows" in table.blocks[1].html
    assert "<td>9</td>" in table.blocks[1].html
    assert "<td>10</td>" not in table.blocks[1].html
    assert "… 16 more lines" in text.blocks[1].html


def test_rows_that_say_the_same_stay_in_their_order_when_a_table_is_cut():
    values = [*"abcdefghij", *"kab"]
    rows = TABLE.format("".join(f"<tr><td>{value}</td></tr>" for value in values))
    (slide,) = slides([code("a.head()", new_output("execute_result", {"text/html": rows}))])
    assert re.findall("<td>(.)</td>", slide.blocks[1].html) == list("abcdefghij")


def test_a_table_or_text_that_is_one_too_long_is_not_cut():
    rows = TABLE.format("".join(f"<tr><td>{number}</td></tr>" for number in range(11)))
    (slide,) = slides([code("a.head()", new_output("execute_result", {"text/html": rows}))])
    assert "more" not in slide.blocks[1].html


def test_printed_text_is_as_a_terminal_shows_it():
    (slide,) = slides([code("go()", printed("0%\r50%"), printed("\r\x1b[31m100%\x1b[0m <done>\n"))])
    assert re.search("<pre>(.*)</pre>", slide.blocks[1].html)[1] == "100% &lt;done&gt;"


def test_links_to_files_that_lie_elsewhere_are_words():
    link = new_output("display_data", {"text/html": '<a href="work/a.xlsx" download>a.xlsx</a> <a href="https://a.b">b</a>'})
    prose, result = slides([markdown("[two](02_two.ipynb), [web](https://c.d)", "slide"), code("go(1)", link, kind="slide")])
    assert re.findall('href="([^"]*)"', prose.blocks[0].html + result.blocks[1].html) == ["https://c.d", "https://a.b"]


def test_code_is_folded_to_what_is_said():
    source = (
        "import a\n\n# how it is drawn\nfigure, axes = plt.subplots(2)\nx = f(3)\nfor axis in axes:\n    axis.set(xticks=[])\nx"
    )
    assert [source.split("\n")[number] for number in kept_lines(source)] == ["x = f(3)"]
    (block,) = code_blocks(source, "c")
    assert "5 more lines: press C" in block.html
    assert code_blocks("import a\nplt.show()", "c") == []
    assert "more" not in code_blocks("import a\n\nx = 1", "c")[0].html


def test_long_code_is_cut_where_a_statement_starts():
    source = "\n".join(f"call_{number}(\n    {number},\n)" for number in range(14))
    blocks = code_blocks(source, "c")
    assert [re.sub("<[^>]+>", "", block.html)[:5] for block in blocks] == ["call_"] * 3
    assert "".join(re.sub("<[^>]+>", "", block.html) for block in blocks).count("call_") == 14


@pytest.mark.parametrize("source", ["%%time\nx = = 1", "!ls\n\n%config A.b = 1\nx = 1", "def f(:"])
def test_what_is_not_python_is_shown_as_it_is(source):
    (block,) = code_blocks(source, "c")
    assert source.rstrip("\n").split("\n")[-1] in re.sub("<[^>]+>", "", block.html)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_size_of_a_picture_is_read_from_it(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (123, 45)).save(buffer, kind)
    assert picture_size(buffer.getvalue()) == (123, 45)
    assert picture_size(buffer.getvalue()[:9]) == (640, 480)


@pytest.fixture(scope="module")
def lessons():
    return {path: deck(path, lab=f"notebooks/{path.name}") for path in find_lessons()}


class Loaded(HTMLParser):
    """What a page asks for when it is opened."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        loading = {"src", "srcset", "poster", "data"} | ({"href"} if tag == "link" else set())
        self.found += [value for name, value in attrs if name in loading and not value.startswith("data:")]

    def handle_data(self, data):
        self.found += re.findall(r"@import|url\((?![\"']?data:)", data) if self.get_starttag_text() == "<style>" else []


def test_the_decks_of_the_lessons_are_small_and_ask_for_nothing(lessons):
    for path, page in lessons.items():
        assert len(page) < 15e6, path
        assert Loaded(page).found == [], path
    assert len(Loaded("<style>a { b: url(c.png) }</style><img src='d'><link href='e'><a href='f'></a>").found) == 3


def test_each_slide_of_a_lesson_has_a_name_of_its_own_and_leads_to_its_cell(lessons):
    for path, page in lessons.items():
        ids = re.findall(r'<section id="([^"]+)"', page)
        assert len(ids) == len(set(ids)) > 20
        cells = {cell.id for cell in nbformat.read(path, as_version=4).cells}
        led = re.findall(
            rf'href="http://localhost:8888/lab/workspaces/slides/tree/notebooks/{path.name}#cell-id=([^"]+)"', page
        )
        assert len(led) == len(ids)
        assert set(led) <= cells


def test_no_solution_of_a_lesson_is_in_its_deck(lessons):
    for path, page in lessons.items():
        for cell in nbformat.read(path, as_version=4).cells:
            if "solution" in cell.metadata.get("tags", []):
                assert f'data-cell="{cell.id}"' not in page
                assert f'"{cell.id}"' not in page


def test_a_lesson_is_written_where_one_asks_or_with_ones_own_work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    assert write_slides("05", pictures=True) == tmp_path / "slides" / "05_conv_in_excel.html"
    said = []
    write_slides("05", handout=True, theme="dark", say=said.append)
    write_slides("05", handout=True, port=8889, say=said.append)
    assert said == [
        "The slides for paper are light",
        "The slides for paper lead to no JupyterLab; port is for those in a browser",
    ]
    assert write_slides("05", handout=True).name == "05_conv_in_excel-handout.html"
    assert write_slides("05", tmp_path / "mine.HTML", pictures=True).read_text().startswith("<!doctype html>")
    with pytest.raises(
        CourseError, match=r"mine.pdf', and the slides would be a page of HTML; ask for a PDF with --pdf .* or give a name"
    ):
        write_slides("05", tmp_path / "mine.pdf")
    with pytest.raises(CourseError, match="'0' could be 00_start_here, 01_cats"):
        write_slides("0")
    with pytest.raises(CourseError, match=r"cannot read .*gone.ipynb: it is not there"):
        write_slides(str(tmp_path / "gone.ipynb"), pictures=True)


def test_where_the_widgets_fail_their_pictures_stand(tmp_path, monkeypatch):
    def fails(*_):
        raise CourseError("no such data")

    monkeypatch.setattr("course_utils.lessons.slides.writing.living_pages", fails)
    said = []
    assert "<img" in write_slides("05", tmp_path / "a.html", say=said.append).read_text()
    assert said == ["The widgets stay pictures: no such data"]


def test_without_a_browser_a_pdf_is_refused_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.lessons.slides.printing.shutil.which", lambda name: None)
    monkeypatch.setattr("course_utils.lessons.slides.printing.ELSEWHERE", ())
    with pytest.raises(CourseError, match="install Chromium, Chrome or Edge, or open the slides without --pdf"):
        write_slides("05", tmp_path / "a.pdf", pdf=True)


def test_slides_lead_to_the_jupyterlab_that_runs(tmp_path, monkeypatch):
    servers = [
        {"root_dir": str(tmp_path), "port": 8890, "base_url": "/"},
        {"root_dir": str(tmp_path / "course"), "port": 8891, "base_url": "/"},
        {"root_dir": str(tmp_path / "course" / "notebooks"), "port": 8892, "base_url": "/user/x/"},
        {"root_dir": str(tmp_path / "elsewhere"), "port": 8893, "base_url": "/"},
    ]
    serverapp = pytest.importorskip("jupyter_server.serverapp")
    monkeypatch.setattr(serverapp, "list_running_servers", lambda: iter(servers))
    notebook = tmp_path / "course" / "notebooks" / "mine.ipynb"
    notebook.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Mine", id="first")]), notebook)
    said = []

    def led(**given):
        page = write_slides(str(notebook), tmp_path / "a.html", pictures=True, say=said.append, **given).read_text("utf-8")
        return re.findall(r'href="(http://localhost[^"]+)"', page)

    way = "lab/workspaces/slides/tree"
    assert led() == [f"http://localhost:8891/{way}/notebooks/mine.ipynb#cell-id=first"]
    assert said == ["J in the slides leads to the JupyterLab that runs at port 8891"]
    assert led(port=8888) == [f"http://localhost:8888/{way}/mine.ipynb#cell-id=first"]
    servers.clear()
    assert led() == [f"http://localhost:8888/{way}/mine.ipynb#cell-id=first"]
    assert len(said) == 1


def test_whoever_speaks_has_something_to_say_to_every_slide(lessons):
    for path, page in lessons.items():
        said = re.findall(r'<aside class="notes">(.*?)</aside>', page, re.DOTALL)
        assert len(said) > 20, path
        for number, words in enumerate(said, 1):
            assert re.sub(r'<p class="minute">.*?</p>', "", words, flags=re.DOTALL).strip(), f"{path.stem}, slide {number}"
