"""How much a piece of code makes its writer say: its lines, and the decisions in them, counted from the source."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from course_utils.errors import CourseError

Kind = Literal["value", "part", "command"]
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class Decision:
    """Something that the writer had to choose, and where in the source it is, in letters from `start` to `end`."""

    kind: Kind
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Code:
    """A piece of source with what was counted in it.

    Attributes:
        source: as it was written.
        lines: how many lines hold code; imports, comments and empty lines do not count.
        decisions: in the order of the source.
    """

    source: str
    lines: int
    decisions: list[Decision]


def counted_code(source: str) -> Code:
    r"""Count lines and decisions in Python source, which may hold lines for IPython that begin with `%` or `!`.

    A decision is one of three things:

    - a **value** written down, that is an argument, or an element of a list, or what is assigned or gone through: a number, a
      text, True, False, None, anything computed from these, or an imported name that is handed over, such as `torch.float32`.
      The name of something that the code made before says nothing new and is no decision.
    - a **part** that is called for by a name with a capital letter, such as a layer or an optimiser.
    - a **command** without arguments on a line of its own, such as `learner.unfreeze()`.

    Raises CourseError where the source is not Python.

    >>> code = counted_code("layer = Dense(10, activation='relu')\nlayer.trainable = False\nmodel.add(layer)")
    >>> code.lines, [decision.text for decision in code.decisions]
    (3, ['Dense', '10', "'relu'", 'False'])
    >>> [decision.text for decision in counted_code("learner.unfreeze()\nlearner.fit([lr / 9, lr], 3)").decisions]
    ['learner.unfreeze()', 'lr / 9', '3']
    """
    try:
        python, tree = _parsed(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(python).readline))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise CourseError(
            f"the source is not Python: {getattr(error, 'msg', error)}{where}; give the code of a cell"
        ) from error
    found = _Finder(source, tree).decisions
    return Code(source, _lines_of_code(tree, tokens), sorted(found, key=lambda decision: (decision.start, -decision.end)))


def _parsed(source: str) -> tuple[str, ast.Module]:
    """The source as Python, lines for IPython left empty where it would not be Python otherwise."""
    try:
        return source, ast.parse(source)
    except SyntaxError:
        python = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
        return python, ast.parse(python)


def _lines_of_code(tree: ast.Module, tokens: list[tokenize.TokenInfo]) -> int:
    lines = {line for token in tokens if token.type not in SILENT for line in range(token.start[0], token.end[0] + 1)}
    imports: set[int] = set()
    others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            own = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.update(own)
            elif not hasattr(node, "body"):  # what holds other statements would cover imports in it, too
                others.update(own)
    return len(lines - (imports - others))


class _Finder(ast.NodeVisitor):
    """Goes through the statements and notes what was decided in each."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.source = source
        self.starts = [0]  # of each line, in letters
        for line in source.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.lines = source.split("\n")
        imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
        self.imported = {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}
        self.decisions: list[Decision] = []
        self.visit(tree)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            if not (node.value.args or node.value.keywords or self._part(node.value.func)):
                self._note("command", node.value)
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if part := self._part(node.func):
            self._note("part", part)
        self.visit(node.func)
        for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self._value(value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._value(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._value(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._value(node.value)

    def visit_For(self, node: ast.For) -> None:
        self._value(node.iter)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._value(node.value)

    def visit_If(self, node: ast.If | ast.While) -> None:
        self._value(node.test)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    visit_While = visit_If  # noqa: N815

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in [*node.defaults, *filter(None, node.kw_defaults)]:
            self._value(default)

    def _value(self, node: ast.expr) -> None:
        """Note what an argument, an element or an assigned value says that was not there before."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            for element in node.elts:
                self._value(element)
        elif isinstance(node, ast.Dict):
            for value in node.values:
                self._value(value)
        elif isinstance(node, ast.Starred):
            self._value(node.value)
        else:
            if any(self._is_new(part) for part in _without_calls(node)):
                self._note("value", node)
            self.visit(node)  # calls inside are counted for themselves

    def _is_new(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in self.imported)

    @staticmethod
    def _part(callee: ast.expr) -> ast.expr | None:
        """The callee, if a name in it has a capital letter in front, as classes have."""
        node = callee
        while isinstance(node, ast.Attribute):
            if node.attr[:1].isupper():
                return callee
            node = node.value
        return callee if isinstance(node, ast.Name) and node.id[:1].isupper() else None

    def _note(self, kind: Kind, node: ast.expr) -> None:
        start, end = self._place(node.lineno, node.col_offset), self._place(node.end_lineno or 0, node.end_col_offset or 0)
        self.decisions.append(Decision(kind, self.source[start:end], start, end))

    def _place(self, line: int, column: int) -> int:
        """Where a node begins or ends, in letters; ast counts the bytes of a line."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())


def _without_calls(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what it is made of, but for calls and what is in them."""
    if not isinstance(node, ast.Call):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _without_calls(child)
