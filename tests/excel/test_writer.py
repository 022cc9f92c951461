"""The fast worksheet writes what XlsxWriter writes, and numbers keep their last bit."""

import gc
import os
import sys

import openpyxl
import pytest
import torch
from torch import nn
from xlsxwriter.worksheet import Worksheet

from course_utils.excel import WORKBOOKS, export_model, writer
from course_utils.excel.book import Exact
from course_utils.files import FileError


def test_the_fast_sheet_writes_the_same_bytes(tmp_path, monkeypatch):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)), torch.rand(1, 6, 6)
    fast = export_model(model, x, tmp_path / "fast.xlsx")
    monkeypatch.setattr(writer, "FastSheet", Worksheet)
    assert export_model(model, x, tmp_path / "stock.xlsx").read_bytes() == fast.read_bytes()


def test_printed_pages_begin_where_nothing_stands(tmp_path):
    """So that neither a number nor a label that reaches out of its cell is cut in two."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    sheet = openpyxl.load_workbook(export_model(model, torch.rand(2, 10, 10), tmp_path / "pages.xlsx"))["Network"]
    breaks = [each.id for each in sheet.col_breaks.brk]
    assert breaks
    for last in breaks:
        below = sheet.iter_cols(last, last + 1, 5, values_only=True)
        assert not [value for column in below for value in column if value is not None]


def test_memory_does_not_hold_the_sheet(tmp_path):
    """A row is made when its turn comes: the rows of an area that come later have not been asked for."""
    import numpy as np

    from course_utils.excel.grid import Rect
    from course_utils.excel.plan import Area

    asked = []
    area = Area(Rect(0, 0, 5, 2), np.zeros((5, 2)), "value", lambda y, x: asked.append((y, x)) or "1")
    rows = writer._rows([], [area], formulas=True)
    next(rows)
    assert asked == [(0, 0), (0, 1)]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 100000.0])
def test_numbers_keep_their_last_bit(value):
    assert float(f"{Exact(value):.16G}") == value


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.xlsx"
    path.write_text("older")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(writer, "write_check", fail)
    with pytest.raises(FileError, match="disk full"):
        export_model(nn.Sequential(nn.ReLU()), torch.rand(1, 2, 2), path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.alone  # the limit holds for all that this process writes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows sets no limit on the size of files")
@pytest.mark.parametrize("room", [0, 3_000, 15_000])
@pytest.mark.parametrize("write", ["export", "ready-made"])
def test_a_full_disk_is_told_once_and_nothing_stays_of_the_workbook(tmp_path, monkeypatch, room, write):
    """Rows, parts or the file itself have no room: the limit on the size of files stands for that of the disk."""
    import resource

    model, x = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)), torch.rand(1, 20, 20)
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(FileError, match="larger than the system allows") as caught:
            export_model(model, x, tmp_path / "a.xlsx") if write == "export" else WORKBOOKS["vgg_parameters"](
                tmp_path / "a.xlsx"
            )
        assert list(tmp_path.iterdir()) == []
        if os.path.isdir("/proc/self/fd"):  # while the error is still held, as a notebook does
            held = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
            assert not [path for path in held if path.startswith(str(tmp_path))]
        del caught
        gc.collect()
        assert complaints == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_text_that_looks_like_the_files_own_markup(tmp_path):
    names = ["<r>&</r>", "<r><t>x</t></r>", "</c>"]
    file = export_model(nn.Linear(2, 3), torch.rand(2), tmp_path / "m.xlsx", class_names=names, title="<r></c></r>")
    cells = {cell.value for row in openpyxl.load_workbook(file)["Network"].iter_rows() for cell in row}
    assert {*names, "<r></c></r>"} <= cells
