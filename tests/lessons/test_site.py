"""The lessons as pages: what becomes of a notebook, that nothing leads nowhere, and whose files are replaced."""

import base64
import io
import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from course_utils import cli
from course_utils.errors import CourseError
from course_utils.lessons.alive import WIDGET
from course_utils.lessons.find import find_lessons
from course_utils.lessons.site import write_site
from course_utils.lessons.site.folder import LIST
from course_utils.lessons.site.lesson import read_lesson

OPENING = """# 1. Cats: and dogs

Tell one
from the other.

**Time:** a minute.

**Pictures:** drawn."""
PROSE = """## F2 & *more*

*Lecture: [0:01:00](https://youtu.be/x?t=60)*

See [lesson 2](02_dog_breeds.ipynb#How-it-ends) and [a sheet](../spreadsheets/softmax.xlsx); $\\beta = 2$ costs $5.

| a | b |
|---|---|
| 1 | 2 |

### F2 & more"""
FOLDED = "<details>\n<summary>Solution</summary>\n\nThe secret.\n\n</details>"


def picture():
    written = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(written, "PNG")
    return written.getvalue()


def cell(kind, source, tag=None, **more):
    made = {"code": new_code_cell, "markdown": new_markdown_cell}[kind](source, **more)
    made.metadata["tags"] = [tag] if tag else []
    return made


def shows(data, **metadata):
    return new_output("display_data", data, metadata=metadata)


STILL = {"image/png": {"alt": "Three bars <of> red", "width": 20, "height": 10}}


def lesson():
    png = base64.b64encode(picture()).decode()
    html = '<a href="work/a.csv" download>a.csv</a> <a href="../spreadsheets/softmax.xlsx" download>the sheet</a>'
    return new_notebook(
        cells=[
            cell("markdown", OPENING),
            cell("markdown", PROSE),
            cell("code", "1 < 2", id="prints", outputs=[new_output("stream", text="\x1b[31m<b>loud</b>\x1b[0m\n")]),
            cell("code", "draw()", id="draws", outputs=[shows({"image/png": png}), shows({"text/html": html})]),
            cell(
                "code",
                "Softmax()",
                id="moves",
                outputs=[shows({WIDGET: {}, "text/plain": "Softmax of three"}), shows({"image/png": png}, **STILL)],
            ),
            cell("code", "where()", "machine"),
            cell("markdown", "**Say:** whispered to whoever presents.", "notes"),
            cell("markdown", "**Exercise 1.1.** Halve it.", "exercise"),
            cell("code", "half = ...  # your code here", "answer"),
            cell("code", 'check("1.1", half)', "check"),
            cell("code", "# Solution\nhalf = secret / 2", "solution"),
            cell("markdown", f"**Exercise 1.2.** Why?\n\n{FOLDED}", "exercise"),
        ]
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project of two lessons and a workbook, in which one stands."""
    notebooks = tmp_path / "project" / "notebooks"
    notebooks.mkdir(parents=True)
    nbformat.write(lesson(), notebooks / "01_cats_vs_dogs.ipynb")
    nbformat.write(
        new_notebook(cells=[cell("markdown", "# 2. Dogs\n\nMany."), cell("markdown", "## How it ends")]),
        notebooks / "02_dog_breeds.ipynb",
    )
    (tmp_path / "project" / "spreadsheets").mkdir()
    (tmp_path / "project" / "spreadsheets" / "softmax.xlsx").write_bytes(b"a workbook")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def read(folder, **options):
    return read_lesson(folder / "notebooks" / "01_cats_vs_dogs.ipynb", ["softmax.xlsx"], **options)


def page_of(lesson):
    return "\n".join(block for section in lesson.sections for block in section.blocks)


def test_a_notebook_becomes_sections(folder):
    found = read(folder)
    assert (found.number, found.name, found.title, found.summary) == (
        1,
        "Cats",
        "1. Cats: and dogs",
        "Tell one from the other.",
    )
    assert found.facts == {"Time": "a minute.", "Pictures": "drawn."}
    assert [(one.level, one.title, one.anchor) for one in found.sections] == [
        (1, "1. Cats: and dogs", "1-cats-and-dogs"), (2, "F2 & more", "f2-more"), (3, "F2 & more", "f2-more-2"),
    ]  # fmt: skip
    page = page_of(found)
    assert '<p class="lecture"><em>Lecture: <a href="https://youtu.be/x?t=60">' in page
    assert '<a href="02_dog_breeds.html#how-it-ends">' in page
    assert '<a href="spreadsheets/softmax.xlsx">a sheet</a>' in page
    assert re.search(r"<math[^>]*>.*<mn>2</mn>.*</math></span> costs \$5\.", page)
    assert "differs from machine to machine" in page


def test_outputs_are_shown_as_they_are_and_pictures_become_files(folder):
    found = read(folder)
    page = page_of(found)
    assert '<pre class="text">&lt;b&gt;loud&lt;/b&gt;</pre>' in page
    assert found.files["figures/01_cats_vs_dogs/draws-1.png"] == picture()
    assert 'src="figures/01_cats_vs_dogs/draws-1.png" alt="Figure: F2 &amp; more" width="40" height="20"' in page
    assert "<span>a.csv</span>" in page  # which only a run makes
    assert '<a href="spreadsheets/softmax.xlsx" download>the sheet</a>' in page


def test_a_widget_lives_where_its_page_is_there_and_is_a_picture_elsewhere(folder):
    still = 'alt="Three bars &lt;of&gt; red" width="20" height="10"'
    found = read(folder)
    assert (still in page_of(found), found.living) == (True, 0)
    assert still in page_of(read(folder, living={"moves": [""]}))
    alive = read(folder, living={"moves": ["<html><head></head><body>it moves</body></html>"]})
    page = page_of(alive)
    assert (still in page, alive.living) == (False, 1)
    assert '<iframe src="living/01_cats_vs_dogs/moves-1.html" title="Three bars &lt;of&gt; red" loading="lazy"' in page
    moving = alive.files["living/01_cats_vs_dogs/moves-1.html"]
    assert b"it moves" in moving
    assert b'<a href="../../01_cats_vs_dogs.html">' in moving


def test_solutions_are_folded_or_not_there(folder):
    assert '<details class="solution"><summary>Solution</summary>' in page_of(read(folder))
    found = read(folder, solutions=False)
    everything = page_of(found) + nbformat.writes(found.notebook) + str([one.words for one in found.sections])
    assert found.exercises == 2
    assert "Exercise 1.2." in everything
    assert "secret" not in everything


def test_what_is_for_whoever_presents_is_not_there(folder):
    for solutions in (True, False):
        found = read(folder, solutions=solutions)
        assert "whispered" not in page_of(found) + nbformat.writes(found.notebook) + str([one.words for one in found.sections])


def test_a_link_to_nowhere_is_refused(folder):
    path = folder / "notebooks" / "01_cats_vs_dogs.ipynb"
    nbformat.write(new_notebook(cells=[cell("markdown", "# A\n\n[here](../README.md)")]), path)
    with pytest.raises(CourseError, match=r"^01_cats_vs_dogs\.ipynb links to '\.\./README\.md', which the pages do not have"):
        write_site(folder / "out", gallery=False)
    assert not (folder / "out").exists()
    for kind in ("markdown", "code"):
        nbformat.write(new_notebook(cells=[cell(kind, "A")]), path)
        with pytest.raises(CourseError, match="something stands before its title"):
            read(folder)


def test_pages_are_written_again_and_nothing_else_is_touched(folder):
    out = folder / "out"
    first = write_site(out, gallery=False)
    assert first == out / "index.html"
    (out / "CNAME").write_text("course.example")
    (folder / "notebooks" / "02_dog_breeds.ipynb").unlink()
    notebook = lesson()
    notebook.cells[1].source = "## Another"
    nbformat.write(notebook, folder / "notebooks" / "01_cats_vs_dogs.ipynb")
    write_site(out, gallery=False)
    assert "Another" in (out / "01_cats_vs_dogs.html").read_text()
    assert not (out / "02_dog_breeds.html").exists()
    assert (out / "CNAME").read_text() == "course.example"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "figures" / "mine.png").write_bytes(b"mine")
    with pytest.raises(CourseError, match=r"figures/mine\.png in .* was added or changed"):
        write_site(out, gallery=False)
    (out / "figures" / "mine.png").unlink()
    (out / "index.html").write_text("my own")
    with pytest.raises(CourseError, match=r"index\.html in .* was added or changed"):
        write_site(out, gallery=False)
    (out / "index.html").write_bytes(before[out / "index.html"])
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in folder.iterdir()) == ["notebooks", "out", "spreadsheets"]


def test_what_is_not_ours_is_never_replaced(folder):
    out = folder / "out"
    out.mkdir()
    (out / "index.html").write_text("my home page")
    ran = []
    with pytest.raises(CourseError, match=r"already holds index\.html, and not from here; nothing was written"):
        write_site(out, living=lambda path: ran.append(path) or {}, gallery=False)
    assert ran == []  # it is said before anything is run
    assert [path.name for path in out.rglob("*")] == ["index.html"]
    (out / "index.html").unlink()
    (out / LIST).write_text("no list")
    with pytest.raises(CourseError, match="cannot be read as the list"):
        write_site(out, gallery=False)


def test_the_command(folder, capsys, monkeypatch):
    monkeypatch.setattr("course_utils.lessons.site.write._gallery", lambda part: [])
    monkeypatch.setattr("sys.argv", ["course", "html", "out", "--without-solutions", "--pictures"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert "index.html" in capsys.readouterr().out
    assert "secret" not in (folder / "out" / "01_cats_vs_dogs.html").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The real lessons, without a run of their widgets."""
    return write_site(tmp_path_factory.mktemp("site") / "out", gallery=False).parent


class Page(HTMLParser):
    """What a page asks for, links to, and can be linked to at."""

    def __init__(self, path):
        super().__init__()
        self.asks, self.links, self.ids, self.without_words, self.at_once = [], [], [], [], 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        else:
            self.asks += [found[name] for name in ("src", "href") if name in found]
        if tag == "img" and "alt" not in found:
            self.without_words.append(found["src"])


def test_every_link_of_the_real_lessons_leads_somewhere_and_nothing_is_asked_of_the_web(site):
    pages = {path.name: Page(path) for path in site.glob("*.html")}
    assert set(pages) == {"index.html", *(f"{path.stem}.html" for path in find_lessons())}
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        assert page.without_words == []
        assert [address for address in page.asks if re.match(r"\w+:", address) and not address.startswith("data:")] == []
        for address in page.asks + page.links:
            if re.match(r"(https|data):", address):
                continue
            file, _, fragment = unquote(address).partition("#")
            assert not file or (site / file).is_file(), f"{name}: {address}"
            if fragment:
                assert fragment in pages[file or name].ids, f"{name}: {address}"
    for name in ("site.css", "site.js", "search.js"):
        path = site / "assets" / name
        assert not re.search(r"https?://|@import|fetch\(|XMLHttpRequest", path.read_text(encoding="utf-8")), name


def test_the_first_page_is_light_and_has_every_lesson_and_workbook(site):
    index = site / "index.html"
    page = Page(index)
    parts = {address for address in page.asks if not address.startswith("data:")}
    assert index.stat().st_size + sum(os.path.getsize(site / part) for part in parts) < 1_000_000
    books = {path.name for path in (find_lessons()[0].parents[1] / "spreadsheets").glob("*.xlsx")}
    assert {f"spreadsheets/{book}" for book in books} <= set(page.links)
    words = index.read_text(encoding="utf-8")
    assert words.count("<dt>Lecture</dt>") == len(find_lessons()) - 1
    assert "The same in Keras" in (site / "assets" / "search-index.js").read_text(encoding="utf-8")
    covers = [site / "assets" / f"{path.stem}.webp" for path in find_lessons()]
    for path in covers:
        with Image.open(path) as cover:
            assert cover.size == (720, 405)


def test_no_notebook_has_more_pictures_than_its_page(site):
    for path in find_lessons():
        notebook = nbformat.read(path, as_version=4)
        drawn = sum(
            bool({"image/png", "image/jpeg"} & set(output.get("data", {})))
            for one in notebook.cells
            for output in one.get("outputs", [])
        )
        assert len(list((site / "figures" / path.stem).iterdir())) == drawn
