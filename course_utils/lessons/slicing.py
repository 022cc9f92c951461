"""Which cells of a notebook some of its cells need."""

import ast
import re
import symtable
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

IPYTHON = re.compile(r"^\s*[%!].*", re.MULTILINE)
ALWAYS = re.compile(rf"\b(set_seed|manual_seed|seed)\(|{IPYTHON.pattern}", re.MULTILINE)  # what follows may depend on it


def needed_cells(sources: Sequence[str], wanted: Collection[int]) -> list[int]:
    """Give the cells without which those in `wanted` would show something else, in order, those in `wanted` among them.

    A cell is needed where it makes or mentions a variable that a later needed cell mentions, for whoever mentions an object may
    change it. Variables that one cell mentions together may hold each other from there on, as `learner` holds `model` after
    `learner = Learner(data, model)`: who changes one changes the other. Imported names, functions and classes are needed where
    they are made, and where they are used only for the variables inside of them. A cell that sets a seed, or that has a line
    for IPython (`%` or `!`), is always needed; and all are where one is not Python.

    >>> needed_cells(["import numpy as np", "x = np.ones(3)", "y = 2", "x[0] = 5", "print(y)", "show(x)"], wanted=[5])
    [0, 1, 3, 5]
    """
    last = max(wanted, default=-1) + 1
    try:
        cells = [_names(source) for source in sources[:last]]
    except (SyntaxError, ValueError):
        return list(range(last))
    variables = set().union(*(cell.assigned for cell in cells))
    kept, needed = [], set[str]()
    for number, (cell, held) in reversed(list(enumerate(zip(cells, _held(cells, variables), strict=True)))):
        offered = cell.fixed | (_with_held(cell.mentioned, held) & variables)
        if number in wanted or ALWAYS.search(sources[number]) or _with_held(needed, held) & offered:
            kept.append(number)
            needed = (needed | cell.mentioned) - cell.renewed
    return kept[::-1]


def _held(cells: Sequence["_Names"], variables: Collection[str]) -> Iterator[dict[str, set[str]]]:
    """For each cell, the variables that each name may hold after it, or use when it is called."""
    held: dict[str, set[str]] = {}
    for cell in cells:
        before = {name: values for name, values in held.items() if name not in cell.renewed}
        together = _with_held(cell.mentioned, before).intersection(variables)
        held = before | cell.inside | dict.fromkeys(cell.mentioned.intersection(variables), together)
        yield held


def _with_held(names: Collection[str], held: Mapping[str, Collection[str]]) -> set[str]:
    """The names, and what they hold."""
    return set(names).union(*(held.get(name, ()) for name in names))


@dataclass
class _Names:
    """The names of a cell that the rest of the notebook sees.

    Attributes:
        mentioned: all names.
        fixed: those that it imports, or defines as a function or a class.
        inside: those that each of its functions and classes uses when it is called.
        assigned: those that it assigns.
        renewed: those to which it gives a value before it reads them, whatever comes: what they were earlier does not matter.
    """

    mentioned: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    inside: dict[str, set[str]] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    renewed: set[str] = field(default_factory=set)


def _names(source: str) -> _Names:
    python = IPYTHON.sub("", source)
    table = symtable.symtable(python, "cell", "exec")
    names = _Names(inside={inner.get_name(): _from_outside(inner) for inner in table.get_children()})
    inside = set().union(*map(_from_outside, table.get_children()))
    names.mentioned = {symbol.get_name() for symbol in table.get_symbols()} | inside
    for symbol in table.get_symbols():
        if symbol.is_imported() or symbol.is_namespace():
            names.fixed.add(symbol.get_name())
        elif symbol.is_assigned():
            names.assigned.add(symbol.get_name())
    names.renewed = _renewed(ast.parse(python)) - inside
    return names


def _renewed(cell: ast.Module) -> set[str]:
    """The names to which a cell gives a value, whatever comes, before it reads them.

    A branch may be left out, a loop may find nothing to go through, and of what is tried a part may fail: none of these surely
    gives a value. Only a loop over a text or a list that is written out has a first round.

    >>> sorted(_renewed(ast.parse("a, b = c, 1; d += 1\\nfor e in 'xy': f = e\\nif a: g = 1")))
    ['a', 'b', 'e']
    """
    renewed, read = set[str](), set[str]()
    for statement in cell.body:
        first, targets, named = _given(statement)
        read |= _read(*first, *targets) - renewed
        stored = {name.id for name in _variables(*targets) if isinstance(name.ctx, ast.Store)}
        renewed |= (stored | named) - read
        read |= _read(statement) - renewed
    return renewed


def _given(statement: ast.stmt) -> tuple[list[ast.expr], list[ast.expr], set[str]]:
    """What a statement looks at first, what it then surely gives a value to, and the names that it imports or defines."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            return [value], targets, set()
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return [value], [target], set()
        case ast.For(target=target, iter=ast.Constant(value=str() as text)) if text:
            return [], [target], set()
        case ast.For(target=target, iter=(ast.List(elts=[one, *_]) | ast.Tuple(elts=[one, *_])) as rows):
            return [rows], [] if isinstance(one, ast.Starred) else [target], set()
        case ast.With(items=items):
            return [item.context_expr for item in items], [item.optional_vars for item in items if item.optional_vars], set()
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [], [], {(one.asname or one.name).split(".")[0] for one in names}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [], [], {name}
    return [], [], set()


def _variables(*nodes: ast.AST) -> Iterator[ast.Name]:
    return (inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _read(*nodes: ast.AST) -> set[str]:
    """The names whose values these look at; `n += 1` does, too."""
    added = {id(inner.target) for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.AugAssign)}
    return {name.id for name in _variables(*nodes) if not isinstance(name.ctx, ast.Store) or id(name) in added}


def _from_outside(table: symtable.SymbolTable) -> set[str]:
    """The notebook's names that a function, a class or a comprehension uses, those inside of it included."""
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return found.union(*map(_from_outside, table.get_children()))
