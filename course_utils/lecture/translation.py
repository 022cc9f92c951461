"""What the lecture writes, what one writes today, and why: translation.toml, from which cells are rewritten and docs are made.

`translate(cell)` prints a cell in today's words; `python -m course_utils.lecture.translation docs/lecture.md` writes the page.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from course_utils.lecture.messages import LectureError
from course_utils.lecture.patterns import Bound, Row, loop_names, statements
from course_utils.lecture.uses import Uses

_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

PICTURES, TABLES, LIBRARIES = ([Row(**row) for row in _TABLE[part]] for part in ("pictures", "tables", "libraries"))
ROWS = (*PICTURES, *TABLES, *LIBRARIES)

REMARKS = {entry["function"]: f"{entry['what']}: {entry['holds']}" for entry in _TABLE["wrong"] if "function" in entry}
"""By the names of functions that cells define: what of the lecture is wrong today."""


def translate(cell: str) -> None:
    """Print a cell of the lecture in today's words, and below it why they are others.

    >>> translate("learn = ConvLearner.pretrained(resnet34, data, precompute=True)")
    learn = image_learner(data, "resnet34", precompute=True)
    <BLANKLINE>
    # resnet34: networks go by their names, of torchvision or timm
    # ConvLearner.pretrained: data come first, since the network may be left out: it is then the one whose weights are installed
    """
    words, rows = translated(cell)
    print(words.rstrip())
    reasons = {f"# {row.lecture.partition('(')[0]}: {row.why}": None for row in rows}
    if reasons:
        print("", *reasons, sep="\n")


def translated(cell: str) -> tuple[str, list[Row]]:
    """A cell in today's words, and the rows of the table that were used; lines for the shell and magics stay as they are."""
    source = re.sub(r"(?m)^(%time) (.*)$", r"\2  #:\1", cell)
    source = re.sub(r"(?m)^([ \t]*)([%!?].*|ls .*|\w+ *= *[%!].*|[\w.]+\?+)$", r"\1pass  #:\2", source)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, TypeError) as error:
        raise LectureError(f'this cell is no Python ({error}); give the text of a cell of code, as translate("...")') from error
    writer = _Writer(source, tree)
    words = writer.text(tree)
    words = re.sub(r"(?m)pass  #:(.*)$", r"\1", words)
    return re.sub(r"(?m)^(.*)  #:(%time)$", r"\2 \1", words), list(writer.used)


class _Writer:
    """Writes nodes as they stand in the source, but for what fits a row."""

    def __init__(self, source: str, tree: ast.AST) -> None:
        self.lines = source.splitlines(keepends=True)
        self.uses = Uses(tree)
        self.alone, self.loops, self.used = statements(tree), loop_names(tree), dict[Row, None]()

    def text(self, node: ast.AST) -> str:
        """The words of a node, with those of all nodes in it."""
        if (fit := self._fit(node)) is not None:
            row, bound = fit
            if row.use == "said":
                self.used.setdefault(row)
                return self._parts(node)
            words = row.write(bound, self.loops, self.text).replace("{search}", self.uses.search)
            if words != self._between(*self._span(node)):
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
            if bound is not None and self.uses.fit(row.use, node) and (row.helper or not self._is_lost(row, bound)):
                return row, bound
        return None

    def _is_lost(self, row: Row, bound: Bound) -> bool:
        """Whether a row gives a table of a loop a new name."""
        return row.today.startswith("{df} = ") and ast.unparse(bound["df"]) in self.loops

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


def page() -> str:
    """docs/lecture.md."""
    parts = [
        "# The lecture's lines today",
        "`%load_ext course_utils.lecture` lets the lecture's cells run as they stand; its `translate(cell)` prints one in the\n"
        "words below. In the left column small letters stand for anything, and what is followed by `=` may be left out.\n"
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
    wrong = [f"- **{entry['what']}**: {entry['holds']}" for entry in _TABLE["wrong"]]
    parts += ["## Where the lecture is wrong today", "\n".join(wrong)]
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    lecture = row.lecture.replace("=...", "=")
    today = re.sub(r"\{(\w+)(?::[^}]*)?\}", r"\1", row.today.replace("{rest}", ""))
    return f"| `{lecture}` | `{today}` | {row.why} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
