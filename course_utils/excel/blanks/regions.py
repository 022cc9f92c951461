"""The parts of a workbook whose formulas are to be filled in, checked before anything is written."""

import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.excel.blanks.errors import BlankError
from course_utils.excel.blanks.references import Area
from course_utils.excel.moved import parse_area
from course_utils.names import shortened

MOST_REGIONS = 50


@dataclass(frozen=True)
class Region:
    """A part of a blank workbook: its name, its cells, what is to be done there, and what it is worth.

    `cells` are a name that the workbook gives to cells, an area such as "Network!B9:G14", or several of them with commas
    between. All formulas in them are taken out; what else stands there stays. `verdict` is the cell that says "right" or "not
    yet", on the sheet of the region: by default the first free one below it, beside it or above it. A number that is typed
    where a formula is wanted gets no marks, unless `typed_numbers` is True.

    >>> Region("ReLU", "relu_out", "max(0, x) of each number of the input").marks
    1.0
    """

    name: str
    cells: str
    task: str = ""
    marks: float = 1.0
    typed_numbers: bool = False
    verdict: str | None = None


Regions = Mapping[str, str] | Sequence[Region]


def checked_regions(given: Any) -> list[Region]:
    """The regions, from a dictionary of names and cells or as they are; BlankError names the first that is not a region.

    >>> [region.name for region in checked_regions({"ReLU": "relu_out"})]
    ['ReLU']
    """
    wanted = "give {'ReLU': 'Network!B9:G14'}, a dictionary from a name to its cells, or a list of Region"
    if isinstance(given, Mapping):
        regions = [Region(name, cells) for name, cells in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        regions = list(given)
    else:
        raise BlankError(f"regions is {shortened(repr(given), 60)}; {wanted}")
    if not regions:
        raise BlankError(f"regions is empty, and nothing would be blank; {wanted}")
    if len(regions) > MOST_REGIONS:
        raise BlankError(f"{len(regions)} regions are given, and at most {MOST_REGIONS} are shown on one sheet; join some")
    for region in regions:
        if not isinstance(region, Region):
            raise BlankError(f"regions holds {shortened(repr(region), 60)}; {wanted}")
        _check(region)
    names = [region.name.casefold() for region in regions]
    for name in names:
        if names.count(name) > 1:
            raise BlankError(f"two regions are called {name!r}; each needs a name of its own")
    return regions


def _check(region: Region) -> None:
    what = f"region {shortened(repr(region.name), 60)}"
    if not isinstance(region.name, str) or not region.name.strip() or len(region.name) > 60 or not region.name.isprintable():
        raise BlankError(f"{what}: a name is a text of 1 to 60 letters on one line")
    if not isinstance(region.cells, str) or not region.cells.strip():
        raise BlankError(f"{what}: its cells are {region.cells!r}; give an area as 'Network!B9:G14', or a name as 'relu_out'")
    if not isinstance(region.task, str) or len(region.task) > 300:
        raise BlankError(f"{what}: task says what to do in at most 300 letters; it is {shortened(repr(region.task), 60)}")
    marks = region.marks
    if isinstance(marks, bool) or not isinstance(marks, numbers.Real) or not 0 <= float(marks) <= 1000:
        raise BlankError(f"{what}: marks is {shortened(repr(marks), 60)}; give a number from 0 to 1000")
    if not isinstance(region.typed_numbers, bool):
        raise BlankError(f"{what}: typed_numbers is {shortened(repr(region.typed_numbers), 60)}; give True or False")
    if region.verdict is not None and not re.fullmatch(r"\$?[A-Z]{1,3}\$?[1-9]\d{0,6}", str(region.verdict)):
        raise BlankError(f"{what}: verdict is {region.verdict!r}; give the address of one cell, as in 'B16'")


def areas_of(region: Region, names: Mapping[str, str], sheets: Sequence[str]) -> list[Area]:
    """The areas that a region is, by address or by the workbook's own names (`names`, in capitals)."""
    areas = []
    for part in re.findall(r"(?:'(?:[^']|'')*'|[^,'])+", region.cells):
        text = part.strip()
        named = names.get(text.upper())
        found = parse_area(text if named is None else named)
        if found is None:
            known = f"; its names are {', '.join(sorted(names)[:8]).lower()}" if names else ""
            raise BlankError(
                f"region {region.name!r}: {text!r} is neither an area, as in 'Network!B9:G14', nor a name of cells in this "
                f"workbook{known}"
            )
        if found[0] not in sheets:
            raise BlankError(f"region {region.name!r}: the workbook has no sheet {found[0]!r}; it has {', '.join(sheets[:8])}")
        areas.append(found)
    if len({sheet for sheet, _ in areas}) > 1:
        raise BlankError(f"region {region.name!r} is on several sheets; make a region for each")
    return areas
