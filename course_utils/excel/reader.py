"""Reading back what a student edited: weights as a state dict, the input as a tensor."""

import json
import math
import os
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS, Rect, cell
from course_utils.excel.manifest import MANIFEST_SHEET, MARK, MODEL_SHEET, VERSION

# A workbook comes from outside: these bound what reading one may cost.
LARGEST_UNPACKED = 1 << 30  # bytes
LARGEST_MANIFEST = 50_000_000  # characters
LARGEST_DIMENSION = 50_000_000  # numbers in all tensors
DTYPES = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float32", "float64", "uint8", "int32", "int64")}


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The weights in a workbook of `export_model` as a state dict, in the model's own dtypes, edits included.

    `model.load_state_dict(read_weights(path))` takes them into a model. A cell may hold a formula as long as the program that
    saved the file has stored its value. Weights that the model does not use for its output do not stand in the workbook.

    Raises WorkbookError where the file is not such a workbook, or names the cell that does not hold a number.

    >>> import tempfile
    >>> from course_utils.excel import export_model
    >>> file = export_model(torch.nn.Linear(2, 1), torch.ones(2), Path(tempfile.mkdtemp()) / "line.xlsx")
    >>> sorted(read_weights(file))
    ['bias', 'weight']
    """
    manifest, numbers = _read(path)
    state = {}
    for tensor in manifest["tensors"]:
        if tensor["keys"]:
            value = _tensor(path, tensor, numbers)
            for key in tensor["keys"]:
                state[key] = value.clone()
    for key, count in manifest["counters"].items():
        state[key] = torch.tensor(count)
    return state


def read_input(path: str | os.PathLike[str]) -> Tensor:
    """The input in a workbook of `export_model`, in the shape and dtype in which it was given.

    Raises WorkbookError where the file is not such a workbook, or names the cell that does not hold a number.
    """
    manifest, numbers = _read(path)
    for tensor in manifest["tensors"]:
        if not tensor["keys"]:
            return _tensor(path, tensor, numbers)
    raise WorkbookError(f"{path}: its hidden sheet {MANIFEST_SHEET!r} names no input; export the model again")


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[tuple[int, int], Any]]:
    """The checked manifest, and every cell of the sheet of formulas by row and column."""
    import openpyxl  # loads when a workbook is read

    path = Path(path)
    if not path.is_file():
        raise WorkbookError(f"no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise WorkbookError(f"{path} would unpack to {unpacked:,} bytes, more than any workbook made here; it is not read")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except WorkbookError:
        raise
    except Exception as error:  # openpyxl raises whatever the broken part makes it raise
        raise WorkbookError(
            f"{path} is not an .xlsx workbook that can be read ({error}); save it as .xlsx and try again"
        ) from error
    try:
        missing = [name for name in (MODEL_SHEET, MANIFEST_SHEET) if name not in book.sheetnames]
        if missing:
            raise WorkbookError(
                f"{path} was not written by course_utils.excel.export_model: it has no sheet {missing[0]!r} (it has "
                f"{', '.join(book.sheetnames[:8])}); a ready-made workbook that is no network cannot be read back either"
            )
        manifest = _parse_manifest(
            path, "".join(str(row[0]) for row in book[MANIFEST_SHEET].iter_rows(values_only=True) if row)
        )
        numbers: dict[tuple[int, int], Any] = {}
        for row, line in enumerate(book[MODEL_SHEET].iter_rows(values_only=True)):
            for col, value in enumerate(line):
                if value is not None:
                    numbers[row, col] = value
        return manifest, numbers
    except WorkbookError:
        raise
    except Exception as error:  # a damaged sheet, found while it is read
        raise WorkbookError(f"{path}: a sheet cannot be read ({error}); export the model again") from error
    finally:
        book.close()


def _parse_manifest(path: Path, text: str) -> dict[str, Any]:
    """The manifest, every number in it checked: the file may have been made by anyone."""
    broken = f"{path}: its hidden sheet {MANIFEST_SHEET!r} is damaged; export the model again"
    if len(text) > LARGEST_MANIFEST:
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
    if not isinstance(tensors, list) or not isinstance(counters, dict) or not all(map(_is_tensor, tensors)):
        raise WorkbookError(broken)
    if not all(isinstance(value, int) and abs(value) < 2**63 for value in counters.values()):
        raise WorkbookError(broken)
    if sum(math.prod(tensor["shape"]) for tensor in tensors) > LARGEST_DIMENSION:
        raise WorkbookError(broken)
    return manifest


def _is_tensor(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("dtype") not in DTYPES or not isinstance(entry.get("name"), str):
        return False
    keys, shape, rects = entry.get("keys"), entry.get("shape"), entry.get("rects")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return False
    if (
        not isinstance(shape, list)
        or not 0 < len(shape) <= 4
        or not all(_between(size, 1, LARGEST_DIMENSION) for size in shape)
    ):
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


def _tensor(path: str | os.PathLike[str], entry: dict[str, Any], numbers: dict[tuple[int, int], Any]) -> Tensor:
    values = []
    for rect in entry["rects"]:
        for place in Rect(*rect).cells():
            value = numbers.get(place)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                found = "is empty (or its formula has no stored value)" if value is None else f"holds {str(value)[:60]!r}"
                raise WorkbookError(
                    f"{path}, sheet {MODEL_SHEET}, cell {cell(*place)}: {entry['name']} needs a number there and it {found}"
                )
            values.append(float(value))
    dtype = DTYPES[entry["dtype"]]
    tensor = torch.tensor(values, dtype=torch.float64).to(dtype)
    wrong = (
        ~torch.isfinite(tensor) if tensor.is_floating_point() else tensor.double() != torch.tensor(values, dtype=torch.float64)
    )
    if wrong.any():
        at = int(wrong.nonzero()[0])
        place = [place for rect in entry["rects"] for place in Rect(*rect).cells()][at]
        raise WorkbookError(
            f"{path}, sheet {MODEL_SHEET}, cell {cell(*place)}: {values[at]:g} does not fit into {entry['dtype']}"
        )
    return tensor.reshape(entry["shape"])
