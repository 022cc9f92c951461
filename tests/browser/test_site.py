"""The lessons as pages, opened from a disk: search, theme, keyboard, a widget in its frame, and everybody can use them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.lessons.alive import WIDGET
from course_utils.lessons.site import write_site
from course_utils.widgets import SoftmaxSigmoid
from tests.browser.waiting import eventually, fits, reads

pytestmark = pytest.mark.browser

TABLE = '<table class="dataframe"><tr><th>a long name of a column</th><td>1</td></tr></table>'
LONG = "x = [" + ", ".join(f"'a long word number {number}'" for number in range(20)) + "]  # a comment"


def lessons():
    """Two notebooks; the second has all that a page can show."""
    moves = new_output("display_data", {WIDGET: {}, "text/plain": "Softmax of five classes"})
    shown = new_output("execute_result", {"text/html": TABLE, "text/plain": "a table"})
    check = '<div style="border-left: 4px solid #B85C00"><b style="color: #B85C00">○ 1.1</b> Not yet.</div>'
    exercise = new_markdown_cell("**Exercise 1.1.** Halve it.", metadata={"tags": ["exercise"]})
    solution = new_code_cell("# Solution\nhalf = 2", metadata={"tags": ["solution"]})
    return {
        "00_start_here": [new_markdown_cell("# Start here\n\nA map.\n\n**Time:** a minute.")],
        "01_cats_vs_dogs": [
            new_markdown_cell("# 1. Cats and dogs\n\nTell one from the other."),
            new_markdown_cell("## The rate\n\n*Lecture: [0:01:00](https://youtu.be/x)*\n\nÉpochs of a *snug harbour*, $x^2$."),
            new_code_cell(LONG, outputs=[shown]),
            new_markdown_cell("### Moving\n\n" + "Words to scroll past.\n\n" * 40),
            new_code_cell("Softmax()", id="moves", outputs=[moves]),
            exercise,
            new_code_cell("half = ...  # your code here", metadata={"tags": ["answer"]}, outputs=[]),
            new_code_cell("check()", metadata={"tags": ["check"]}, outputs=[new_output("display_data", {"text/html": check})]),
            solution,
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "notebooks").mkdir()
    for name, cells in lessons().items():
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / f"{name}.ipynb")
    pages = {"01_cats_vs_dogs": {"moves": [SoftmaxSigmoid().html()]}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return write_site(folder / "out", living=lambda path: pages.get(path.stem, {}), gallery=False).parent


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    found = context.new_page()
    found.wrong = []
    found.on("pageerror", lambda error: found.wrong.append(str(error)))
    found.on("request", lambda request: found.wrong.append(request.url) if request.url.startswith("http") else None)
    yield found
    assert found.wrong == []
    context.close()


def test_search_without_a_server_and_without_a_mouse(site, page):
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("/")
    page.keyboard.type("SNUG harb")
    page.get_by_role("status").filter(has_text="1 section.").wait_for()
    assert page.locator("dialog mark").all_inner_texts() == ["snug", "harb"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.querySelector('.title').textContent") == "The rate"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_cats_vs_dogs.html#the-rate*")
    page.wait_for_function("document.getElementById('the-rate').getBoundingClientRect().top < innerHeight / 2")
    page.keyboard.press("Control+k")
    page.keyboard.type("epoch")
    page.get_by_role("status").filter(has_text="1 section.").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("unheard of")
    page.get_by_role("status").filter(has_text="Nothing found").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")


def test_a_search_keeps_the_focus_where_the_page_takes_it_away(site, page):
    page.goto((site / "01_cats_vs_dogs.html").as_uri())
    assert "right-click" in page.locator("a[download][href$='.ipynb']").inner_text()  # from a disk a click downloads nothing
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.matches('#search input')")
    page.evaluate("document.activeElement.blur()")  # as scrolling to a heading does
    page.wait_for_function("document.activeElement.matches('#search input')")


def test_the_theme_is_kept_and_a_widget_in_its_frame_follows(site, page):
    paper = "getComputedStyle(document.body).backgroundColor"
    page.goto((site / "index.html").as_uri())
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(paper)
    assert dark == "rgb(21, 24, 29)"
    page.get_by_role("link", name="Cats and dogs").first.click()
    page.get_by_role("button", name="Dark", pressed=True).wait_for()
    assert page.evaluate(paper) == dark
    frame = page.locator("iframe")
    frame.scroll_into_view_if_needed()
    widget = page.frame_locator("iframe")
    widget.locator(".course-words").filter(has_text="Softmax picks").wait_for()
    widget.locator('body[data-jp-theme-light="false"]').wait_for()
    assert not widget.get_by_text("Back to the course").is_visible()

    def as_high_as_what_is_in_it():
        inside = widget.locator("body").evaluate("body => body.scrollHeight")
        assert frame.evaluate("one => one.clientHeight") == pytest.approx(inside, abs=8)

    eventually(as_high_as_what_is_in_it)
    page.get_by_role("button", name="Dark").click()
    widget.locator('body[data-jp-theme-light="true"]').wait_for()
    assert page.evaluate("localStorage.length") == 0  # as the system has it: nothing to keep


def test_a_widget_on_a_page_of_its_own_leads_back(site, page):
    page.goto((site / "01_cats_vs_dogs.html").as_uri())
    page.get_by_role("link", name="Open this widget").click()
    page.locator(".course-words").filter(has_text="Softmax picks").wait_for()
    assert page.locator("h1").is_visible()
    page.get_by_role("link", name="Back to the course").click()
    page.wait_for_url("**/out/01_cats_vs_dogs.html")


KEEP_WHAT_IT_SAYS = """() => {
    const button = document.querySelector("button.copy");
    window.said = [];
    new MutationObserver(() => window.said.push(button.textContent)).observe(button, { childList: true });
}"""


def test_code_is_copied_and_the_contents_follow_the_reader(site, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto((site / "01_cats_vs_dogs.html").as_uri())
    page.evaluate(KEEP_WHAT_IT_SAYS)
    page.get_by_role("button", name="Copy").first.click()
    page.wait_for_function("window.said[0] === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == LONG
    marked = page.locator(".contents [aria-current]")
    reads(marked, "Cats and dogs")
    page.locator("iframe").scroll_into_view_if_needed()
    marked.filter(has_text="Moving").wait_for()


def test_everybody_can_use_the_pages(site, page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for theme, name in (("light", "01_cats_vs_dogs.html"), ("dark", "01_cats_vs_dogs.html"), ("dark", "index.html")):
        page.emulate_media(color_scheme=theme)
        page.goto((site / name).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if name == "index.html":
            page.keyboard.press("/")
            page.keyboard.type("harbour")
            page.locator("dialog mark").first.wait_for()
        found = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_phone_shows_all_of_a_page(site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("index.html", "01_cats_vs_dogs.html"):
        page.goto((site / name).as_uri())
        fits(page)
    contents = page.get_by_role("navigation", name="On this page")
    contents.wait_for(state="detached")  # folded
    page.get_by_text("On this page").click()
    contents.get_by_role("link", name="The rate").click()
    page.wait_for_function("Math.abs(document.getElementById('the-rate').getBoundingClientRect().top) < 120")
    contents.wait_for(state="detached")
