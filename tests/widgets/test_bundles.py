"""Each widget's JavaScript as one module, and what the bundler refuses."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from course_utils import widgets
from course_utils.widgets import ConvolutionExplorer, WidgetError
from course_utils.widgets.base.bundle import BASE, Bundle, packed, script, stylesheet
from course_utils.widgets.base.widget import CourseWidget
from course_utils.widgets.gallery import WIDGETS

MODULES = sorted(BASE.parent.glob("*/widget.js"))


def write(folder, **modules):
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text)
    return folder / "widget.js"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.parent.name)
def test_every_widget_is_whole_and_loads_nothing(module):
    text, style = script(module), stylesheet(module.with_suffix(".css"))
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == [text.splitlines()[-1]]
    for source in (text, style):
        assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)|\burl\(|@import|fetch\(|eval\(|innerHTML", source)
    assert not re.search(r"#[0-9a-f]{3}", module.with_suffix(".css").read_text())  # colours have one place, base.css
    assert (module.parent / "numbers.js").is_file()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.parent.name)
def test_a_widgets_own_style_outranks_what_all_share(module):
    """Also where another widget, in another output, has brought the shared style again."""
    own = stylesheet(module.with_suffix(".css")).removeprefix((BASE / "base.css").read_text())
    selectors = [line.split("{")[0].strip() for line in own.splitlines() if "{" in line and not line.startswith("@")]
    rules = [one for one in selectors if not one.startswith(("@", "from", "to"))]
    assert rules
    assert [one for one in rules if not one.startswith(".course-widget.course-")] == []


def test_every_module_belongs_to_a_public_widget():
    public = [getattr(widgets, name) for name in widgets.__all__]
    shown = {one._module: one for one in public if isinstance(one, type) and issubclass(one, CourseWidget)}
    assert sorted(shown) == MODULES
    assert {one for one in shown.values() if not one.needs_python} == set(WIDGETS)  # those that can be a page
    for module, widget in shown.items():
        assert widget._esm == packed(script(module))


def test_what_travels_with_a_widget_is_small_and_whole():
    """All that a notebook saves of a convolution over a picture of 28 by 28 pixels, what it does on the screen among it."""
    image = np.random.default_rng(0).uniform(size=(28, 28))
    state = ConvolutionExplorer(image.round(2)).get_state()
    assert len(json.dumps(state)) <= 50_000
    text = re.search(r'atob\("([^"]+)"\)', state["_esm"])[1]
    assert zlib.decompress(base64.b64decode(text)).decode() == script(ConvolutionExplorer._module)


def test_each_module_has_a_scope_of_its_own_and_runs_once(tmp_path):
    entry = write(
        tmp_path,
        widget='// The widget.\n\nimport { a } from "./one.js";\nimport { a2 } from "./two.js";\n\nexport default { a, a2 };\n',
        one='import { held } from "./two.js";\n\nconst own = 1;\n\nexport const a = own + held;\n',
        two="const own = 2;\nexport const held = own;\nexport function a2() { return own; }\nexport class Held {}\n",
    )
    at = f"${tmp_path.name}"
    assert script(entry) == (
        f"const {at}_two = (() => {{\nconst own = 2;\nconst held = own;\nfunction a2() {{ return own; }}\nclass Held {{}}\n"
        "return { held, a2, Held };\n})();\n"
        f"const {at}_one = (() => {{\nconst {{ held }} = {at}_two;\n\nconst own = 1;\n\nconst a = own + held;\n"
        "return { a };\n})();\n"
        f"const {at}_widget = (() => {{\n// The widget.\n\nconst {{ a }} = {at}_one;\nconst {{ a2 }} = {at}_two;\n"
        "\nconst $default = { a, a2 };\nreturn { default: $default };\n})();\n"
        f"export default {at}_widget.default;"
    )


@pytest.mark.parametrize(
    "line",
    [
        'import one from "./one.js";',
        'import * as one from "./one.js";',
        'import { a as b } from "./one.js";',
        'import { a } from "./one.js"',
        "import { a } from './one.js';",
        'import {\n  a,\n} from "./one.js";',
        'import { a } from "one";',
        'import { a } from "https://cdn.example.org/one.js";',
        'import "./one.js";',
        'const a = 1;\nimport { b } from "./one.js";',
        'const a = await import("./one.js");',
        "console.log(import.meta.url);",
        "export let a = 1;",
        "export const { a } = {};",
        "export { a };",
        'export * from "./one.js";',
        "export default function render() {}",
        "export default 1;",
        "const a = 1; export const b = 2;",
        "  export const a = 1;",
        "await 1;",
    ],
)
def test_what_cannot_be_bundled_is_refused_with_its_line(line, tmp_path):
    with pytest.raises(WidgetError, match=r"widget\.js, line [12]: .*cannot be bundled"):
        script(write(tmp_path, widget=line, one="export const a = 1;\nexport const b = 2;"))


@pytest.mark.parametrize(
    ("widget", "one", "message"),
    [
        ('import { b } from "./one.js";', "export const a = 1;", r"widget\.js, line 1: one\.js exports no b"),
        ('import { a } from "./two.js";', "", r"two\.js, which widget\.js imports, cannot be read: No such file"),
        ('import { a } from "./one.js";', 'import { b } from "./widget.js";', r"widget\.js → one\.js → widget\.js"),
        ("export const a = 1;\nexport function a() {}", "", r"widget\.js exports a twice"),
    ],
)
def test_names_that_are_not_there_and_circles(widget, one, message, tmp_path):
    with pytest.raises(WidgetError, match=message):
        script(write(tmp_path, widget=widget, one=one))


def test_two_modules_of_one_name_are_refused(tmp_path):
    for folder in ("a-b", "a_b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, widget="export const a = 1;")
    bundle = Bundle()
    bundle.add(tmp_path / "a-b" / "widget.js")
    with pytest.raises(WidgetError, match="two modules"):
        bundle.add(tmp_path / "a_b" / "widget.js")


def test_what_only_looks_like_an_import_stays(tmp_path):
    text = 'const ask = { export: 1, imported: "import" }; // export what there is\nconst exported = ask.export;'
    assert text in script(write(tmp_path, widget=f"{text}\nexport default {{}};"))
