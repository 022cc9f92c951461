"""Exporting: what is refused and how it is said, text that stays text, sizes, names, and the same bytes again."""

import re
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from course_utils.excel import WORKBOOKS, ExportError, export_model, read_input, read_weights
from course_utils.files import FileError
from course_utils.tracing.fuse import fuse_relu
from course_utils.tracing.trace import trace_model


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.xlsx"


def texts(file) -> list[str]:
    book = openpyxl.load_workbook(file)
    return [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]


# What cannot be shown


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        return self.up(x) * self.weight


class Alpha(nn.Module):
    def forward(self, x):
        return torch.add(F.relu(x), x, alpha=2)


class TwoOutputs(nn.Module):
    def forward(self, x):
        return x.relu(), x.tanh()


class ChangesInPlace(nn.Module):
    def forward(self, x):
        y = torch.tanh(x)
        z = y.view(1, -1)
        F.relu(z, inplace=True)
        return y + torch.sigmoid(y)


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (
            nn.Sequential(OrderedDict(body=nn.Sequential(nn.Conv2d(1, 1, 3), nn.GELU()))),
            ["body.1 (GELU)", "It can show: Conv2d"],
        ),
        (nn.Sequential(nn.ConvTranspose2d(1, 1, 3), nn.GroupNorm(1, 1)), ["0 (ConvTranspose2d)", "1 (GroupNorm)"]),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), ["padding_mode='reflect'"]),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), ["track_running_stats=False"]),
        (nn.Softmax(dim=2), ["another axis"]),
        (nn.Sequential(nn.Linear(6, 2)), ["put a Flatten before it"]),
        (Scaled(), ["up (Upsample)", "mul (mul)"]),
        (Alpha(), ["alpha=2"]),
        (Branching(), ["cannot be followed", "Branching"]),
        (TwoOutputs(), ["one output was expected"]),
        (nn.Conv2d(3, 1, 3), ["cannot take an input of shape (1, 6, 6)"]),
        (nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 3)), ["not among the layers"]),
    ],
)
def test_what_is_not_supported_is_named_with_its_place(model, parts, path):
    with pytest.raises(ExportError) as caught:
        export_model(model.eval(), torch.rand(1, 6, 6), path)
    for part in parts:
        assert part in str(caught.value)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(2, 1, 6, 6), r"\(2, 1, 6, 6\); for one of a batch give x\[0\]"),
        (torch.zeros(6, 6), r"for one of a batch give x\[0\]; for one grey picture give x\[None\]"),
        (torch.zeros(6, 6, 5), r"1-4 channels; give some of them, as in x\[:3\]"),
        (torch.full((1, 6, 6), float("nan")), r"not finite.*torch\.nan_to_num"),
        (np.full((1, 6, 6), np.inf), r"not finite.*numpy\.nan_to_num"),
        (torch.zeros(1, 0, 6), "holds no numbers"),
        ([], "holds no numbers"),
        (torch.zeros(1, 1, 1, 6, 6), r"x\.squeeze"),
        (torch.zeros(3, 6, 6), "0 \\(Conv2d\\) does not fit: it reads 1 channel and gets 3 × 6 × 6"),
        (torch.zeros(1, 2, 2), "0 \\(Conv2d\\) does not fit: its window of 3 × 3 is larger than what it gets, 1 × 2 × 2"),
        (torch.zeros(1, 3, 3), "2 \\(MaxPool2d\\) does not fit: its window of 2 × 2 is larger than what it gets, 2 × 1 × 1"),
        (torch.zeros(1, 9, 9), "4 \\(Linear\\) does not fit: it reads 8 numbers and gets 18"),
        (torch.zeros(36), "0 \\(Conv2d\\) does not fit: it reads a picture \\(channels, height, width\\) and gets 36"),
        (np.ma.masked_greater(np.arange(36.0).reshape(1, 6, 6), 30), "masked"),
        (torch.full((1, 6, 6), 2**53 + 1), "does not hold to the last digit"),
        ([torch.zeros(1, 6, 6)], r"give x\[0\]"),
        (torch.zeros(1, 6, 6).to(torch.float8_e4m3fn), r"x holds float8_e4m3fn.*x\.float\(\)"),
    ],
)
def test_inputs_that_do_not_fit(x, message, path):
    with pytest.raises(ExportError, match=message):
        export_model(small(), x, path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("shape", [(6, 7, 3), (1, 6, 7, 3)])
@pytest.mark.parametrize("make", [torch.rand, np.random.default_rng(0).random, lambda shape: np.ones(shape).tolist()])
def test_the_advice_on_channels_first_can_be_followed(make, shape, path):
    x = make(shape)
    with pytest.raises(ExportError, match="channels first") as caught:
        export_model(nn.Conv2d(3, 1, 3), x, path)
    advice = re.search(r"give (.*)", str(caught.value))[1]
    written = export_model(nn.Conv2d(3, 1, 3), eval(advice, {"x": x, "numpy": np}), path)
    assert read_input(written).shape == (3, 6, 7)


def test_weights_that_no_cell_holds(path):
    model = small()
    model[0].weight.data[0, 0, 0, 0] = float("inf")
    with pytest.raises(ExportError, match="0: its weight holds nan or inf"):
        export_model(model, torch.rand(1, 6, 6), path)


def test_a_sheet_above_the_limit_says_how_many_and_what_to_shrink(path):
    path.write_text("an older file")
    with pytest.raises(
        ExportError, match=r"158 numbers and the limit is 100\. Most of them: 0 · convolution 52, input 36, 1 · ReLU 32"
    ) as caught:
        export_model(small(), torch.rand(1, 6, 6), path, max_cells=100, probabilities=False)
    assert "max_cells" in str(caught.value)
    assert path.read_text() == "an older file"


def test_formulas_too_long_for_a_cell(path):
    with pytest.raises(ExportError, match="characters and a cell holds 8,192"):
        export_model(nn.Sequential(nn.Conv2d(1, 300, 1), nn.Conv2d(300, 1, 2)), torch.rand(1, 3, 3), path)


def test_a_sheet_too_wide(path):
    with pytest.raises(ExportError, match="16,384"):
        export_model(nn.Sequential(nn.Linear(2, 17_000), nn.Linear(17_000, 1)), torch.rand(2), path, max_cells=10**6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "2 class names were given, and the model has 3 outputs"),
        (["a", "b", "c", "d"], "4 class names"),
        (["cat", "Cat", "dog"], "must differ"),
        (["cat", "", "dog"], "not be empty"),
        (3, "class_names is 3; give a list of names, one for each output; the model has 3 outputs"),
        ("dog", "class_names is 'dog'; give a list"),
        ({"a", "b", "c"}, "no order; give a list"),
        ({"a": 0, "b": 1, "c": 2}, "give a list"),
        (["a", None, "b"], "class_names holds None"),
        ([1.5, 2, 3], "class_names holds 1.5"),
        ([True, False, "c"], "class_names holds True"),
    ],
)
def test_class_names_that_do_not_fit(names, message, path):
    with pytest.raises(ExportError, match=message):
        export_model(small(), torch.rand(1, 6, 6), path, class_names=names)


def test_names_come_in_any_row(path):
    for names in (iter("abc"), np.array(["a", "b", "c"]), ("a", "b", "c")):
        assert {"a", "b", "c"} <= set(texts(export_model(small(), torch.rand(1, 6, 6), path, class_names=names, actual="c")))
    for actual in (2, np.int64(2), torch.tensor(2)):
        export_model(small(), torch.rand(1, 6, 6), path, class_names=torch.arange(3), actual=actual)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *[({"max_cells": value}, "max_cells is") for value in ("300000", 0, -1, float("nan"), None, True)],
        ({"title": 3}, "title is 3; give a text"),
        ({"labels": 3}, "labels is 3; give a dictionary"),
        ({"labels": {"0": None}}, "heading of '0' is None"),
        ({"labels": {"3": "flat"}}, "no layer '3'"),  # Flatten has no block
        ({"probabilities": "False"}, "probabilities is 'False'; give True, False or None"),
        ({"fuse_relu_with_layer": "no"}, "fuse_relu_with_layer is 'no'; give True or False"),
        ({"actual": 1.5}, "actual=1.5 is not one of"),
        ({"actual": np.arange(2)}, "is not one of"),
        ({"actual": True}, "actual=True is not one of"),
        ({"actual": 1, "class_names": ["a", "b", "c"]}, "number 1 is 'b'"),
        ({"actual": 1, "probabilities": False}, "no probabilities to compare it with"),
    ],
)
def test_options_that_are_none(options, said, path):
    with pytest.raises(ExportError, match=said):
        export_model(small(), torch.rand(1, 6, 6), path, **options)


def test_actual_and_labels_must_exist(path):
    with pytest.raises(ExportError, match="actual='fish' is not one of"):
        export_model(small(), torch.rand(1, 6, 6), path, class_names=["cat", "dog", "plane"], actual="fish")
    with pytest.raises(ExportError, match="no layer 'conv9'; it has input, 0, 1"):
        export_model(small(), torch.rand(1, 6, 6), path, labels={"conv9": "x"})
    with pytest.raises(ExportError, match="two or more outputs"):
        export_model(nn.ReLU(), torch.rand(1, 3, 3), path, probabilities=True)


# Text from outside

EVIL = '=HYPERLINK("http://example.com","x")'


def test_text_stays_text(path):
    names = [EVIL, "+1", "@SUM(A1)"]
    export_model(small(), torch.rand(1, 6, 6), path, class_names=names, title="-2+3", labels={"0": "=1+1"}, actual="+1")
    written = texts(path)
    for text in (*names, "-2+3", "=1+1"):
        assert text in written
    book = openpyxl.load_workbook(path)
    allowed = re.compile(r"=(SUMPRODUCT|MAX|EXP|SUM|IF|INDEX|SQRT|[A-Z]+\d+[/+])")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert allowed.match(cell.value), cell.value
                elif isinstance(cell.value, str) and cell.value[:1] in tuple("=+-@"):
                    assert cell.quotePrefix, f"{cell.coordinate} would become a formula when it is edited"
    with zipfile.ZipFile(path) as archive:
        assert not any("example.com" in archive.read(name).decode() for name in archive.namelist() if "rels" in name)


def test_control_characters_and_long_text(path):
    export_model(
        small(), torch.rand(1, 6, 6), path, class_names=["a\x00b\x1f", "c\r\nd", "é" * 500], title="t\x08\ud800" + "x" * 999
    )
    written = texts(path)
    assert "a b" in written
    assert "c  d" in written
    assert "é" * 59 + "…" in written
    assert max(len(text) for text in written if text.startswith("t")) <= 200


# Names


def test_names_of_cells(path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(3, 3)
            self.FC1 = nn.Linear(3, 3)
            self.features = nn.Sequential(nn.Linear(3, 2), nn.Tanh())

        def forward(self, x):
            return self.features(self.FC1(self.fc1(x)))

    export_model(Net(), torch.rand(3), path)
    names = set(openpyxl.load_workbook(path).defined_names)
    assert {"input", "fc1_weight", "fc1_bias", "fc1_out", "FC1_2_weight", "features_0_weight", "features_1_out"} <= names
    assert not [name for name in names if re.fullmatch(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]?\d*", name)]
    assert len({name.lower() for name in names}) == len(names)


def test_a_name_covers_its_tensor_and_no_other_number(path):
    model = small()
    x = torch.rand(1, 6, 6)
    export_model(model, x, path)
    book = openpyxl.load_workbook(path, data_only=True)
    for name, value in (
        ("conv_0_weight", model[0].weight),
        ("linear_4_weight", model[4].weight),
        ("conv_0_out", model[0](x[None])),
    ):
        sheet, area = next(iter(book.defined_names[name].destinations))
        cells = [cell.value for row in book[sheet][area] for cell in row if isinstance(cell.value, (int, float))]
        assert sorted(cells) == pytest.approx(sorted(value.flatten().tolist()), abs=1e-6), name


# What is written


def test_the_same_bytes_again(path, tmp_path):
    x = torch.rand(1, 6, 6)
    export_model(small(), x, path)
    export_model(small(), x, tmp_path / "again.xlsx")
    assert path.read_bytes() == (tmp_path / "again.xlsx").read_bytes()


def test_model_and_input_are_left_alone(path):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.ReLU(inplace=True), nn.Dropout(0.5)).train()
    x = torch.randn(1, 4, 4)
    before, kept = {key: value.clone() for key, value in model.state_dict().items()}, x.clone()
    export_model(model, x, path)
    assert model.training
    assert torch.equal(x, kept)
    assert all(
        torch.equal(value, before[key]) and value.dtype == before[key].dtype for key, value in model.state_dict().items()
    )


def test_formulas_a_student_can_read(path):
    export_model(small(), torch.rand(1, 6, 6), path, fuse_relu_with_layer=True)
    sheet = openpyxl.load_workbook(path)["Network"]
    written = {cell.value for row in sheet.iter_rows() for cell in row if cell.data_type == "f"}
    assert "=MAX(0,SUMPRODUCT(B9:D11,$K$9:$M$11)+$O$9)" in written
    functions = {name for formula in written for name in re.findall(r"([A-Z]+)\(", formula)}
    assert functions == {"MAX", "SUMPRODUCT", "EXP", "SUM", "IF", "LN", "INDEX", "MATCH"}


def test_only_input_weights_and_the_actual_class_can_be_edited(path):
    model = small()
    export_model(model, torch.rand(1, 6, 6), path)
    book = openpyxl.load_workbook(path)
    for sheet in book:
        open_cells = [c for row in sheet.iter_rows() for c in row if not c.protection.locked and c.data_type != "s"]
        if sheet.title == "Network":
            assert sheet.protection.sheet
            assert len(open_cells) == 36 + sum(p.numel() for p in model.parameters()) + 1
            assert all(cell.data_type == "n" for cell in open_cells)
        else:
            assert open_cells == []
    states = {sheet.title: sheet.sheet_state for sheet in book}
    assert states == {"Network": "visible", "PyTorch": "hidden", "Check": "visible", "course_utils": "veryHidden"}
    network = book["Network"]
    assert network.freeze_panes == "A8"
    assert network.page_setup.orientation == "landscape"


def test_shared_weights_stand_once(path):
    layer = nn.Linear(3, 3)
    export_model(nn.Sequential(layer, nn.Tanh(), layer), torch.rand(3), path)
    names = set(openpyxl.load_workbook(path).defined_names)
    assert len([name for name in names if name.endswith("_weight")]) == 1


def test_fused_only_where_nothing_else_reads_the_layer():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            y = self.fc(x)
            return F.relu(y) + y

    kinds = [step.kind for step in fuse_relu(trace_model(Twice(), torch.rand(2))).steps]
    assert kinds == ["input", "linear", "relu", "add"]
    fused = fuse_relu(trace_model(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.ReLU()), torch.rand(2))).steps
    assert [(step.kind, step.settings.get("relu", False)) for step in fused] == [
        ("input", False),
        ("linear", True),
        ("relu", False),
    ]


def test_a_layer_that_changes_another_in_place_through_a_view(path):
    with pytest.raises(ExportError, match="in place"):
        export_model(ChangesInPlace(), torch.randn(1, 3, 3), path)


def test_importing_is_light():
    code = "import sys, course_utils.excel; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"IPython", "pandas", "torchvision", "xlsxwriter", "openpyxl", "matplotlib", "sklearn"} & set(loaded)


# What people hand over


def test_arrays_lists_numbers_and_pictures(path):
    image = Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7)
    conv, line = nn.Conv2d(1, 1, 3), nn.Linear(2, 1)
    for model, given, kept in (
        (conv, np.ones((1, 6, 6), np.float32), torch.ones(1, 6, 6)),
        (conv, np.ones((1, 6, 12))[..., ::-2], torch.ones(1, 6, 6, dtype=torch.float64)),
        (line, [1.0, 2.0], torch.tensor([1.0, 2.0])),
        (line, (1, 2), torch.tensor([1, 2])),
        (nn.Linear(1, 1), 3.5, torch.tensor([3.5])),
        (conv, image, torch.tensor(np.array(image))[None] / 255),
        (nn.Conv2d(3, 1, 3), image.convert("RGB"), torch.tensor(np.array(image.convert("RGB"))).permute(2, 0, 1) / 255),
        (conv, image.convert("1"), torch.tensor(np.array(image.convert("1")))[None].float()),
    ):
        back = read_input(export_model(model, given, path))
        assert back.dtype == kept.dtype
        assert torch.equal(back, kept)


@pytest.mark.parametrize("wrap", [np.asarray, torch.tensor, lambda pixels: torch.tensor(pixels)[None]])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_bytes_of_a_picture_are_read_alike_whatever_holds_them(wrap, mode, path, capsys):
    """As torchvision reads them: 0-255 become 0-1, and the channels come first; and a line says so."""
    image = Image.fromarray(np.random.default_rng(0).integers(256, size=(6, 7, 3), dtype=np.uint8)).convert(mode)
    want = torch.tensor(np.array(image.convert("RGB"), dtype=np.float32)).permute(2, 0, 1)[:1] / 255
    if mode == "RGB":
        want = torch.tensor(np.array(image, dtype=np.float32)).permute(2, 0, 1) / 255
    model = nn.Conv2d(len(want), 1, 3)
    for given in (image, wrap(np.array(image)), wrap(np.moveaxis(np.atleast_3d(np.array(image)), 2, 0))):
        written = export_model(model, given, path)
        assert torch.equal(read_input(written).reshape(want.shape), want)
        assert "0-255 went in as 0-1" in capsys.readouterr().out
        assert any("bytes of a picture, divided by 255" in text for text in texts(written))


def test_other_numbers_go_in_as_they_are(path, capsys):
    for given in (
        np.arange(36).reshape(1, 6, 6),
        np.arange(36, dtype=np.uint16).reshape(1, 6, 6) * 1000,
        torch.ones(1, 6, 6, dtype=torch.bool),
        torch.full((1, 1, 6, 6), -7, dtype=torch.int8),
        torch.full((1, 6, 6), 200, dtype=torch.bfloat16),
    ):
        back, want = read_input(export_model(nn.Conv2d(1, 1, 3), given, path)), torch.as_tensor(given)
        assert back.dtype == want.dtype
        assert torch.equal(back, want)
    counts = torch.tensor([0, 3], dtype=torch.uint8)  # no picture: the features of a row
    assert torch.equal(read_input(export_model(nn.Linear(2, 1), counts, path)), counts)
    assert capsys.readouterr().out == ""


class ADict(nn.Module):
    def forward(self, x):
        return {"logits": x.relu()}


class Nothing(nn.Module):
    def forward(self, x):
        x.relu()


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (nn.Linear(2, 1), None, "x should be numbers.*NoneType"),
        (nn.Linear(2, 1), "abc", "x should be numbers.*str"),
        (nn.Linear(2, 1), [[1], [1, 2]], "rows of one length"),
        (nn.Linear(2, 1), {"x": 1}, "x should be numbers.*dict"),
        (nn.Linear(2, 1), np.array(["a", "b"]), "x should be numbers"),
        (nn.Linear(2, 1), torch.zeros(2, dtype=torch.complex64), "real numbers"),
        (nn.Linear(2, 1), torch.zeros(2).to_sparse(), "dense"),
        (nn.Linear(2, 1), torch.zeros(2, device="meta"), "meta"),
        (nn.Conv2d(1, 1, 3), Image.new("CMYK", (6, 6)), "mode CMYK.*convert"),
        (nn.Conv2d(1, 1, 3), Image.new("I;16", (6, 6)), "mode I;16, whose numbers are not 0-255"),
        (TwoOutputs(), torch.ones(2), "a tuple of 2; give a model whose forward returns one"),
        (ADict(), torch.ones(2), "a dict of 'logits'; give a model"),
        (Nothing(), torch.ones(2), "None; end its forward with a return"),
        (nn.ModuleList([nn.ReLU()]), torch.ones(2), "no forward.*nn.Sequential"),
        (nn.Module(), torch.ones(2), "no forward.*def forward"),
        (nn.Linear(2, 1).to(torch.float8_e5m2), torch.ones(2), r"its weight is float8_e5m2; give model\.float\(\)"),
        (TwoInputs(), (torch.ones(2), torch.ones(2)), "x holds 2"),
        (TwoInputs(), torch.ones(2), "takes x, y"),
        (torch.relu, torch.ones(2), "a torch.nn.Module, and got builtin"),
        (nn.ReLU, torch.ones(2), r"ReLU is a class; give .*ReLU\(\.\.\.\)"),
        (nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3)), torch.ones(2), "1: its weights have no shape yet"),
        (nn.Linear(2, 1, device="meta"), torch.ones(2), "no numbers"),
        (nn.Linear(2, 1).to(torch.complex64), torch.ones(2), "complex numbers"),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.Flatten()), torch.rand(1, 1, 16), r"0 \(Conv1d\): not among the layers"),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.Flatten()), torch.rand(3, 16), r"0 \(Conv1d\): not among the layers"),
        (nn.Sequential(nn.Embedding(10, 4), nn.Flatten()), torch.tensor([[1, 2]]), r"0 \(Embedding\): not among the layers"),
        (Last(), torch.rand(1, 3, 4), r"lstm \(LSTM\): not among the layers"),
    ],
)
def test_what_else_people_hand_over_is_refused_with_its_true_reason(model, x, said, path):
    with pytest.raises(ExportError, match=said) as caught:
        export_model(model, x, path)
    assert "tlparse" not in str(caught.value)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile, lambda model: torch.compile(nn.DataParallel(model))])
def test_wrapped_models_are_looked_into_and_keep_their_keys(wrap, path):
    model = wrap(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
    state = read_weights(export_model(model, torch.rand(3), path))
    assert state.keys() == model.state_dict().keys()
    model.load_state_dict(state)


@pytest.mark.parametrize("name", ["net", "net.xls", "net.csv", "net.ods", "net.xlsx.zip"])
def test_any_other_suffix_is_refused(name, tmp_path):
    for write in (lambda path: export_model(nn.Linear(2, 1), torch.rand(2), path), *WORKBOOKS.values()):
        with pytest.raises(ExportError, match=r"does not end in \.xlsx"):
            write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_where_the_system_does_not_let_it_be_written(tmp_path, monkeypatch):
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "file").write_text("x")
    for write in (
        lambda path: export_model(nn.Linear(2, 1), torch.rand(2), path),
        WORKBOOKS["relu_maxpool"],
        WORKBOOKS["softmax"],
    ):
        for place in (tmp_path / "folder.xlsx", tmp_path / "file" / "a.xlsx"):
            with pytest.raises(FileError, match=r"cannot write .*xlsx"):
                write(place)
    # open in Excel on Windows: the move onto it is what fails
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(PermissionError(13, "in use")))
    with pytest.raises(FileError, match="another program has the file open"):
        export_model(nn.Linear(2, 1), torch.rand(2), tmp_path / "a.xlsx")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "folder.xlsx"]
