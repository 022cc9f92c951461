"""Putting a widget's JavaScript modules into the one file that a notebook takes, each in a scope of its own; no Node is needed.

The modules are ordinary ones, which an editor and a browser understand, in a strict subset of what JavaScript allows: imports
stand first, one a line, as `import { plain, parse } from "../base/numbers.js";`; what is exported is a function, a class or a
constant, named where it is written, as `export function plain(value) {`; and the widget's own module ends with
`export default { render };`. All else that imports or exports is refused, because it would be lost without a word.
"""

import base64
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.widgets.base.errors import WidgetError

BASE = Path(__file__).parent

_PACKED = """// What this widget does on the screen, as compressed text: a notebook keeps a copy for each widget that it shows.
const bytes = Uint8Array.from(atob("{packed}"), (one) => one.charCodeAt(0));
const text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
const address = URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }}));
const {{ default: widget }} = await import(address);
URL.revokeObjectURL(address);
export default widget;
"""

_IMPORT = re.compile(r'import \{ ([\w$]+(?:, [\w$]+)*) \} from "(\.{1,2}/[\w./-]+\.js)";')
_EXPORT = re.compile(r"export (?=(?:async )?function\*? ([\w$]+)\(|class ([\w$]+)\b|const ([\w$]+) =)")
_DEFAULT = re.compile(r"export default (?=\{)")
# What looks like an import or export, or what only a module's own top level may do.
_SUSPECT = re.compile(r"(?:^|[;{}])\s*(?:import|export)\b(?!\s*:)|\bimport\s*[(.]|^await\b", re.MULTILINE)


def script(entry: Path) -> str:
    """A widget's module and all that it imports, as one module whose default export is the widget's.

    Raises WidgetError for a file that is missing or written in another way than this module says, a name that is imported and
    not exported, and modules that import each other in a circle.

    >>> bundled = script(BASE.parent / "softmax_sigmoid" / "widget.js")
    >>> "import " in bundled, bundled.count("export "), bundled.splitlines()[-1]
    (False, 1, 'export default $softmax_sigmoid_widget.default;')
    """
    modules = Bundle()
    name = modules.add(entry)
    return f"{modules.text}\nexport default {name}.default;"


def packed(module: str) -> str:
    """A module that unpacks another, whose default export is its own, and is less than half as long.

    >>> whole = script(BASE.parent / "softmax_sigmoid" / "widget.js")
    >>> len(packed(whole)) / len(whole) < 0.5
    True
    """
    return _PACKED.format(packed=base64.b64encode(zlib.compress(module.encode(), 9)).decode("ascii"))


def stylesheet(entry: Path) -> str:
    """The style that all widgets share, followed by the widget's own, which outranks it.

    A notebook with several widgets has the shared style after the own one of an earlier widget too: so each own rule, which
    begins with the class of its widget, is made more specific than the shared ones.
    """
    shared, own = (file.read_text(encoding="utf-8") for file in (BASE / "base.css", entry))
    if name := re.search(r"\.course-[\w-]+", own):
        own = re.sub(rf"{re.escape(name[0])}(?![\w-])", f".course-widget{name[0]}", own)
    return f"{shared}\n{own}"


@dataclass
class Bundle:
    """Modules in the order in which they must run, each a constant that holds what it exports."""

    _written: dict[Path, tuple[str, set[str], str]] = field(default_factory=dict)  # name, exports and text

    @property
    def text(self) -> str:
        """All modules, those that others import first."""
        return "\n".join(text for _, _, text in self._written.values())

    def add(self, file: Path, above: tuple[Path, ...] = ()) -> str:
        """Put in a module, and before it what it imports; give the name of the constant that holds what it exports."""
        file = file.resolve()
        if file in above:
            circle = " → ".join(one.name for one in (*above[above.index(file) :], file))
            raise WidgetError(f"modules import each other in a circle: {circle}; move what both need into a third")
        if file not in self._written:
            self._written[file] = self._wrapped(file, above)
        return self._written[file][0]

    def _wrapped(self, file: Path, above: tuple[Path, ...]) -> tuple[str, set[str], str]:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            by = f", which {above[-1].name} imports," if above else ""
            raise WidgetError(f"the module {file}{by} cannot be read: {error.strerror}") from error
        lines, exported, started = [], [], False
        for number, line in enumerate(text.splitlines(), start=1):
            place = f"{file.name}, line {number}"
            found = _IMPORT.fullmatch(line)
            if found and not started:
                lines.append(self._taken(found[1].split(", "), file.parent / found[2], (*above, file), place))
                continue
            started = started or not (line.strip() == "" or line.startswith("//"))
            if named := _EXPORT.match(line):
                exported.append(next(filter(None, named.groups())))
                line = line[named.end() :]
            elif _DEFAULT.match(line):
                exported.append("default")
                line = _DEFAULT.sub("const $default = ", line)
            if _SUSPECT.search(line):
                raise WidgetError(f"{place}: {line.strip()!r} cannot be bundled; see the top of bundle.py for what can")
            lines.append(line)
        for name in exported:
            if exported.count(name) > 1:
                raise WidgetError(f"{file.name} exports {name} twice")
        name = "$" + re.sub(r"\W", "_", f"{file.parent.name}_{file.stem}")
        if name in (one for one, _, _ in self._written.values()):
            raise WidgetError(f"two modules are called {file.parent.name}/{file.name}; give one of them another name")
        held = ", ".join("default: $default" if one == "default" else one for one in exported)
        body = "\n".join(lines)
        return name, set(exported), f"const {name} = (() => {{\n{body}\nreturn {{ {held} }};\n}})();"

    def _taken(self, names: list[str], file: Path, above: tuple[Path, ...], place: str) -> str:
        module = self.add(file, above)
        for name in names:
            if name not in self._written[file.resolve()][1]:
                raise WidgetError(f"{place}: {file.name} exports no {name}")
        return f"const {{ {', '.join(names)} }} = {module};"
