"""Whether everybody can use the saved page of each widget: axe-core in the light and in the dark, and forced colours."""

import pytest

from course_utils.widgets.gallery import WIDGETS, file_name

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-core is missing: pip install axe-playwright-python"
)


@pytest.fixture(scope="module")
def light_and_dark(browser):
    """A page of each, without a network."""
    pages = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme=scheme, offline=True)
        pages[scheme] = context.new_page()
    yield pages
    for page in pages.values():
        page.context.close()


EACH = [
    pytest.param(kind, id=file_name(kind), marks=[pytest.mark.thorough] * (number % 3 > 0))
    for number, kind in enumerate(WIDGETS)
]


@pytest.mark.parametrize("kind", EACH)
def test_axe_finds_nothing(kind, light_and_dark, tmp_path):
    file = kind.example().save_html(tmp_path / "page.html")
    for scheme, page in light_and_dark.items():
        complaints = []
        page.once("pageerror", lambda error: complaints.append(str(error)))  # noqa: B023
        page.goto(file.as_uri())
        page.locator(".course-words").filter(has_text=".").wait_for()
        found = {
            rule["id"]: [node["html"][:200] + " " + str(node["failureSummary"]) for node in rule["nodes"]][:3]
            for rule in AXE.Axe().run(page).response["violations"]
        }
        assert found == {}, scheme
        assert complaints == []
    told_in_forced_colours(light_and_dark["light"])


# Of each pressed button its colour, and that of one beside it which is not; of each bar and swatch whether it kept its own.
FORCED = """() => {
    const shade = (one) => getComputedStyle(one).backgroundColor;
    const seen = (one) => one.getClientRects().length > 0;
    const pressed = [...document.querySelectorAll('.course-widget button[aria-pressed="true"]')].filter(seen);
    const beside = (one) => [...one.parentNode.children].find((other) => other.getAttribute('aria-pressed') === 'false');
    const marks = [...document.querySelectorAll('.course-widget i')].filter(seen);
    return {
        alike: pressed.filter((one) => beside(one) && shade(one) === shade(beside(one))).map((one) => one.outerHTML),
        lost: marks.filter((one) => getComputedStyle(one).forcedColorAdjust !== 'none').map((one) => one.outerHTML),
    };
}"""


def told_in_forced_colours(page):
    page.emulate_media(forced_colors="active")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    found = page.evaluate(FORCED)
    page.emulate_media(forced_colors="none")
    assert (found["alike"], found["lost"]) == ([], [])
