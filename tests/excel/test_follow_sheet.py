"""The sheet that shows what a number was made of, recalculated by LibreOffice for other choices than the first."""

from collections import OrderedDict

import numpy as np
import openpyxl
import pytest
import torch
from openpyxl.utils import get_column_letter, range_boundaries
from torch import nn

from course_utils.excel import export_model
from course_utils.excel.follow.sheet import COLUMNS, FOLLOW_SHEET, PLACES_SHEET
from course_utils.excel.follow.windows import Windows, even_windows
from tests.excel import office


def mixed():
    """Stride, padding, dilation, groups, means, a window that is all of a channel, and a layer without biases."""
    torch.manual_seed(3)
    layers = {
        "first": nn.Conv2d(3, 4, 3, stride=2, padding=1),
        "norm": nn.BatchNorm2d(4),
        "relu": nn.ReLU(),
        "mean": nn.AvgPool2d(2),
        "grouped": nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2, bias=False),
        "largest": nn.MaxPool2d(2, 1, padding=1),
        "shared": nn.AdaptiveAvgPool2d((2, 4)),
        "top": nn.AdaptiveMaxPool2d(1),
        "flat": nn.Flatten(),
        "last": nn.Linear(6, 5),
    }
    return nn.Sequential(OrderedDict(layers)).double().eval(), torch.randn(3, 12, 12, dtype=torch.float64)


class Signal(nn.Module):
    """Windows of a sequence, and means, sums and extremes over its axes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.pool = nn.AdaptiveAvgPool1d(4)
        self.high = nn.MaxPool1d(2, 1, padding=1)

    def steps(self, x):
        pooled = self.pool(x)
        high = self.high(pooled)
        return {"pool": pooled, "high": high, "mean": high.mean(1, keepdim=True), "amin": high.amin(2), "sum": high.sum(2)}

    def forward(self, x):
        steps = self.steps(x)
        return torch.cat([steps["mean"].flatten(1), steps["amin"], steps["sum"]], dim=1)


def choose(file, to, layer, channel, row, column):
    book = openpyxl.load_workbook(file)
    for address, value in zip(("D4", "D5", "D6", "D7"), (layer, channel, row, column), strict=True):
        book[FOLLOW_SHEET][address] = value
    book.save(to)
    return to


@pytest.mark.libreoffice
@pytest.mark.skipif(office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
def test_any_number_of_any_layer_is_made_of_what_is_shown(tmp_path):
    model, x = mixed()
    file = export_model(model, x, tmp_path / "mixed.xlsx")
    value, values = x[None], {}
    with torch.no_grad():
        for name, layer in model.named_children():
            value = values[name] = layer(value)
    choices = {
        "first · convolution": [(1, 1, 1), (4, 6, 6), (99, 6, 0)],  # pasted, so that nothing stopped them
        "norm · batch norm": [(3, 2, 2)],
        "mean · average pool": [(4, 3, 1)],
        "grouped · convolution": [(1, 1, 3), (6, 3, 3)],
        "largest · max pool": [(1, 1, 1)],
        "shared · average pool": [(6, 2, 3)],
        "top · max pool": [(5, 1, 1)],
        "last · fully connected": [(5, 1, 1)],
    }
    there = [row[0].value for row in openpyxl.load_workbook(file)[PLACES_SHEET].iter_rows(min_row=2)]
    assert {*choices} <= {*there}
    made = {}
    for layer, places in choices.items():
        for number, place in enumerate(places):
            made[choose(file, tmp_path / f"{layer[:5]}{number}.xlsx", layer, *place)] = layer, place
    for chosen, result in office.recalculate(made, tmp_path / "out").items():
        layer, (channel, row, column) = made[chosen]
        cells = office.values(result)
        if channel == 99:
            said = [cells[FOLLOW_SHEET, address] for address in ("E5", "E6", "E7")]
            assert said == ["there is 1 to 4, so this shows 4", "of 6", "there is 1 to 6, so this shows 1"]
            channel, column = 4, 1
        output = values[layer.split(" ")[0]][0]
        number = output[channel - 1, row - 1, column - 1] if output.ndim == 3 else output[channel - 1]
        assert cells[FOLLOW_SHEET, "D14"] == pytest.approx(number.item(), rel=1e-9, abs=1e-12)
        if "norm" in layer:  # made by a formula of its own
            assert cells[FOLLOW_SHEET, "D10"] == pytest.approx(values["first"][0, channel - 1, row - 1, column - 1].item())
            continue
        assert cells[FOLLOW_SHEET, "D12"] == pytest.approx(number.item(), rel=1e-9, abs=1e-12)
        assert cells[FOLLOW_SHEET, "D15"] == "the same number"


@pytest.mark.libreoffice
@pytest.mark.skipif(office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
def test_windows_of_sequences_and_means_over_axes_are_followed(tmp_path):
    model, x = Signal().double(), torch.randn(3, 8, dtype=torch.float64)
    file = export_model(model, x[None], tmp_path / "signal.xlsx")
    there = [row[0].value for row in openpyxl.load_workbook(file)[PLACES_SHEET].iter_rows(min_row=2)]
    made = {}
    for name, value in model.steps(x[None]).items():
        layer = next(one for one in there if one.startswith(name))
        number = value[0].flatten()[-1].item()
        end = (value.shape[1], 1, value.shape[2]) if value.ndim == 3 else (value.shape[1], 1, 1)
        made[choose(file, tmp_path / f"{name}.xlsx", layer, *end)] = number
    for chosen, result in office.recalculate(made, tmp_path / "out").items():
        cells = office.values(result)
        assert cells[FOLLOW_SHEET, "D14"] == pytest.approx(made[chosen], rel=1e-9)
        assert cells[FOLLOW_SHEET, "D15"] == "the same number", chosen.name


@pytest.mark.parametrize(
    ("pool", "shape", "sizes"),
    [
        (lambda x: x[:, :, ::2], (1, 2, 5), (1, (1, 1), (1, 2), (0, 0), (1, 1))),
        (nn.MaxPool1d(3, 2, padding=1), (1, 2, 7), (1, (1, 3), (1, 2), (0, 1), (1, 1))),
        (nn.MaxPool1d(2, 1, dilation=3), (1, 2, 9), (1, (1, 2), (1, 1), (0, 0), (1, 3))),
        (nn.AdaptiveAvgPool1d(3), (1, 2, 9), (1, (1, 3), (1, 3), (0, 0), (1, 1))),
        (nn.AdaptiveAvgPool1d(4), (1, 2, 10), None),  # windows that are 2, 3 and 2 apart
    ],
)
def test_the_windows_of_a_sequence_are_told_from_what_they_hold(pool, shape, sizes):
    """An oracle that knows no windows: which inputs move which output."""
    x = torch.zeros(shape, dtype=torch.float64)
    reads = []
    for number in range(x.numel()):
        moved = x.clone()
        moved.view(-1)[number] = 1
        reads.append(pool(moved)[0].flatten() != 0)
    groups = [torch.stack(reads)[:, output].nonzero().flatten().tolist() for output in range(len(reads[0]))]
    most = max(map(len, groups))
    starts = [
        [-2] * (most - len(group)) + group if group[0] % shape[2] == 0 else group + [-2] * (most - len(group))
        for group in groups
    ]
    out = pool(x)
    found = even_windows(np.array(starts), (shape[1], 1, shape[2]), (out.shape[1], 1, out.shape[2]))
    assert found == (None if sizes is None else Windows(*sizes))


def test_what_is_printed_fits_on_a_page_whatever_is_chosen(tmp_path):
    """The list has as many rows as the largest layer needs: printed, those of a smaller one would be empty pages."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(), nn.Flatten(), nn.Linear(676, 4))
    sheet = openpyxl.load_workbook(export_model(model, torch.rand(1, 28, 28), tmp_path / "deep.xlsx"))[FOLLOW_SHEET]
    assert sheet.max_row > 676
    last = int(sheet.print_area.rpartition("$")[2])
    assert sheet["B18"].value == "number"
    assert last == 18 + 32
    assert "the first 32 of these" in sheet["B17"].value
    # LibreOffice draws what the hidden column holds as ### over the empty column beside it, which therefore is not printed
    filled = [cell.column for row in sheet.iter_rows() for cell in row if cell.value is not None]
    hidden = max(filled)
    assert sheet.column_dimensions[get_column_letter(hidden)].hidden
    printed = range_boundaries(sheet.print_area.rpartition("!")[2].replace("$", ""))[2]
    assert max(column for column in filled if column != hidden) <= printed < hidden - 1


def test_what_may_be_chosen_is_offered_and_checked(tmp_path):
    model, x = mixed()
    book = openpyxl.load_workbook(export_model(model, x, tmp_path / "mixed.xlsx"))
    rules = {str(rule.sqref): rule for rule in book[FOLLOW_SHEET].data_validations.dataValidation}
    assert rules["D4"].formula1 == f"{PLACES_SHEET}!$A$2:$A$10"
    assert [rules[at].formula1 for at in ("D5", "D6", "D7")] == ["1", "1", "1"]
    assert [cell.value for cell in next(book[PLACES_SHEET].iter_rows())] == [*COLUMNS]


def test_a_model_without_a_layer_to_follow_has_no_such_sheet(tmp_path):
    file = export_model(nn.Softmax(dim=1), torch.rand(3), tmp_path / "softmax.xlsx")
    assert FOLLOW_SHEET not in openpyxl.load_workbook(file).sheetnames


def test_each_use_of_a_layer_is_found_by_a_name_of_its_own(tmp_path):
    """MATCH knows no capitals, and * stands for any letters in it."""
    relu = nn.ReLU()
    layers = [
        ("conv", nn.Conv2d(1, 2, 3)),
        ("relu", relu),
        ("Conv", nn.Conv2d(2, 2, 3)),
        ("again", relu),
        ("c*", nn.Conv2d(2, 1, 1)),
    ]
    file = export_model(nn.Sequential(OrderedDict(layers)), torch.rand(1, 7, 7), tmp_path / "names.xlsx")
    there = [row[0].value for row in openpyxl.load_workbook(file)[PLACES_SHEET].iter_rows(min_row=2)]
    assert there == ["conv · convolution", "relu", "Conv · convolution (2)", "relu (2)", "c_ · convolution"]


def test_a_column_made_of_a_picture_is_not_taken_for_one(tmp_path):
    """Its twentieth number is not the first of a twentieth channel."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.ReLU(), nn.Linear(32, 3))
    file = export_model(model, torch.rand(1, 6, 6), tmp_path / "flat.xlsx")
    there = [row[0].value for row in openpyxl.load_workbook(file)[PLACES_SHEET].iter_rows(min_row=2)]
    assert there == ["0 · convolution", "3 · fully connected"]


def test_windows_of_several_sizes_are_not_offered(tmp_path):
    """Three windows share out eight rows as three, four and three, which overlap."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d((3, 4)), nn.AdaptiveMaxPool2d((3, 2)))
    file = export_model(model, torch.rand(1, 10, 10), tmp_path / "uneven.xlsx")
    there = [row[0].value for row in openpyxl.load_workbook(file)[PLACES_SHEET].iter_rows(min_row=2)]
    assert there == ["0 · convolution", "2 · max pool"]
