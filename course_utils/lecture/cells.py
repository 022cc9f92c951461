"""Cells of the lecture are rewritten before they run: what newer libraries removed becomes a call of `helpers`.

Only the cells of this kernel are, never a library: pandas stays as it is for all that use it. One line under a cell says what
was replaced and how one writes it today.
"""

import ast
import copy
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from course_utils.lecture import helpers
from course_utils.lecture.messages import say
from course_utils.lecture.namespace import Later, is_there
from course_utils.lecture.patterns import Row, loop_names
from course_utils.lecture.translation import REMARKS, ROWS
from course_utils.lecture.uses import averages, first_name, is_mean
from course_utils.names import shortened

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HELPERS = [row for row in ROWS if row.helper]
Node = TypeVar("Node", bound=ast.AST)
LONGEST = 60  # characters of code in the line under a cell


class Cells(ast.NodeTransformer):
    """Rewrites the cells of one shell; `start` begins, `stop` undoes it.

    A cell that cannot be rewritten, for whatever reason, runs as it is.
    """

    def __init__(self, shell: "InteractiveShell") -> None:
        self.shell = shell
        self.stacked: set[str] = set()  # names in this cell of predictions that are averaged over views
        self.chose_keras = False

    @classmethod
    def of(cls, shell: "InteractiveShell") -> "Cells":
        """Those of a shell, which has one."""
        there = [transformer for transformer in shell.ast_transformers if isinstance(transformer, cls)]
        return there[0] if there else cls(shell)

    def start(self) -> None:
        """Rewrite each cell from now on."""
        if self in self.shell.ast_transformers:
            return
        if "KERAS_BACKEND" not in os.environ and find_spec("tensorflow") is None:
            os.environ["KERAS_BACKEND"], self.chose_keras = "torch", True  # Keras would look for TensorFlow
        self.shell.ast_transformers.append(self)
        self.shell.events.register("pre_run_cell", self.begin)
        self.shell.events.register("post_run_cell", self.tell)

    def stop(self) -> None:
        """Leave cells as they are again."""
        if self.chose_keras:
            os.environ.pop("KERAS_BACKEND", None)
        if self in self.shell.ast_transformers:
            self.shell.ast_transformers.remove(self)
            self.shell.events.unregister("pre_run_cell", self.begin)
            self.shell.events.unregister("post_run_cell", self.tell)

    def begin(self, info: Any = None) -> None:
        """Forget the cell before; modules that it was the first to use have come."""
        self.stacked.clear()
        helpers.replaced.clear()
        names = self.shell.user_ns
        come = {name: value.__name__ for name, value in names.items() if isinstance(value, Later) and is_there(value.__name__)}
        names.update({name: sys.modules[module] for name, module in come.items()})

    def tell(self, result: Any = None) -> None:
        """Say in a line what was replaced in this cell."""
        if helpers.replaced:
            pairs = [(shortened(note.written, LONGEST), note.today) for note in helpers.replaced.values()]
            changes = "; ".join(f"{written} → {shortened(today, 2 * LONGEST)}" for written, today in pairs)
            print(f"Translated (written then → written today): {changes}")
            helpers.replaced.clear()

    def visit(self, tree: ast.AST) -> ast.AST:
        """The tree of a cell, or of what `%time` runs, rewritten."""
        try:
            given, tree = tree, copy.deepcopy(tree)
            self.stacked |= set(averages(tree).values())
            _take_views(tree)
            if imports_keras(tree) and find_spec("keras") is None:
                say("Keras, which this cell imports, is not installed: run %pip install keras, and then start a new kernel.")
            rewritten = Rewriter(self.stacked, loop_names(tree), shown=getattr(tree, "body", [None])[-1:]).visit(tree)
            return ast.fix_missing_locations(rewritten)
        except Exception:  # a cell is never lost to its translation
            return given


def _take_views(tree: ast.AST) -> None:
    """Let a mean over the views of what TTA gave in a cell before, as in some notebooks of 2018, find these views."""
    for mean in averages(tree):
        assert isinstance(mean, ast.Call)
        told = ("TTA", ast.unparse(mean), "learn.tta().probabilities, which is that mean")
        holder = mean.args[0] if isinstance(mean.args[0], ast.Call) else mean
        holder.args[0] = _called("views", told, [holder.args[0]], holder.args[0])


def _called(helper: str, told: tuple[str, str, str], arguments: list[ast.expr], old: ast.AST) -> ast.Call:
    """A call of a helper in the place of what was written."""
    function = _expression(f"__import__('course_utils.lecture.helpers', fromlist=['{helper}']).{helper}")
    return ast.copy_location(ast.Call(_placed(function, old), [_placed(_expression(repr(told)), old), *arguments], []), old)


class Rewriter(ast.NodeTransformer):
    """Puts calls of `helpers` where `translation` says that a line no longer runs."""

    def __init__(self, stacked: set[str], loops: set[str], shown: list[ast.AST]) -> None:
        self.stacked, self.loops, self.shown = stacked, loops, shown
        self.alone: set[int] = set()  # expressions whose value nobody uses: the last of a cell is shown

    def visit(self, node: ast.AST) -> Any:
        """A node, or what stands in for it."""
        self.alone |= {id(node.value)} if isinstance(node, ast.Expr) and node not in self.shown else set()
        for row in HELPERS:
            if (bound := row.match(node, id(node) in self.alone)) is not None:
                told = (row.lecture, ast.unparse(node), row.write(bound, self.loops))
                if isinstance(node, ast.Call):  # pd.datetime is no more, so it cannot be passed either
                    node.args = [value for value in node.args if ast.unparse(value) != "pd.datetime"]
                self.generic_visit(node)
                return self.replaced(row, node, told)
        return super().visit(node)

    def replaced(self, row: Row, node: ast.AST, told: tuple[str, str, str]) -> Any:
        """What runs in place of a node that fits a row."""
        if isinstance(node, ast.ImportFrom):
            name = row.lecture.rpartition(" ")[2]
            node.names = [alias for alias in node.names if alias.name != name]
            helpers.note(row.lecture, row.lecture, row.today)
            return [*([node] if node.names else []), *(_placed(new, node) for new in ast.parse(row.today).body)]
        if isinstance(node, ast.Attribute):
            helpers.note(*told)
            own = f"getattr({ast.unparse(node.value)}, {node.attr!r}, {row.helper})"  # the reader's, if it has the name
            return _placed(_expression(own), node)
        assert isinstance(node, ast.Call)
        owner, name = (node.func.value, node.func.attr) if isinstance(node.func, ast.Attribute) else (node.func, "")
        call = _called(row.helper, told, [owner, _placed(ast.Constant(name), node), *node.args], node)
        call.keywords = node.keywords
        return call

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Predictions for several views, which are averaged in the same cell, are asked for one by one."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Call) and is_mean(node.value) and first_name(node) in self.stacked:
            node.value.keywords.append(ast.keyword("stack", ast.Constant(True)))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """Of a function that goes wrong today a line says so, once."""
        self.generic_visit(node)
        if node.name in REMARKS:
            say(REMARKS[node.name])
        return node

    def visit_List(self, node: ast.List) -> Any:
        """Metrics are named in lists; of one that misleads a line says so, once."""
        self.generic_visit(node)
        for name in node.elts:
            if isinstance(name, ast.Name) and name.id in REMARKS:
                say(REMARKS[name.id])
        return node


def imports_keras(tree: ast.AST) -> bool:
    """Whether a cell imports Keras, or something of it.

    >>> imports_keras(ast.parse("from keras.layers import Dense")), imports_keras(ast.parse("import os"))
    (True, False)
    """
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return any(module.partition(".")[0] == "keras" for module in modules)


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _placed(new: Node, old: ast.AST) -> Node:
    """A node that stands, with all that is in it, in the line of another: tracebacks show that line."""
    for part in ast.walk(new):
        ast.copy_location(part, old)
    return new
