"""Which cells of a notebook some of its cells need."""

import dis
import re
import symtable
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

IPYTHON = re.compile(r"^\s*[%!].*", re.MULTILINE)
ALWAYS = re.compile(rf"\b(set_seed|manual_seed|seed)\(|{IPYTHON.pattern}", re.MULTILINE)  # what follows may depend on it


def needed_cells(sources: Sequence[str], wanted: Collection[int]) -> list[int]:
    """Give the cells without which those in `wanted` would show something else, in order, those in `wanted` among them.

    A cell is needed where it makes or mentions a variable that a later needed cell mentions, for whoever mentions an object may
    change it; imported names, functions and classes are needed where they are made, and not where they are used. A cell that
    sets a seed, or that has a line for IPython (`%` or `!`), is always needed; and all are where one is not Python.

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
    for number, cell in reversed(list(enumerate(cells))):
        offered = cell.fixed | (cell.mentioned & variables)
        if number in wanted or ALWAYS.search(sources[number]) or needed & offered:
            kept.append(number)
            needed = (needed | cell.mentioned) - cell.renewed
    return kept[::-1]


@dataclass
class _Names:
    """The names of a cell that the rest of the notebook sees.

    Attributes:
        mentioned: all names.
        fixed: those that it imports, or defines as a function or a class.
        assigned: those that it assigns.
        renewed: those to which it gives a value before it reads them: what they were earlier does not matter.
    """

    mentioned: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    renewed: set[str] = field(default_factory=set)


def _names(source: str) -> _Names:
    python = IPYTHON.sub("", source)
    table = symtable.symtable(python, "cell", "exec")
    inside = _from_inside(table)
    names = _Names(mentioned={symbol.get_name() for symbol in table.get_symbols()} | inside)
    for symbol in table.get_symbols():
        if symbol.is_imported() or symbol.is_namespace():
            names.fixed.add(symbol.get_name())
        elif symbol.is_assigned():
            names.assigned.add(symbol.get_name())
    first: dict[str, str] = {}
    for instruction in dis.get_instructions(compile(python, "cell", "exec")):
        if instruction.opname in ("LOAD_NAME", "STORE_NAME", "DELETE_NAME"):
            first.setdefault(instruction.argval, instruction.opname)
    names.renewed = {name for name, operation in first.items() if operation == "STORE_NAME"} - inside
    return names


def _from_inside(table: symtable.SymbolTable) -> set[str]:
    """The notebook's names that are used inside of functions, classes and comprehensions."""
    found = set()
    for inner in table.get_children():
        found |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global()} | _from_inside(inner)
    return found
