"""Reading back what a student edited: weights as a state dict, the input as a tensor."""

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from course_utils.excel.cells import Sheets, Value, open_sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS, Rect, cell
from course_utils.excel.manifest import MANIFEST_SHEET, MARK, MODEL_SHEET, REFERENCE_SHEET, VERSION
from course_utils.excel.moved import CellsNow, find_cells
from course_utils.tracing.inputs import DTYPES

# A workbook comes from outside: these, and those of `cells`, bound what reading one may cost.
MOST_PIECES = 400  # of the manifest
MOST_LISTS = 1_000_000  # in it
MOST_NUMBERS = 2_000_000  # in all tensors of the state dict


@dataclass(frozen=True)
class Held:
    """A tensor that a workbook holds: its name there, its keys in the state dict (none of an input), and its cells."""

    name: str
    keys: tuple[str, ...]
    value: Tensor
    sheet: str
    cells: tuple[tuple[int, int], ...]  # row and column of each number, in the order of the flattened values
    given: str = ""  # of one of several inputs, the argument of the model that it is


def read_held(path: str | os.PathLike[str]) -> tuple[list[Held], str]:
    """All inputs and weights in a workbook of `export_model`, with the cells that they stand in now.

    Beside them, in which form the inputs were given: "one", a "tuple" or a "dict". Raises WorkbookError as `read_weights` does.
    """
    manifest, tensors, placed = _read_placed(path, lambda entry: True)
    held = [
        Held(entry["name"], tuple(entry["keys"]), tensor, where.sheet, tuple(where.cells()), entry.get("input", ""))
        for entry, tensor, where in zip(manifest["tensors"], tensors, placed, strict=True)
    ]
    return held, manifest.get("inputs", "one")


def in_form(form: str, inputs: dict[str, Tensor]) -> Any:
    """Inputs by their arguments as they were given: one by itself, all in a "tuple" or in a "dict".

    >>> in_form("tuple", {"a": torch.zeros(1), "b": torch.ones(1)})
    (tensor([0.]), tensor([1.]))
    """
    if form == "dict":
        return inputs
    return tuple(inputs.values()) if form == "tuple" else next(iter(inputs.values()), None)


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The weights in a workbook of `export_model` as a state dict, in the model's own dtypes, edits included.

    `model.load_state_dict(read_weights(path))` takes them into a model. A cell may hold a formula as long as the program that
    saved the file has stored its value. Weights that the model does not use for its output do not stand in the workbook. A
    weight that is computed from others (weight norm, spectral norm, pruning) comes back as what it is, under the key it has
    in a model without them, as `torch.nn.utils.parametrize.remove_parametrizations` makes it. Sheets may have been renamed,
    rows and columns inserted, and cells moved: their names say where they are.

    Raises WorkbookError where the file is not such a workbook, or names the cell that does not hold a number.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from course_utils.excel import export_model
    >>> file = export_model(torch.nn.Linear(2, 1), torch.ones(2), Path(tempfile.mkdtemp()) / "line.xlsx")
    >>> sorted(read_weights(file))
    ['bias', 'weight']
    """
    manifest, tensors = _read(path, lambda entry: bool(entry["keys"]))
    state = {key: value.clone() for entry, value in zip(manifest["tensors"], tensors, strict=True) for key in entry["keys"]}
    for key, count in manifest["counters"].items():
        state[key] = torch.tensor(count)
    return _with_rows_joined(state)


def _with_rows_joined(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights that stand on the sheet as some rows here and some there, put together; their keys end in [first:last]."""
    parts: dict[str, dict[int, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for key, value in state.items():
        if found := re.fullmatch(r"(.+)\[(\d{1,9}):\d{1,9}\]", key):
            parts.setdefault(found[1], {})[int(found[2])] = value
            whole[found[1]] = value  # in its place among the others
        else:
            whole[key] = value
    return whole | {key: torch.cat([rows[first] for first in sorted(rows)]) for key, rows in parts.items()}


def read_input(path: str | os.PathLike[str]) -> Any:
    """The input in a workbook of `export_model`: a tensor of the shape and dtype in which it was given.

    Several inputs come back as they were given, as a tuple of tensors or a dictionary of them.

    Raises WorkbookError where the file is not such a workbook, or names the cell that does not hold a number.
    """
    manifest, tensors = _read(path, lambda entry: not entry["keys"])
    if tensors:
        names = (entry.get("input", "") for entry in manifest["tensors"])
        return in_form(manifest.get("inputs", "one"), dict(zip(names, tensors, strict=True)))
    raise WorkbookError(f"{path}: its hidden sheet {MANIFEST_SHEET!r} names no input; export the model again")


def _read(path: str | os.PathLike[str], chosen: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], list[Tensor]]:
    """The checked manifest, and the tensors of it that are `chosen`; no other cell is looked at."""
    manifest, tensors, _ = _read_placed(path, chosen)
    return manifest, tensors


def _read_placed(
    path: str | os.PathLike[str], chosen: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], list[Tensor], list[CellsNow]]:
    """The same, and where these tensors are."""
    with open_sheets(path) as sheets:
        if MANIFEST_SHEET not in sheets.names:
            raise WorkbookError(_not_ours(path, sheets.names))
        rows = range(MOST_PIECES)
        pieces = sheets.cells(MANIFEST_SHEET, {row: {0: row} for row in rows}, len(rows))
        manifest = _parse_manifest(path, "".join(str(piece) for piece in pieces if piece is not None))
        entries = [entry for entry in manifest["tensors"] if chosen(entry)]
        areas = sheets.named_areas({entry["name"] for entry in entries})
        placed = [_place(path, sheets, entry, areas.get(entry["name"])) for entry in entries]
        values: list[list[Value]] = [[] for _ in entries]
        for sheet in dict.fromkeys(one.sheet for one in placed):
            here = [number for number, one in enumerate(placed) if one.sheet == sheet]
            wanted: dict[int, dict[int, int]] = {}
            count = 0
            for number in here:
                for row, col in placed[number].cells():
                    wanted.setdefault(row, {})[col] = count
                    count += 1
            found = iter(sheets.cells(sheet, wanted, count))
            for number in here:
                values[number] = list(islice(found, math.prod(entries[number]["shape"])))
    tensors = [_tensor(path, *whole) for whole in zip(entries, placed, values, strict=True)]
    return {**manifest, "tensors": entries}, tensors, placed


def _place(path: str | os.PathLike[str], sheets: Sheets, entry: dict[str, Any], area: str | None) -> CellsNow:
    """Where the cells of a tensor are now."""
    rects = [Rect(*rect) for rect in entry["rects"]]
    try:
        return find_cells(sheets, MODEL_SHEET, REFERENCE_SHEET, rects, area, entry["name"])
    except WorkbookError as error:
        raise WorkbookError(f"{path}: {error}") from error


def _not_ours(path: str | os.PathLike[str], names: list[str]) -> str:
    listed = ", ".join(names[:8])
    if MODEL_SHEET in names:
        return (
            f"{path} has no sheet {MANIFEST_SHEET!r} (it has {listed}), which says where the weights are: it was not "
            "written by course_utils.excel.export_model, or the program that saved it leaves hidden sheets out; save it with "
            "another one"
        )
    return (
        f"{path} was not written by course_utils.excel.export_model: it has no sheet {MODEL_SHEET!r} (it has {listed}); a "
        "ready-made workbook that is not a network cannot be read back either"
    )


def _parse_manifest(path: str | os.PathLike[str], text: str) -> dict[str, Any]:
    """The manifest, every number in it checked: the file may have been made by anyone."""
    broken = f"{path}: its hidden sheet {MANIFEST_SHEET!r} is damaged; export the model again"
    if text.count("[") + text.count("{") > MOST_LISTS:
        raise WorkbookError(broken)
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkbookError(broken) from error
    if not isinstance(manifest, dict) or manifest.get("mark") != MARK:
        raise WorkbookError(f"{path} was not written by course_utils.excel.export_model")
    if manifest.get("version") != VERSION:
        raise WorkbookError(
            f"{path} was written by another version ({manifest.get('version')}, this one reads {VERSION}); export it again"
        )
    tensors, counters = manifest.get("tensors"), manifest.get("counters")
    if manifest.get("inputs", "one") not in ("one", "tuple", "dict"):
        raise WorkbookError(broken)
    if not isinstance(tensors, list) or not isinstance(counters, dict) or not all(map(_is_tensor, tensors)):
        raise WorkbookError(broken)
    if not all(isinstance(value, int) and abs(value) < 2**63 for value in counters.values()):
        raise WorkbookError(broken)
    count = sum(math.prod(tensor["shape"]) * max(1, len(tensor["keys"])) for tensor in tensors)
    if count > MOST_NUMBERS:
        raise WorkbookError(f"{path} should hold {count:,} weights and at most {MOST_NUMBERS:,} are read back from a workbook")
    return manifest


def _is_tensor(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("dtype") not in DTYPES or not isinstance(entry.get("name"), str):
        return False
    if not isinstance(entry.get("input", ""), str):
        return False
    keys, shape, rects = entry.get("keys"), entry.get("shape"), entry.get("rects")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return False
    if not isinstance(shape, list) or not 0 < len(shape) <= 4 or not all(_between(size, 1, MOST_NUMBERS) for size in shape):
        return False
    if not isinstance(rects, list) or not all(isinstance(rect, list) and len(rect) == 6 for rect in rects):
        return False
    for rect in rects:
        row, col, height, width, row_step, col_step = rect
        if not _between(row, 0, MAX_ROWS - 1) or not _between(col, 0, MAX_COLUMNS - 1):
            return False
        if not all(_between(value, 1, MAX_ROWS) for value in (height, width, row_step, col_step)):
            return False
        whole = Rect(*rect)
        if whole.last_row >= MAX_ROWS or whole.last_col >= MAX_COLUMNS:
            return False
    return sum(rect[2] * rect[3] for rect in rects) == math.prod(shape)


def _between(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _tensor(path: str | os.PathLike[str], entry: dict[str, Any], placed: CellsNow, values: list[Value]) -> Tensor:
    numbers = []
    for number, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, float) or not math.isfinite(value):
            found = "is empty (or its formula has no stored value)" if value is None else f"holds {str(value)[:60]!r}"
            raise WorkbookError(f"{_cell(path, placed, number)}: {entry['name']} needs a number there and it {found}")
        numbers.append(value)
    exact, dtype = torch.tensor(numbers, dtype=torch.float64), DTYPES[entry["dtype"]]
    tensor = exact.to(dtype)
    wrong = ~torch.isfinite(tensor) if tensor.is_floating_point() else tensor.double() != exact
    if wrong.any():
        at = int(wrong.nonzero()[0])
        raise WorkbookError(f"{_cell(path, placed, at)}: {numbers[at]:g} does not fit into {entry['dtype']}")
    return tensor.reshape(entry["shape"])


def _cell(path: str | os.PathLike[str], placed: CellsNow, number: int) -> str:
    return f"{path}, sheet {placed.sheet}, cell {cell(*next(islice(placed.cells(), number, None)))}"
