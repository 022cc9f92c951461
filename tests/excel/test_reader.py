"""Reading workbooks back: what was written, what was edited, and files that are damaged, foreign or made to harm."""

import json
import zipfile

import openpyxl
import pytest
import torch
from torch import nn

from course_utils.excel import WorkbookError, export_model, read_input, read_weights
from course_utils.excel.workbooks import WORKBOOKS


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, dilation=2, groups=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, 5, bias=False),
        nn.BatchNorm1d(5),
    )


@pytest.fixture
def file(tmp_path):
    return export_model(network(), torch.rand(1, 2, 7, 7), tmp_path / "net.xlsx")


def edited(file, sheet, changes):
    book = openpyxl.load_workbook(file)
    for address, value in changes.items():
        book[sheet][address] = value
    target = file.with_name("edited.xlsx")
    book.save(target)
    return target


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("shape", [(1, 2, 7, 7), (2, 7, 7)])
def test_round_trip_to_the_bit_and_the_same_file_again(tmp_path, dtype, shape):
    model, x = network().to(dtype), torch.rand(shape, dtype=dtype)
    first = export_model(model, x, tmp_path / "a.xlsx")
    state, back = read_weights(first), read_input(first)
    assert back.dtype == dtype
    assert torch.equal(back, x)
    assert state.keys() == model.state_dict().keys()
    for key, value in model.state_dict().items():
        assert state[key].dtype == value.dtype, key
        assert torch.equal(state[key], value), key
    other = network().to(dtype)
    other.load_state_dict(state)
    assert export_model(other, back, tmp_path / "b.xlsx").read_bytes() == first.read_bytes()


def test_shared_and_vector_weights(tmp_path):
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    x = torch.rand(3)
    file = export_model(model, x, tmp_path / "shared.xlsx")
    state = read_weights(file)
    assert state.keys() == model.state_dict().keys()
    assert torch.equal(state["2.weight"], layer.weight)
    assert torch.equal(read_input(file), x)


def test_edits_come_back(file):
    state = read_weights(file)
    book = openpyxl.load_workbook(file)
    first = {
        name: next(iter(book.defined_names[name].destinations))[1].split(":")[0].replace("$", "")
        for name in ("conv_0_weight", "input")
    }
    again = edited(file, "Network", {first["conv_0_weight"]: 2.5, first["input"]: -3})
    assert read_weights(again)["0.weight"][0, 0, 0, 0] == 2.5
    assert read_input(again)[0, 0, 0, 0] == -3
    assert torch.equal(read_weights(again)["0.weight"].flatten()[1:], state["0.weight"].flatten()[1:])


@pytest.mark.parametrize(
    ("value", "said"),
    [("abc", "holds 'abc'"), (None, "is empty"), (True, "holds 'True'"), ("=1/3", "no stored value"), (1e300, "1e\\+300")],
)
def test_an_edit_that_is_not_a_number_is_named_by_cell(file, value, said):
    again = edited(file, "Network", {"C9": value})
    with pytest.raises(WorkbookError, match=f"sheet Network, cell C9.*{said}"):
        read_input(again)


def test_files_that_are_not_ours(tmp_path):
    with pytest.raises(WorkbookError, match="no file"):
        read_weights(tmp_path / "nowhere.xlsx")
    text = tmp_path / "text.xlsx"
    text.write_text("not a zip")
    with pytest.raises(WorkbookError, match=r"is not an \.xlsx workbook"):
        read_weights(text)
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(WorkbookError, match=r"is not an \.xlsx workbook"):
        read_weights(empty)
    book = openpyxl.Workbook()
    book.save(tmp_path / "foreign.xlsx")
    with pytest.raises(WorkbookError, match=r"was not written by .*no sheet 'Network'"):
        read_weights(tmp_path / "foreign.xlsx")
    with pytest.raises(WorkbookError, match="was not written by"):
        read_weights(WORKBOOKS["softmax"](tmp_path / "softmax.xlsx"))


def test_a_file_that_would_unpack_to_gigabytes_is_not_read(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 5_000_000)
    monkeypatch.setattr("course_utils.excel.reader.LARGEST_UNPACKED", 1_000_000)
    with pytest.raises(WorkbookError, match="would unpack to 5,000,000 bytes"):
        read_weights(bomb)


def manifest_of(file) -> dict:
    return json.loads("".join(row[0] for row in openpyxl.load_workbook(file)["course_utils"].iter_rows(values_only=True)))


def change(key, value):
    def apply(manifest):
        manifest["tensors"][1][key] = value

    return apply


@pytest.mark.parametrize(
    "spoil",
    [
        change("shape", [10**9, 10**9]),
        change("shape", [4, 1, 3, 4]),
        change("shape", "4133"),
        change("shape", []),
        change("dtype", "__class__"),
        change("keys", [1]),
        change("rects", [[8, 1, 10**6, 10**6, 1, 1]]),
        change("rects", [[-1, 0, 6, 6, 1, 1]]),
        change("rects", [[8, 1, 6, 6, 10**6, 1]]),
        change("rects", [[8, 1, 6, 6.5, 1, 1]]),
        change("rects", {"0": 1}),
        lambda manifest: manifest.update(tensors="none"),
        lambda manifest: manifest.update(counters={"a": "b"}),
        lambda manifest: manifest.update(counters={"a": 10**30}),
    ],
)
def test_a_manifest_that_was_tampered_with(file, spoil):
    manifest = manifest_of(file)
    spoil(manifest)
    again = edited(file, "course_utils", {"A1": json.dumps(manifest)})
    with pytest.raises(WorkbookError, match="is damaged"):
        read_weights(again)


@pytest.mark.parametrize(
    ("text", "said"), [("{", "damaged"), ("[" * 20_000, "damaged"), ("{}", "was not written"), ("[]", "was not written")]
)
def test_a_manifest_that_is_none(file, text, said):
    with pytest.raises(WorkbookError, match=said):
        read_weights(edited(file, "course_utils", {"A1": text}))


def test_another_version_is_named(file):
    manifest = manifest_of(file) | {"version": 99}
    with pytest.raises(WorkbookError, match="another version \\(99"):
        read_weights(edited(file, "course_utils", {"A1": json.dumps(manifest)}))
