"""What a cell does with predictions and searches, on which the words of today depend."""

import ast
from collections.abc import Mapping

PREDICT = ("predict", "predict_with_targs", "TTA")


class Uses:
    """What is known of the places of a cell: nodes by their ids.

    `tasks` tells of learners that are there, by their names, what they predict; of one that the cells make of a table it is
    known. Without it what follows must tell.
    """

    def __init__(self, tree: ast.AST, tasks: Mapping[str, str] | None = None) -> None:
        exp = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) == "exp"]
        in_exp = [inner for call in exp for inner in ast.walk(call) if inner is not call]
        names = {node.id for node in in_exp if isinstance(node, ast.Name)}
        self.logarithms = {id(node) for node in in_exp}
        self.search, self.pairs, views = "", set[int](), set[str]()
        tasks, self.known = dict(tasks or {}), dict[int, str]()  # what calls predict, where it is known
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and called(node.value) == "lr_find":
                self.search = "search"
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                if isinstance(node.targets[0], ast.Tuple):
                    self.pairs.add(id(node.value))
                name, call = first_name(node), called(node.value)
                if call == "lr_find":
                    self.search = name
                if call == "get_learner":
                    tasks[name] = "regression"
                if is_mean(node.value):
                    views.add(name)
                if name in names or "log" in name.lower():
                    self.logarithms.add(id(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in PREDICT and (task := tasks.get(_owner(node))):
                self.known[id(node)] = task
        self.over_views = {node for node, name in averages(tree).items() if name in views}

    def fit(self, use: str, node: ast.AST) -> bool:
        """Whether a row that is for one use alone is for this node."""
        if use == "logarithms":
            return self.known.get(id(node)) == "single-label" or (id(node) in self.logarithms and id(node) not in self.known)
        if use in ("multi-label", "regression"):
            return self.known.get(id(node)) == use
        if use == "unknown":
            return id(node) not in self.known
        if use == "pair":
            return id(node) in self.pairs
        if use == "over views":
            return node in self.over_views
        return use != "after a search" or self.search != ""


def averages(tree: ast.AST) -> dict[ast.AST, str]:
    """The means over a first axis, as np.mean(np.exp(log_preds), 0), and the name of what each averages.

    Notebooks of 2018 do so with what TTA gave, in the cell that calls it; those of 2017 and the lecture never do.

    >>> list(averages(ast.parse("log_preds, y = learn.TTA(); probs = np.mean(np.exp(log_preds), 0)")).values())
    ['log_preds']
    """
    found: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.mean" and node.args:
            over = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "axis")]
            inner = node.args[0]
            if isinstance(inner, ast.Call) and called(inner) == "exp" and inner.args:
                inner = inner.args[0]
            if isinstance(inner, ast.Name) and over and isinstance(over[0], ast.Constant) and over[0].value == 0:
                found[node] = inner.id
    return found


def first_name(node: ast.Assign) -> str:
    """The first name that an assignment binds, as `preds` of preds, y = learn.TTA(); nothing where it is another expression.

    >>> first_name(ast.parse("preds, y = learn.TTA()").body[0]), first_name(ast.parse("data.x = 5").body[0])
    ('preds', '')
    """
    target = node.targets[0]
    first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
    return first.id if isinstance(first, ast.Name) else ""


def is_mean(call: ast.AST) -> bool:
    """Whether it is a call of TTA that gives the mean over views, since it does not ask for all of them."""
    return isinstance(call, ast.Call) and called(call) == "TTA" and not any(word.arg == "stack" for word in call.keywords)


def called(call: ast.Call) -> str:
    """The name of a method that is called; nothing for a function."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _owner(call: ast.Call) -> str:
    """The name before the dot of a method that is called."""
    return call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""
