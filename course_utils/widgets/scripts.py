"""Reading a widget's JavaScript, with what it imports put in front: a notebook takes one file for each widget."""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)


def script(name: str) -> str:
    """The text of a script beside this file, in which each `import { ... } from "./other.js"` is replaced by that file.

    The scripts stay ordinary modules, which an editor and Node understand, and no build step is needed.

    >>> "import " in script("convolution_explorer.js")
    False
    """
    parts: list[str] = []
    _collect(name, parts, set())
    return "\n".join(parts)


def stylesheet(name: str) -> str:
    """The style that all widgets share, followed by the widget's own."""
    folder = Path(__file__).parent
    return "\n".join((folder / file).read_text(encoding="utf-8") for file in ("widgets.css", name))


def _collect(name: str, parts: list[str], seen: set[str]) -> None:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    for imported in _IMPORT.findall(text):
        if imported not in seen:
            seen.add(imported)
            _collect(imported, parts, seen)
    parts.append(re.sub(r"^export (?!default)", "", _IMPORT.sub("", text), flags=re.MULTILINE))
