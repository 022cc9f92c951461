"""What the lecture writes, what one writes today, and why: translation.toml, from which cells are rewritten and docs are made.

`translate(cell)` prints a cell in today's words; `python -m course_utils.lecture.translation docs/lecture.md` writes the page.
"""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from course_utils.lecture.messages import LectureError, gone, table
from course_utils.lecture.namespace import HERE, NAMES
from course_utils.lecture.patterns import Bound, Row, loop_names, statements
from course_utils.lecture.uses import Uses

PICTURES, TABLES, LIBRARIES = (
    [
        Row(*pair, **{key: value for key, value in group.items() if key != "rows"})
        for group in table()[part]
        for pair in group["rows"]
    ]
    for part in ("pictures", "tables", "libraries")
)
ROWS = (*PICTURES, *TABLES, *LIBRARIES)

REMARKS = {entry["function"]: f"{entry['what']}: {entry['holds']}" for entry in table()["wrong"] if "function" in entry}
"""By the names of functions that cells define: what of the lecture is wrong today."""


def translate(*cells: str) -> None:
    """Print cells of the lecture in today's words, and below them why they are others.

    Several are taken as one: whether predictions are wanted as logarithms, and what a star import has to bring, may be seen in
    a later cell alone. In a notebook `translate(_i3, _i4)` takes what was typed in cells 3 and 4, and a learner that is there
    by then tells itself whether its predictions were logarithms.

    >>> translate("learn = ConvLearner.pretrained(resnet34, data, precompute=True)")
    learn = image_learner(data, "resnet34", precompute=True)
    <BLANKLINE>
    # resnet34: networks are called by their names in torchvision or timm
    # ConvLearner.pretrained: data come first, since the network may be left out: it is then the one whose weights are installed
    """
    words, rows = translated(*cells)
    print(words.rstrip())
    reasons = dict[str, list[str]]()
    for row in rows:
        reasons.setdefault(row.why, []).append(row.lecture.partition("(")[0])
    if reasons:
        print("", *(f"# {', '.join(dict.fromkeys(names))}: {why}" for why, names in reasons.items()), sep="\n")


SHELL = r"(?:ls|cd|pwd|cat|cp|mv|rm|mkdir|rmdir|pip|conda)(?: +(?![=,.(]).*)?"  # which IPython takes without a sign, too
PYTHON = r"%%(?:time|timeit|capture|prun)\b"  # magics of a cell whose other lines are Python


def translated(*cells: str) -> tuple[str, list[Row]]:
    """Cells in today's words, and the rows of the table that were used; lines for the shell and magics stay as they are."""
    source = "\n\n".join(map(_as_python, cells))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, TypeError) as error:
        raise LectureError(f'this cell is no Python ({error}); give the text of a cell of code, as translate("...")') from error
    writer = _Writer(source, tree)
    words = _with_imports(writer.text(tree))
    words = re.sub(r"(?m)pass  #:(.*)$", r"\1", words)
    return re.sub(r"(?m)^(.*)  #:(%time.*)$", r"\2 \1", words), list(writer.used)


def _as_python(cell: str) -> str:
    """A cell without its prompts or indentation, in which what is no Python is marked."""
    from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt, leading_indent

    lines = cell.lstrip("\n").splitlines(keepends=True)
    for clean in (leading_indent, classic_prompt, ipython_prompt):
        lines = clean(lines)
    source = "".join(lines)
    if source.startswith("%%") and not re.match(PYTHON, source):  # %%bash, %%html
        return re.sub(r"(?m)^(.*)$", r"pass  #:\1", source)
    source = re.sub(r"(?m)^(%time(?:it(?: -\w+)*)?) (.*)$", r"\2  #:\1", source)
    return re.sub(rf"(?m)^([ \t]*)([%!?].*|{SHELL}|\w+ *= *[%!].*|[\w.]+\?+)$", r"\1pass  #:\2", source)


def _tasks() -> dict[str, str]:
    """What the lecture's learners of this session predict, by their names."""
    if (module := sys.modules.get(f"{HERE}.learners")) is None:
        return {}
    session = vars(sys.modules["__main__"]).copy()
    return {name: value.learner.data.task for name, value in session.items() if isinstance(value, module.LectureLearner)}


def _with_imports(words: str) -> str:
    """Python in which star imports are marked, with what it needs in the place of the first of them, and no other."""
    if "pass  #:* " not in words:
        return words
    if needed := _imports(ast.parse(words)):
        words = words.replace("pass  #:* ", "\0", 1)
        words = re.sub(r"\0.*", lambda _: "\n".join(needed), re.sub(r"(?m)^pass  #:\* .*\n?", "", words))
    return words.replace("pass  #:* ", "")


def _imports(tree: ast.AST) -> list[str]:
    """What brings the names that a cell uses and does not make."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        made |= {node.name} if isinstance(node, ast.FunctionDef | ast.ClassDef) else set()
        made |= {node.arg} if isinstance(node, ast.arg) else set()
        made |= {(node.asname or node.name).partition(".")[0]} if isinstance(node, ast.alias) else set()
    whole, parts = set[str](), dict[str, set[str]]()
    for name in {node.id for node in names} - made:
        module, _, attribute = _home(name).partition(":")
        if attribute:
            parts.setdefault(module, set()).add(attribute)
        elif module:
            whole.add(f"import {module}" if module == name else f"import {module} as {name}")
    ours = "course_utils"
    found = [f"from {module} import {', '.join(sorted(parts[module]))}" for module in sorted(parts)]
    return [*sorted(whole), *sorted(found, key=lambda line: line.startswith(f"from {ours}"))]


ELSEWHERE = {"ConfusionMatrixDisplay": "sklearn.metrics", "FileLink": "IPython.display"}


def _home(name: str) -> str:
    """Where a name is imported from today: `module:name`, or a module; nothing for those of the reader."""
    for part in ("course_utils.vision", "course_utils.training", "course_utils.tabular"):
        if name in import_module(part).__all__:
            return f"{part}:{name}"
    if name in ELSEWHERE:
        return f"{ELSEWHERE[name]}:{name}"
    origin = NAMES.get(name, "")
    return f"{HERE}:{name}" if origin.startswith(HERE) else origin


class _Writer:
    """Writes nodes as they stand in the source, but for what fits a row."""

    def __init__(self, source: str, tree: ast.AST) -> None:
        self.lines = source.splitlines(keepends=True)
        self.uses = Uses(tree, _tasks())
        self.alone, self.loops, self.used = statements(tree), loop_names(tree), dict[Row, None]()

    def text(self, node: ast.AST) -> str:
        """The words of a node, with those of all nodes in it."""
        if (fit := self._fit(node)) is not None:
            row, bound = fit
            if row.use in ("said", "pair") or self._is_lost(row, bound):
                self.used.setdefault(row)
                return self._parts(node)
            words = row.write(bound, self.loops, self.text).replace("{search}", self.uses.search)
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                words = f"pass  #:* {words}"
            written = self._between(*self._span(node))
            if _is_same(words, written):  # but for its spaces
                return written
            self.used.setdefault(row)
            return words
        return self._parts(node)

    def _parts(self, node: ast.AST) -> str:
        start, end = self._span(node)
        text, at = "", start
        for child in sorted(self._changed(node), key=self._span):
            first, last = self._span(child)
            text, at = text + self._between(at, first) + self.text(child), last
        return text + self._between(at, end)

    def _fit(self, node: ast.AST) -> tuple[Row, Bound] | None:
        for row in ROWS:
            bound = row.match(node, id(node) in self.alone)
            if bound is not None and self.uses.fit(row.use, node):
                return row, bound
        return None

    def _is_lost(self, row: Row, bound: Bound) -> bool:
        """Whether a row gives a table of a loop a new name."""
        return not row.helper and row.today.startswith("{df} = ") and ast.unparse(bound["df"]) in self.loops

    def _changed(self, node: ast.AST) -> Iterator[ast.AST]:
        """The outermost nodes below this one that fit a row, in the order of the source."""
        for child in ast.iter_child_nodes(node):
            if self._fit(child) is not None:
                yield child
            elif not isinstance(child, ast.JoinedStr):  # Python 3.11 does not know where its parts are
                yield from self._changed(child)

    def _span(self, node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
        """Line and byte where a node begins and ends."""
        if isinstance(node, ast.Module):
            return (1, 0), (len(self.lines), len(self.lines[-1].encode()) if self.lines else 0)
        place: dict[str, int] = vars(node)
        return (place["lineno"], place["col_offset"]), (place["end_lineno"], place["end_col_offset"])

    def _between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The source from one place to another; columns count bytes."""
        lines = [line.encode() for line in self.lines[start[0] - 1 : end[0]]]
        if not lines:
            return ""
        lines[-1] = lines[-1][: end[1]]
        lines[0] = lines[0][start[1] :]
        return b"".join(lines).decode()


def _is_same(words: str, written: str) -> bool:
    try:
        return ast.dump(ast.parse(words)) == ast.dump(ast.parse(f"({written})"))
    except SyntaxError:  # part of a statement
        return words == written


def page() -> str:
    """docs/lecture.md."""
    parts = [
        "# The lecture's lines today",
        "`%load_ext course_utils.lecture` lets the lecture's cells run as they stand; its `translate(cell)` prints one in the\n"
        "words below, or several that belong together. In the left column small letters stand for anything, and what is\n"
        "followed by `=` may be left out.\n"
        "`make docs` makes this page.",
    ]
    for title, rows in (
        ("Pictures", PICTURES),
        ("Tables", TABLES),
        ("What pandas, scikit-learn, Keras and PyTorch changed", LIBRARIES),
    ):
        parts += [f"## {title}", "\n".join(["| the lecture writes | today | why |", "|---|---|---|", *map(_line, rows)])]
        if rows is LIBRARIES:
            parts.append("Cells that hold one of these run all the same, and a line under the cell says so.")
    wrong = [f"- **{entry['what']}**: {entry['holds']}" for entry in table()["wrong"]]
    parts += ["## Where the lecture is wrong today", "\n".join(wrong)]
    names: dict[str, list[str]] = {}
    for name, today in gone().items():
        names.setdefault(today, []).append(f"`{name}`")
    parts += [
        "## What is not here",
        "Names of the lecture's library that its lessons do not use, or that were removed; what uses one gets this answer.",
        "\n".join(f"- {', '.join(said)}: {today}" for today, said in names.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    lecture = row.lecture.replace("=...", "=")
    today = re.sub(r"\{(\w+)(?::[^}]*)?\}", r"\1", row.today.replace("{rest}", ""))
    return f"| `{lecture}` | `{today}` | {row.why} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
