"""Which cells of a notebook some of its cells need."""

import dis
import re
import symtable
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

IPYTHON = re.compile(r"^\s*[%!].*", re.MULTILINE)
ALWAYS = re.compile(rf"\b(set_seed|manual_seed|seed)\(|{IPYTHON.pattern}", re.MULTILINE)  # what follows may depend on it
LOOP = ("FOR_ITER", "JUMP_BACKWARD")  # taken to run at least once


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
    first: dict[str, str] = {}
    for instruction in dis.get_instructions(compile(python, "cell", "exec")):
        if instruction.opcode in dis.hasjrel and instruction.opname not in LOOP:
            break  # what follows may be left out when the cell is run
        if instruction.opname in ("LOAD_NAME", "STORE_NAME", "DELETE_NAME"):
            first.setdefault(instruction.argval, instruction.opname)
    names.renewed = {name for name, operation in first.items() if operation == "STORE_NAME"} - inside
    return names


def _from_outside(table: symtable.SymbolTable) -> set[str]:
    """The notebook's names that a function, a class or a comprehension uses, those inside of it included."""
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return found.union(*map(_from_outside, table.get_children()))
