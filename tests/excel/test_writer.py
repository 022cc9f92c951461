"""The fast worksheet writes what XlsxWriter writes, and numbers keep their last bit."""

import openpyxl
import pytest
import torch
from torch import nn
from xlsxwriter.worksheet import Worksheet

from course_utils.excel import export_model, writer
from course_utils.files import FileError


def test_the_fast_sheet_writes_the_same_bytes(tmp_path, monkeypatch):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)), torch.rand(1, 6, 6)
    fast = export_model(model, x, tmp_path / "fast.xlsx")
    monkeypatch.setattr(writer, "FastSheet", Worksheet)
    assert export_model(model, x, tmp_path / "stock.xlsx").read_bytes() == fast.read_bytes()


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
    assert float(f"{writer.Exact(value):.16G}") == value


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


def test_text_that_looks_like_the_files_own_markup(tmp_path):
    names = ["<r>&</r>", "<r><t>x</t></r>", "</c>"]
    file = export_model(nn.Linear(2, 3), torch.rand(2), tmp_path / "m.xlsx", class_names=names, title="<r></c></r>")
    cells = {cell.value for row in openpyxl.load_workbook(file)["Network"].iter_rows() for cell in row}
    assert {*names, "<r></c></r>"} <= cells
