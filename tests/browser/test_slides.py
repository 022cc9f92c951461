"""Slides in a browser that gets no network: everything fits, widgets answer, keys do what the list of keys says."""

import io

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.lessons import find_lessons
from course_utils.lessons.alive import WIDGET, living_pages
from course_utils.lessons.slides import deck, handout
from course_utils.widgets import MaxPooling, SoftmaxSigmoid
from course_utils.widgets.gallery import WIDGETS
from tests.browser.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "document.documentElement.dataset.ready === 'true'"
SIZES = ((1280, 720), (1920, 1080))

# What of the slide that is on the screen goes over its edges, is cut off, or is smaller than can be read.
FAULTS = """() => {
  const section = Reveal.getCurrentSlide();
  const faults = [];
  const page = section.querySelector(".page").getBoundingClientRect();
  const foot = section.querySelector("footer").getBoundingClientRect();
  const scale = page.width / 1280;
  if (Fit.overflows(section)) faults.push("the content overflows");
  for (const part of section.querySelectorAll(".content *, .page > h1, .page > h2, .running")) {
    if (part.closest("iframe, math, .waits, template, colgroup, style")) continue;
    const box = part.getBoundingClientRect();
    const name = `${part.tagName} ${part.textContent.slice(0, 40)}`;
    if (!box.width || !box.height) continue;
    if (box.left < page.left - 1 || box.right > page.right + 1 || box.top < page.top - 1) faults.push(`outside: ${name}`);
    if (box.bottom > foot.top + 8 * scale && !part.matches(".widget iframe")) faults.push(`over the foot: ${name}`);
    const wide = part.scrollWidth > part.clientWidth + 2;
    if (part.matches("pre, td, th, p:not(.running), li") && wide) faults.push(`cut off: ${name}`);
    const small = box.height < 110 * scale && box.width < 110 * scale;
    if (part.matches("img") && small && part.naturalWidth * scale > box.width) faults.push(`tiny: ${part.alt}`);
    if (part.matches("p, li, pre, td") && parseFloat(getComputedStyle(part).fontSize) < 11.5) faults.push(`too small: ${name}`);
  }
  const frame = section.querySelector(".widget iframe");
  if (frame) {
    const inside = frame.contentDocument.scrollingElement;
    if (inside.scrollHeight > inside.clientHeight + 2) faults.push("the widget has to be scrolled");
    if (inside.scrollWidth > inside.clientWidth + 2) faults.push("the widget has to be scrolled sideways");
    const box = frame.getBoundingClientRect();
    if (box.right > page.right + 1 || box.bottom > page.bottom + 1) faults.push("the widget goes over the edge");
  }
  return faults;
}"""
GO = """number => {
  const { h, v } = Reveal.getIndices(Reveal.getSlides()[number]);
  Reveal.slide(h, v);
}"""


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """Opens a page at a size, without a network; what went wrong in it is in `complaints`."""
    contexts = []

    def open_page(html, size=SIZES[0], name="deck.html"):
        file = tmp_path_factory.mktemp("slides") / name
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda asked: page.complaints.append(asked.url) if asked.url.startswith("http") else None)
        page.goto(file.as_uri())
        page.wait_for_function(READY)
        return page

    yield open_page
    for context in contexts:
        context.close()


def go(page, number):
    """Show a slide, and wait until its widget lives."""
    page.evaluate(GO, number)
    if page.evaluate("!!Reveal.getCurrentSlide().querySelector('.widget')"):
        page.wait_for_function("Reveal.getCurrentSlide().querySelector('.widget iframe')?.dataset.ready === 'true'")


def faults(page):
    """What is wrong on which slide."""
    found = {}
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        go(page, number)
        if wrong := page.evaluate(FAULTS):
            found[page.evaluate("Reveal.getCurrentSlide().id")] = wrong
    return found


def shows(page, number):
    """Wait until a slide is the one on the screen."""
    page.wait_for_function("number => Reveal.getSlides().indexOf(Reveal.getCurrentSlide()) === number", arg=number)


def figure(width, height):
    import base64

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})


def table(rows, columns, text="1,234.5"):
    row = f"<tr><th>row</th>{f'<td>{text}</td>' * columns}</tr>"
    head = f"<tr><th></th>{'<th>a column</th>' * columns}</tr>"
    return new_output("execute_result", {"text/html": f"<table><thead>{head}</thead><tbody>{row * rows}</tbody></table>"})


def nasty():
    """Cells that are larger than any slide, in every way."""
    long_word = "Donaudampfschifffahrtsgesellschaftskapitän" * 4
    prose = "A sentence of words, and then of more of them, which goes on and on without an end in sight. "
    view = new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "Bars."})
    cells = [
        (
            "slide",
            "# A title that is so long that it goes over two lines and, in the end, over a third one too, <b>bold</b>",
        ),
        ("slide", "## " + "A heading without an end " * 6 + "\n\n" + prose * 30),
        ("-", prose.replace(". ", ", ") * 25),
        ("-", "\n".join(f"- {prose * 2}\n    - {prose}" for _ in range(9))),
        ("subslide", f"{long_word} `{long_word}` " + prose),
        ("-", "| a | b |\n|---|---|\n" + f"| {prose} | {prose} |\n" * 9),
        ("-", "```python\n" + "x = 1\n" * 60 + "```"),
        ("-", "$$\\frac{" + " + ".join("abcdefghijkl") + "}{x}$$"),
        ("code", "x = " + " + ".join(f"number_{number}" for number in range(90)), new_output("stream", text="y" * 900)),
        ("code", "\n".join(f"def f{number}():\n    return '''{number}\n'''" for number in range(40))),
        ("code", "table(1)", table(40, 4)),
        ("code", "table(2)", table(12, 40)),
        ("code", "table(3)", table(6, 3, prose * 3)),
        ("code", "figures(1)", figure(3000, 200), figure(90, 2000), figure(20, 20), figure(500, 500)),
        ("code", "bars()", view, figure(20, 20)),
        ("code", "big()", new_output("stream", text="\n".join(f"{number} " * 60 for number in range(50)))),
    ]
    made = []
    for kind, source, *outputs in cells:
        if kind == "code":
            made.append(new_code_cell(source, outputs=outputs))
        else:
            made.append(new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}}))
    made.append(new_markdown_cell("Say <b>this</b>.", metadata={"tags": ["notes"]}))
    return made


@pytest.fixture(scope="module")
def nasty_deck(tmp_path_factory):
    file = tmp_path_factory.mktemp("nasty") / "nasty.ipynb"
    cells = nasty()
    nbformat.write(new_notebook(cells=cells), file)
    pages = {cell.id: [MaxPooling().html()] for cell in cells if cell.source == "bars()"}
    return deck(file, pages, theme="light"), handout(file, notes=True)


@pytest.mark.parametrize("size", SIZES)
def test_whatever_is_in_a_notebook_fits(opened, nasty_deck, size):
    page = opened(nasty_deck[0], size)
    assert faults(page) == {}
    assert page.complaints == []
    said = page.locator(".more").all_text_contents()
    assert any("more column" in text for text in said)
    assert any("more row" in text for text in said)


def test_a_handout_has_two_slides_a_page_and_what_to_say_beside_them(opened, nasty_deck):
    page = opened(nasty_deck[1])
    boxes = page.evaluate(
        "[...document.querySelectorAll('.slides > section > section')].map((one) => {"
        " const [slide, notes] = ['.page', 'aside'].map((name) => one.querySelector(name).getBoundingClientRect());"
        " return [slide.right <= notes.left, slide.height, notes.height, one.querySelector('aside').textContent]; })"
    )
    assert all(beside for beside, *_ in boxes)
    assert {round(height) for _, height, *_ in boxes} == {317}
    assert {text for *_, text in boxes if text} == {"Say this."}


# The smallest letters of the widget on a slide, in pixels of a slide of 1280 by 720.
LETTERS = """() => {
  const frame = Reveal.getCurrentSlide().querySelector(".widget iframe");
  const scale = frame.getBoundingClientRect().width / parseFloat(frame.style.width);
  const written = [...frame.contentDocument.querySelectorAll(".course-widget *")].filter(
    (one) => one.getClientRects().length && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  return scale * Math.min(...written.map((one) => parseFloat(frame.contentWindow.getComputedStyle(one).fontSize)));
}"""


@pytest.mark.thorough
def test_the_letters_of_each_widget_can_be_read_on_a_slide(opened, tmp_path):
    cells, pages = [new_markdown_cell("# Widgets", metadata={"slideshow": {"slide_type": "slide"}})], {}
    view = new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "Bars."})
    for kind in WIDGETS:
        cells.append(new_markdown_cell(f"## {kind.__name__}", metadata={"slideshow": {"slide_type": "subslide"}}))
        cells.append(new_code_cell("Bars()", outputs=[view]))
        pages[cells[-1].id] = [kind.example().html()]
    nbformat.write(new_notebook(cells=cells), tmp_path / "all.ipynb")
    page = opened(deck(tmp_path / "all.ipynb", pages, theme="light"))
    for number in range(1, 1 + len(WIDGETS)):
        go(page, number)
        assert page.evaluate(FAULTS) == []
        assert page.evaluate(LETTERS) >= 13.95
    assert page.complaints == []


@pytest.fixture(scope="module")
def small_deck(tmp_path_factory):
    """A deck of a few slides, the third with a living widget."""
    file = tmp_path_factory.mktemp("small") / "small.ipynb"
    view = new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "Bars."})
    cells = [
        new_markdown_cell("# Small", metadata={"slideshow": {"slide_type": "slide"}}),
        new_markdown_cell("## Two\n\n*Lecture: 0:01:02*\n\nWords.", metadata={"slideshow": {"slide_type": "slide"}}),
        new_markdown_cell("Say *this* of two.", metadata={"tags": ["notes"]}),
        new_code_cell("import a\n\nBars()", outputs=[view, figure(20, 20)]),
        new_markdown_cell("## Four", metadata={"slideshow": {"slide_type": "slide"}}),
    ]
    nbformat.write(new_notebook(cells=cells), file)
    return deck(file, {cells[3].id: [SoftmaxSigmoid(seed=1).html()]}, theme="light", lab="small.ipynb")


@pytest.fixture(scope="module")
def small(opened, small_deck):
    return opened(small_deck)


def test_keys_in_a_widget_move_the_widget_and_escape_leads_back(small):
    go(small, 2)
    frame = small.frame_locator(".present .widget iframe")
    slider = frame.get_by_role("slider").first
    before = slider.input_value()
    small.keyboard.press("w")
    slider.focus()
    for _ in range(3):
        small.keyboard.press("ArrowRight")
    assert slider.input_value() != before
    shows(small, 2)
    assert small.locator(".widget.focused").count() == 1
    small.keyboard.press("Escape")
    small.keyboard.press("ArrowRight")
    shows(small, 3)
    assert not small.evaluate("Reveal.isOverview()")
    small.keyboard.press("ArrowLeft")
    assert slider.input_value() != before
    assert small.complaints == []


def test_what_the_keys_do(small):
    go(small, 1)
    small.keyboard.press("d")
    assert small.evaluate("document.documentElement.dataset.theme") == "dark"
    small.frame_locator(".widget iframe").locator('body[data-jp-theme-light="false"]').wait_for()
    small.keyboard.press("d")
    small.keyboard.press("n")
    assert small.locator("#spoken").inner_text().split("\n\n") == ["Lecture: 0:01:02", "Say this of two."]
    small.keyboard.press("n")
    assert small.locator("#spoken").is_hidden()
    go(small, 2)
    small.keyboard.press("c")
    assert small.locator("#code").inner_text().startswith("The whole code\nimport a")
    small.keyboard.press("ArrowRight")
    small.keyboard.press("c")
    assert small.locator("dialog[open]").count() == 0
    shows(small, 2)
    small.keyboard.press("m")
    small.locator("#map a", has_text="Four").click()
    shows(small, 3)
    small.keyboard.press("?")
    assert small.locator("#keys dt").count() > 10
    small.keyboard.press("Escape")
    go(small, 0)
    small.keyboard.press("o")
    small.get_by_text("Words.").wait_for()  # of another slide
    small.keyboard.press("o")
    small.keyboard.press("l")
    small.mouse.move(400, 300)
    assert small.locator("#pointer i").bounding_box()["x"] == pytest.approx(387, abs=2)
    small.keyboard.press("l")
    assert small.locator("#pointer").is_hidden()
    assert (
        small.locator(".present footer a")
        .get_attribute("href")
        .startswith("http://localhost:8888/lab/workspaces/slides/tree/small.ipynb#cell")
    )


def test_the_speakers_window_shows_notes_and_the_next_slide(small):
    go(small, 1)
    with small.expect_popup() as opening:
        small.keyboard.press("s")
    speaker = opening.value
    speaker.locator(".speaker-controls-notes", has_text="Say this of two.").wait_for()
    upcoming = speaker.frame_locator("#upcoming-slide iframe")
    upcoming.locator(".present .widget").wait_for()
    speaker.close()


def test_where_the_window_is_blocked_the_notes_are_in_the_slide(small):
    go(small, 1)
    small.evaluate("window.kept = window.open; window.open = () => null")
    small.keyboard.press("s")
    assert "Say this of two." in small.locator("#spoken").inner_text()
    assert "blocks the speaker's window" in small.locator("#said").inner_text()
    small.evaluate("window.open = window.kept")
    small.keyboard.press("n")


A_TAB = """() => {
    window.asked = [];
    const tab = { closed: false, focus() {}, set location(address) { asked.push(address); } };
    window.open = (address) => (asked.push(address), tab);
}"""


def test_jupyterlab_is_asked_again_for_a_cell_while_it_starts_and_not_later(opened, small_deck):
    page = opened(small_deck)
    page.clock.install()
    page.evaluate(A_TAB)
    page.keyboard.press("j")
    first = page.evaluate("asked")
    assert "small.ipynb#cell-id=" in first[0]
    for seconds, times in ((0, 1), (4, 2), (4, 3), (6, 4), (60, 4)):
        page.clock.fast_forward(1000 * seconds)
        assert page.evaluate("asked") == first * times
    page.keyboard.press("j")
    page.clock.fast_forward(60_000)
    assert page.evaluate("asked") == first * 5  # what one does in that tab is not disturbed


def serious(page, part=None):
    """What axe-core finds in a part of a page, or in all of it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing")
    found = axe.Axe().run(page, part).response["violations"]
    return {
        rule["id"]: [node["html"][:200] + " " + str(node["failureSummary"]) for node in rule["nodes"]][:3]
        for rule in found
        if rule["impact"] in ("serious", "critical")
    }


@pytest.mark.thorough
@pytest.mark.alone
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lesson", find_lessons(), ids=lambda path: path.stem[:2])
def test_every_slide_of_every_lesson(opened, lesson):
    html = deck(lesson, living_pages(lesson), theme="light")
    assert len(html) < 15e6
    for size in SIZES:
        page = opened(html, size)
        assert faults(page) == {}, size
        assert page.complaints == []
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        go(page, number)
        for scheme in ("light", "dark"):
            assert page.evaluate("document.documentElement.dataset.theme") == scheme
            assert serious(page, "section.present > section.present") == {}, page.evaluate("Reveal.getCurrentSlide().id")
            page.keyboard.press("d")
    assert serious(page) == {}
