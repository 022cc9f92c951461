"""Two ways of doing the same, side by side: what each makes you say, and how long it takes."""

import ast
import html
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from course_utils.errors import CourseError
from course_utils.lessons.decisions import Code, Decision, counted_code
from course_utils.names import counted, printable

# Jupyter has rules of its own for tables and code in outputs: numbers to the right, stripes
STYLE = """<style>
.course-beside { border-collapse: collapse; width: 100%; table-layout: fixed; color: inherit; }
.course-beside tr { background: none !important; }
.course-beside th, .course-beside td { border: 1px solid rgba(128, 128, 128, .5); padding: .3em .6em; color: inherit;
  text-align: left !important; vertical-align: top !important; }
.course-beside pre { margin: 0 0 .4em; padding: 0; font: 85%/1.5 monospace !important; white-space: pre-wrap;
  word-break: normal !important; overflow-wrap: anywhere; background: none; color: inherit; }
.course-beside mark { background: none; color: inherit; border-bottom: 2px solid #e69f00; }
</style>"""
LEFT = ' style="text-align: left; vertical-align: top"'
"""Once more in each cell: a notebook that is not trusted yet loses its style sheet, and code at the right cannot be read."""


@dataclass(frozen=True)
class Counts:
    """What one way takes: lines of code, decisions, and the seconds that its cells ran, None where one did not run."""

    lines: int
    decisions: int
    seconds: float | None


@dataclass
class Column:
    """One way: a piece of code for each step, and how long each ran."""

    codes: dict[str, Code] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class Beside:
    """A table with a column for each way and a row for each step; decisions are underlined (see `counted_code`).

    In a notebook, cells that begin with `%%beside COLUMN: STEP` run as ever and are noted with the time that they took; run
    again, a cell takes the place of what was noted before. Elsewhere, `note` takes the source.

    Args:
        columns: the names of the two ways (or more).
        needs: for a column, the package that its cells need, such as `{"Keras": "keras>=3"}`. Where that is not installed, its
            cells are noted and not run, and say so.
        fleeting: columns whose cells' output, such as progress bars, is taken away when they are done.

    >>> beside = Beside(["here", "there"])
    >>> beside.note("here", "the network", "model = network(10)")
    >>> beside.note("there", "the network", "model = Sequential()\\nmodel.add(Dense(10))")
    >>> beside.counts("there")
    Counts(lines=2, decisions=3, seconds=None)
    >>> print(beside)
    the network
      here: 1 line, 1 decision
        model = network(10)
      there: 2 lines, 3 decisions
        model = Sequential()
        model.add(Dense(10))
    in all
      here: 1 line, 1 decision
      there: 2 lines, 3 decisions
    """

    def __init__(self, columns: Sequence[str], needs: Mapping[str, str] | None = None, fleeting: Collection[str] = ()) -> None:
        if isinstance(columns, str) or len(set(columns)) < 2 or len(set(columns)) < len(columns):
            raise CourseError(f"the columns are {columns!r}; give a list of two different names or more")
        self.columns = {name: Column() for name in columns}
        self.needs, self.fleeting = dict(needs or {}), set(fleeting)
        for name in [*self.needs, *self.fleeting]:
            self._column(name)
        if (shell := _shell()) is not None:
            shell.register_magic_function(self._magic, "cell", "beside")

    def note(self, column: str, step: str, source: str, seconds: float | None = None) -> None:
        """Put the source of one step, and how many seconds it ran, into a column; what stood there before is replaced."""
        place = self._column(column)
        place.codes[step] = counted_code(source.strip("\n"))
        place.seconds.pop(step, None)
        if seconds is not None:
            place.seconds[step] = seconds

    def counts(self, column: str, step: str | None = None) -> Counts:
        """Lines, decisions and seconds of one column, in one step or in all.

        Raises CourseError where there is no such column, or no such step in it.
        """
        place = self._column(column)
        if step is not None and step not in place.codes:
            raise CourseError(f"{column} has no step {step!r}; it has {', '.join(map(repr, place.codes)) or 'none yet'}")
        steps = list(place.codes) if step is None else [step]
        ran = bool(steps) and all(name in place.seconds for name in steps)
        return Counts(
            lines=sum(place.codes[name].lines for name in steps),
            decisions=sum(len(place.codes[name].decisions) for name in steps),
            seconds=sum(place.seconds[name] for name in steps) if ran else None,
        )

    def missing(self, column: str) -> str:
        """What has to be installed before the cells of a column can run, as `pip install` takes it; empty where nothing has."""
        self._column(column)
        need = self.needs.get(column, "")
        return "" if not need or _installed(need) else need

    def _column(self, name: str) -> Column:
        if name not in self.columns:
            raise CourseError(f"there is no column {name!r}; the columns are {', '.join(map(repr, self.columns))}")
        return self.columns[name]

    def _steps(self) -> list[str]:
        return list(dict.fromkeys(step for column in self.columns.values() for step in column.codes))

    def _magic(self, line: str, cell: str) -> Any:
        """Run a cell and note it in a column: `%%beside COLUMN: STEP`."""
        column, colon, step = (part.strip() for part in line.partition(":"))
        if not colon or not step:
            raise CourseError(
                f"%%beside was given {line!r}; write a column and a step, such as %%beside {column or 'here'}: data"
            )
        if need := self.missing(column):
            self.note(column, step, cell)
            print(f"This cell was not run: it needs {need}. Install it with: pip install {need!r}")
            return None
        start = time.perf_counter()
        result = _run(_shell(), cell)
        self.note(column, step, cell, time.perf_counter() - start)
        if column in self.fleeting:
            from IPython.display import clear_output

            clear_output()
        return result

    def __str__(self) -> str:
        lines = []
        for step in self._steps():
            lines.append(printable(step))
            for name, column in self.columns.items():
                if code := column.codes.get(step):
                    lines.append(f"  {printable(name)}: {_said(self.counts(name, step))}")
                    lines += [f"    {line}".rstrip() for line in code.source.split("\n")]
        lines.append("in all")
        lines += [f"  {printable(name)}: {_said(self.counts(name))}" for name in self.columns]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        names = (f"<th{LEFT}>{html.escape(printable(name))}</th>" for name in self.columns)
        rows = [f"<tr><th{LEFT}></th>{''.join(names)}</tr>"]
        for step in self._steps():
            cells = (self._cell(name, step) for name in self.columns)
            rows.append(f"<tr><th{LEFT}>{html.escape(printable(step))}</th>{''.join(cells)}</tr>")
        totals = "".join(f"<td{LEFT}>{_said(self.counts(name))}</td>" for name in self.columns)
        rows.append(f"<tr><th{LEFT}>in all</th>{totals}</tr>")
        widths = f'<colgroup><col style="width: 7em">{"<col>" * len(self.columns)}</colgroup>'
        return f'{STYLE}<table class="course-beside">{widths}{"".join(rows)}</table>'

    def _cell(self, column: str, step: str) -> str:
        code = self.columns[column].codes.get(step)
        return f"<td{LEFT}>{'' if code is None else f'<pre>{_marked(code)}</pre>{_said(self.counts(column, step))}'}</td>"


def _said(counts: Counts) -> str:
    return f"{counted(counts.lines, 'line')}, {counted(counts.decisions, 'decision')}"


def _marked(code: Code) -> str:
    """The source as HTML, with a mark around each decision."""
    return "".join(_pieces(code.source, code.decisions, 0, len(code.source)))


def _pieces(source: str, decisions: Sequence[Decision], start: int, end: int) -> Iterator[str]:
    """A stretch of source; decisions in it are sorted, and one that lies in another comes after it."""
    at = start
    for i, decision in enumerate(decisions):
        if at <= decision.start and decision.end <= end:
            inside = [d for d in decisions[i + 1 :] if d.end <= decision.end]
            yield html.escape(source[at : decision.start])
            yield f"<mark>{''.join(_pieces(source, inside, decision.start, decision.end))}</mark>"
            at = decision.end
    yield html.escape(source[at:end])


def _installed(need: str) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(need)
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def _shell() -> Any:
    """The IPython that this runs in, or None."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def _run(shell: Any, cell: str) -> Any:
    """Run a cell in the user's names, and give the value of an expression at its end, as `%%time` does; errors come through."""
    source = shell.transform_cell(cell)
    name = shell.compile.cache(source, shell.execution_count, raw_code=cell)
    tree = shell.transform_ast(shell.compile.ast_parse(source, filename=name))
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(shell.compile(tree, name, "exec"), shell.user_ns)
    if last is None:
        return None
    value = eval(shell.compile(last, name, "eval"), shell.user_ns)
    return None if source.rstrip().endswith(";") else value
