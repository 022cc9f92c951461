"""Exporting: what is refused and how it is said, text that stays text, sizes, names, and the same bytes again."""

import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.excel import WORKBOOKS, ExportError, export_model, read_input, read_weights
from course_utils.files import FileError


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


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (nn.Sequential(nn.Hardshrink()), torch.rand(1, 6, 6), r"0 \(Hardshrink\): not among the layers"),
        (small(), torch.zeros(3, 6, 6), "it reads 1 channel and gets 3 × 6 × 6"),
        (nn.Linear(2, 1), None, "x should be numbers"),
    ],
)
def test_what_cannot_be_followed_is_told_and_nothing_is_written(model, x, said, path):
    with pytest.raises(ExportError, match=said):
        export_model(model, x, path)
    assert list(path.parent.iterdir()) == []


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


def test_a_dilated_window_of_more_numbers_than_max_takes(path):
    with pytest.raises(ExportError, match="0: a dilated window of 16 × 16 numbers, and MAX takes at most 255"):
        export_model(nn.Sequential(nn.MaxPool2d(16, dilation=2)), torch.rand(1, 40, 40), path)


def test_a_sheet_too_wide(path):
    with pytest.raises(ExportError, match="16,384"):
        export_model(nn.Sequential(nn.Linear(2, 17_000), nn.Linear(17_000, 1)), torch.rand(2), path, max_cells=10**6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "2 class names were given, and the model has 3 outputs"),
        (["a", "b", "c", "d"], "4 class names"),
        (["cat", "Cat", "dog"], "must differ.*numbers 0 and 1 are 'cat' and 'Cat'"),
        (["cat", "", "dog"], "number 1 is empty"),
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
        ({"title": 3}, "title is 3; give a string"),
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
    functions = "SUMPRODUCT|MAX|MIN|EXP|SUM|IF|INDEX|SQRT|INT|MATCH|ROW|COLUMN"
    allowed = re.compile(rf'=({functions}|[$A-Z]+\d+[/+*]|HYPERLINK\("#Network!"|"(of|window) )')
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


class Squeezed(nn.Module):
    """Ends in a softmax whose batch axis it takes away."""

    def __init__(self, way):
        super().__init__()
        self.fc, self.way = nn.Linear(3, 4), way

    def forward(self, x):
        return self.way(self.fc(x), dim=1).squeeze(0)


@pytest.mark.parametrize("way", [torch.softmax, torch.log_softmax])
def test_a_softmax_whose_axes_change_is_not_taken_once_more(way, path):
    torch.manual_seed(0)
    model, x = Squeezed(way), torch.rand(3) * 3000  # probabilities that no number holds
    export_model(model, x, path, actual=int(model.fc(x).argmin()))
    book = openpyxl.load_workbook(path, data_only=True)
    assert [name for name in book.defined_names if name.endswith("softmax_out")] == [f"{way.__name__}_out"]
    (place,) = book.defined_names["cross_entropy"].destinations
    want = -model.double().fc(x.double()).log_softmax(0).min().item()
    assert want > 300
    assert book["Network"][place[1].replace("$", "")].value == pytest.approx(want, rel=1e-12)


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
        elif sheet.title == "Follow":
            assert [cell.coordinate for cell in open_cells if cell.value is not None] == ["D5", "D6", "D7"]
        else:
            assert open_cells == []
    states = {sheet.title: sheet.sheet_state for sheet in book}
    assert states == {
        "Network": "visible",
        "PyTorch": "hidden",
        "Follow": "visible",
        "Places": "hidden",
        "Check": "visible",
        "course_utils": "veryHidden",
    }
    network = book["Network"]
    assert network.freeze_panes == "A8"
    assert network.page_setup.orientation == "landscape"


def test_shared_weights_stand_once(path):
    layer = nn.Linear(3, 3)
    export_model(nn.Sequential(layer, nn.Tanh(), layer), torch.rand(3), path)
    names = set(openpyxl.load_workbook(path).defined_names)
    assert len([name for name in names if name.endswith("_weight")]) == 1


# What people hand over


def test_a_picture_of_bytes_goes_in_as_0_to_1_and_a_line_says_so(path, capsys):
    pixels = np.arange(36, dtype=np.uint8).reshape(6, 6) * 7
    written = export_model(nn.Conv2d(1, 1, 3), Image.fromarray(pixels), path)
    assert torch.equal(read_input(written), torch.tensor(pixels)[None] / 255)
    assert "0-255 went in as 0-1" in capsys.readouterr().out
    assert any("bytes of a picture, divided by 255" in text for text in texts(written))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int8, torch.bfloat16])
def test_the_type_of_other_numbers_comes_back_from_the_workbook(dtype, path, capsys):
    given = torch.ones(1, 3, 3).to(dtype)
    back = read_input(export_model(nn.Conv2d(1, 1, 3), given, path))
    assert back.dtype == dtype
    assert torch.equal(back, given)
    assert capsys.readouterr().out == ""


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


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert export_model(nn.Linear(2, 1), torch.rand(2), "~/a.xlsx") == tmp_path / "a.xlsx"
    assert read_weights("~/a.xlsx").keys() == {"weight", "bias"}
    for path in (None, 5, b"a.xlsx", "~no_such_user/a.xlsx"):
        with pytest.raises(ExportError, match="expected the path of the workbook to write: path is"):
            export_model(nn.Linear(2, 1), torch.rand(2), path)


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
