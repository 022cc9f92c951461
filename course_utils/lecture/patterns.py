"""Patterns of code: `df.drop(labels, 1)` stands for any such call, and `{df}.drop(columns={labels})` for what it becomes.

Small letters on their own stand for any expression: before a dot, and as what is passed. A keyword with `...` may be left out:
the result then leaves it out, too, or has what stands behind a colon, `{max_zoom:1}`. A literal (1, True) stands for itself.
`{rest}` are the keywords that the pattern does not name; without it there must be none.
"""

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

MODULES = ("np", "pd", "plt", "torch", "metrics", "planet")  # small letters that stand for themselves

Bound = dict[str, ast.expr]
Render = Callable[[ast.AST], str]


@dataclass(frozen=True)
class Row:
    """What the lecture writes, what one writes today, and why.

    Attributes:
        lecture: a pattern: a call, a name of a module, or an import.
        today: the same in the words of this package, or of the library that changed; a template.
        why: a sentence.
        helper: what does the same for a cell that no longer runs, by its name in `helpers`; none where it runs.
        use: "value" or "statement", where the pattern is one of these alone; "said", where a line stays as it is and the reason
            tells of another way; or what `Uses` knows of a place, "logarithms", "multi-label", "regression", "unknown" (which
            of them), "over views", "after a search", and "pair", which stays, too.
    """

    lecture: str
    today: str
    why: str
    helper: str = ""
    use: str = ""
    tree: ast.AST = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        statement = ast.parse(self.lecture).body[0]
        object.__setattr__(self, "tree", statement.value if isinstance(statement, ast.Expr) else statement)

    def match(self, node: ast.AST, is_statement: bool) -> Bound | None:
        """What each word of the pattern stands for in `node`; None where it is something else."""
        if self.use in ("value", "statement") and is_statement != (self.use == "statement"):
            return None
        if isinstance(node, ast.Call) and isinstance(self.tree, ast.Call):
            return self._match_call(self.tree, node)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(self.tree, ast.Attribute | ast.Name):
            return _match_owner(self.tree, node) if isinstance(node.ctx, ast.Load) else None
        if isinstance(node, ast.ImportFrom) and isinstance(self.tree, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            return {} if node.module == self.tree.module and self.tree.names[0].name in names else None
        return None

    def _match_call(self, pattern: ast.Call, call: ast.Call) -> Bound | None:
        bound = _match_owner(pattern.func, call.func)
        if bound is not None and not call.keywords and len(pattern.args) == len(call.args) == 1:
            wanted_one, given_one = pattern.args[0], call.args[0]
            if isinstance(wanted_one, ast.Starred) and isinstance(given_one, ast.Starred):
                return {ast.unparse(wanted_one.value): given_one.value}
        given = {word.arg: word.value for word in call.keywords}
        if bound is None or None in given or any(isinstance(value, ast.Starred) for value in call.args):
            return None
        wanted = [(value.id if isinstance(value, ast.Name) else "", value) for value in pattern.args]
        wanted += [(word.arg or "", word.value) for word in pattern.keywords]
        if len(call.args) > len(wanted):
            return None
        for place, (name, value) in enumerate(wanted):
            by_name = place >= len(pattern.args) or not self.helper
            found = call.args[place] if place < len(call.args) else given.pop(name, None) if by_name else None
            literal = isinstance(value, ast.Attribute) or (isinstance(value, ast.Constant) and value.value is not ...)
            if literal and (found is None or ast.dump(found) != ast.dump(value)):
                return None
            if found is not None and not literal:
                bound[name] = found
            elif (place < len(pattern.args) or isinstance(value, ast.Name)) and not literal:
                return None
        if given and "{rest}" not in self.today:
            return None
        return bound | {f"{name}=": value for name, value in given.items()}  # what the pattern does not name

    def write(self, bound: Mapping[str, ast.expr], loops: Collection[str] = (), render: Render = ast.unparse) -> str:
        """The template with what was found in its places.

        A table that a loop goes through, its name in `loops`, is changed in its place: to name it anew would be lost.
        """

        def fill(found: re.Match[str]) -> str:
            before, name, default = found[1] or "", found[2], found[3]
            if name == "rest":
                return "".join(f", {word}{render(value)}" for word, value in bound.items() if word.endswith("="))
            if name in bound:
                return before + render(bound[name])
            if name == "search":  # the name that the cell gives to what a search found, which the translation knows
                return found[0]
            return "" if default is None else before + default

        words = re.sub(r"((?:, )?(?:\w+=)?)\{(\w+)(?::([^}]*))?\}", fill, self.today).replace("(, ", "(")
        name, is_new, call = words.partition(" = ")
        return f"{call[:-1]}, inplace=True)".replace("(, ", "(") if is_new and self.helper and name in loops else words


def _match_owner(pattern: ast.expr, node: ast.expr) -> Bound | None:
    """What stands before the dot of a method or an attribute, where its name fits."""
    if isinstance(pattern, ast.Name):
        return {} if isinstance(node, ast.Name) and node.id == pattern.id else None
    if isinstance(pattern, ast.Call):
        return Row(ast.unparse(pattern), "", "").match(node, False)
    if not (isinstance(pattern, ast.Attribute) and isinstance(node, ast.Attribute) and pattern.attr == node.attr):
        return None
    owner = pattern.value
    if isinstance(owner, ast.Name) and owner.id.islower() and owner.id not in MODULES:
        return {owner.id: node.value}
    return _match_owner(owner, node.value)


def statements(tree: ast.AST) -> set[int]:
    """The ids of the expressions that stand on a line of their own, so that nobody uses their value."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def loop_names(tree: ast.AST) -> set[str]:
    """The names that loops give to what they go through."""
    targets = [node.target for node in ast.walk(tree) if isinstance(node, ast.For)]
    return {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
