"""Whether everybody can read the widgets: the contrast of the colours in base.css, by the formula of WCAG 2.2."""

import re

import pytest

from course_utils.widgets.base.bundle import BASE

STYLE, GRID = ((BASE / name).read_text() for name in ("base.css", "grid.js"))
# What JupyterLab's own themes give, and a saved page in the dark.
JUPYTER = {
    "light": {"font-color1": "#212121", "layout-color1": "#ffffff", "layout-color2": "#eeeeee", "brand-color1": "#1976d2"},
    "dark": {"font-color1": "#ffffff", "layout-color1": "#111111", "layout-color2": "#212121", "brand-color1": "#2196f3"},
    "page in the dark": {
        "font-color1": "#eee",
        "layout-color1": "#161616",
        "layout-color2": "#262626",
        "brand-color1": "#7ab8ff",
    },
    "page": {},
}


def variables(theme):
    """The colours of a theme by name, as red, green and blue."""
    light = re.search(r"\.course-widget \{(.*?)\}", STYLE, re.DOTALL)[1]
    dark = re.search(r'\[data-jp-theme-light="false"\] \.course-widget \{(.*?)\}', STYLE, re.DOTALL)[1]
    found = {}
    for rules in (light, dark) if "dark" in theme else (light,):
        for name, value in re.findall(r"--([\w-]+): (.*?);", rules):
            own = re.fullmatch(r"var\(--jp-(?:ui-)?([\w-]+), (#\w+)\)", value)
            found[name] = JUPYTER[theme].get(own[1], own[2]) if own else value
    return {name: rgb(value) for name, value in found.items()}


def rgb(code):
    digits = code.removeprefix("#")
    return bytes.fromhex(digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def contrast(one, other):
    def light(shade):
        linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in shade]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", JUPYTER)
def test_text_can_be_read_and_shapes_can_be_seen(theme):
    shade = variables(theme)
    text = [(name, ground) for name in ("text", "faint", "blue-text", "orange-text") for ground in ("paper", "panel")]
    text += [("on-pressed", "pressed"), ("dim", "outside")]
    shapes = [(name, ground) for name in ("edge", "focus", "alarm", "pressed") for ground in ("paper", "panel")]
    shapes += [("focus", "around"), ("blue", "paper"), ("orange", "paper")]
    low = {pair: round(contrast(shade[pair[0]], shade[pair[1]]), 2) for pair in text}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
    low = {pair: round(contrast(shade[pair[0]], shade[pair[1]]), 2) for pair in shapes}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 3} == {}
    # On maps, where they are zero, and between a pressed button and one that is not.
    zero = re.search(rf"const ZERO = .*?{'dark' if 'dark' in theme else 'light'}: \[(\d+), (\d+), (\d+)\]", GRID)
    ground = bytes(map(int, zero.groups()))
    assert contrast(shade["mark"], ground) >= 4.5
    assert contrast(shade["ink"], ground) >= 4.5
    assert contrast(shade["pressed"], shade["paper"]) >= 3


def test_numbers_on_maps_can_be_read_in_the_dark(run):
    colours = run(
        BASE / "grid.js",
        """((body) => {
            globalThis.document = { body: { getAttribute: () => "false" } };
            const values = Array.from({ length: 201 }, (_, at) => (at - 100) / 100);
            return ["blue-orange", "lecture"].flatMap((palette) => values.map((value) => {
                const rgb = it.colour(value, 1, palette);
                return [rgb, it.ink(rgb)];
            }));
        })()""",
    )
    assert len(colours) == 402
    assert colours[100][0] == [40, 40, 40]
    assert min(contrast(shade, rgb(ink)) for shade, ink in colours) >= 4.5


def test_the_formula_is_that_of_wcag():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(rgb("#777"), rgb("#fff")) == pytest.approx(4.48, abs=0.005)  # the grey that is just too light


def test_a_ring_stands_around_the_focus_whatever_the_notebook_says():
    ring = re.search(r"\.course-widget :focus-visible \{(.*?)\}", STYLE)[1]
    assert re.findall(r"(outline|box-shadow): [^;]*!important", ring) == ["outline", "box-shadow"]
