"""The ready-made workbooks: what they teach is true, and the committed files are what the code writes."""

import zipfile
from pathlib import Path

import openpyxl
import pytest
import torch

from course_utils import networks
from course_utils.excel import WORKBOOKS, gradient_sheet, parameters_sheet, read_weights
from tests.excel import office

SPREADSHEETS = Path(__file__).parents[2] / "spreadsheets"
NAMES = [
    "conv_example",
    "digits",
    "gradient_descent",
    "gradient_step",
    "learn_xor",
    "relu_maxpool",
    "softmax",
    "vgg_parameters",
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workbooks")
    return {name: make(folder / f"{name}.xlsx") for name, make in WORKBOOKS.items()}


def test_names_and_descriptions():
    assert sorted(WORKBOOKS) == NAMES
    for make in WORKBOOKS.values():
        assert make.__doc__ is not None
        assert "\n" not in make.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_committed_workbooks_are_current(name, written):
    """Formulas are the same, and numbers but for the last bits, in which processors may differ."""
    committed = SPREADSHEETS / f"{name}.xlsx"
    assert office.formula_cells(committed) == office.formula_cells(written[name]), f"write it again: course export {name}"
    old, new = office.values(committed), office.values(written[name])
    assert old.keys() == new.keys()
    assert not office.differences(old, new, old, tolerance=1e-12)
    assert f"{name}.xlsx" in (SPREADSHEETS / "README.md").read_text(encoding="utf-8")


def test_small_enough_to_send(written):
    sizes = {name: file.stat().st_size for name, file in written.items()}
    assert max(sizes.values()) < 400_000, sizes


def test_the_lectures_kernels_stand_in_the_sheet(written):
    weights = read_weights(written["conv_example"])
    assert weights["conv1.weight"].tolist() == [[[[1, 1, 1], [0, 0, 0], [-1, -1, -1]]], [[[1, 0, -1]] * 3]]
    assert {key: tuple(value.shape) for key, value in weights.items()} == {
        "conv1.weight": (2, 1, 3, 3),
        "conv2.weight": (2, 2, 3, 3),
        "fc.weight": (1, 288),
    }
    names = set(openpyxl.load_workbook(written["conv_example"]).defined_names)
    assert {"input", "conv1_weight", "conv1_out", "conv2_weight", "conv2_out", "pool_out", "fc_weight", "fc_out"} <= names


def test_the_edge_kernels_find_edges():
    model, seven = networks.edge_network(), networks.drawn_seven()
    edges = model[:2](seven[None])[0]
    assert edges[0].max() > 2
    assert edges[1].max() > 1
    rows = edges[0].sum(1).argmax().item()
    assert 7 <= rows <= 9  # where the top bar ends: bright above, dark below


def test_the_digits_workbook_predicts_what_the_network_predicts(written):
    model, digit, label = networks.digits_network()
    cells = office.values(written["digits"])
    column = _column(written["digits"], "softmax_out")
    shown = [value for (sheet, address), value in cells.items() if sheet == "Network" and address.startswith(column)]
    expected = model(digit[None]).softmax(1)[0].tolist()
    assert all(any(abs(value - want) < 1e-12 for value in shown if isinstance(value, float)) for want in expected)
    assert int(model(digit[None]).argmax()) == label


def _column(file, name) -> str:
    area = next(iter(openpyxl.load_workbook(file).defined_names[name].destinations))[1]
    return area.split("$")[1]


def test_gradients_are_autograds(written):
    """By central differences of the loss, which know nothing of how the sheet or autograd gets there."""
    weights = {name: torch.tensor(value, dtype=torch.float64) for name, value in gradient_sheet.WEIGHTS.items()}
    cells = {address: value for (_, address), value in office.values(written["gradient_step"]).items()}
    for name, weight in weights.items():
        rows = weight if weight.ndim == 2 else weight[:, None]
        for i in range(rows.shape[0]):
            for j in range(rows.shape[1]):
                index = (i, j) if weight.ndim == 2 else (i,)
                losses = []
                for change in (1e-6, -1e-6):
                    moved = {key: value.clone() for key, value in weights.items()}
                    moved[name][index] += change
                    losses.append(gradient_sheet.run(moved)["loss"].item())
                column = gradient_sheet.COLUMNS[name] + j
                address = openpyxl.utils.get_column_letter(column + 1)
                gradient = cells[f"{address}{gradient_sheet.BACKWARD + i + 1}"]
                assert gradient == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-8), (name, i, j)
                new = cells[f"{address}{gradient_sheet.STEP + i + 1}"]
                assert new == pytest.approx(weight[index].item() - gradient_sheet.LEARNING_RATE * gradient, abs=1e-12)
    before, after = (cells[f"T{band + 3}"] for band in (gradient_sheet.FORWARD, gradient_sheet.AGAIN))
    assert after < before


@pytest.mark.parametrize(("sheet", "model"), [("VGG16", "vgg16"), ("ResNet-34", "resnet34")])
def test_parameter_counts_are_torchvisions(written, sheet, model):
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        net = getattr(models, model)(weights=None)
    total = sum(parameter.numel() for parameter in net.parameters())
    cells = {address: value for (name, address), value in office.values(written["vgg_parameters"]).items() if name == sheet}
    layers = getattr(parameters_sheet, model)()
    first = parameters_sheet.TOP + 1
    assert sum(cells[f"I{first + n}"] for n in range(len(layers))) == total == cells[f"I{first + len(layers)}"]
    by_layer = [m.weight.numel() for m in net.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert sorted(cells[f"G{first + n}"] for n in range(len(layers))) == sorted(by_layer)


def test_the_same_bytes_again(written, tmp_path):
    for name in NAMES:
        assert WORKBOOKS[name](tmp_path / f"{name}.xlsx").read_bytes() == written[name].read_bytes(), name


def test_no_macros_and_nothing_newer_than_excel_2010(written):
    for file in written.values():
        with zipfile.ZipFile(file) as archive:
            assert not [name for name in archive.namelist() if "vba" in name.lower()]
            text = b"".join(archive.read(name) for name in archive.namelist() if "sheet" in name)
            assert b"_xlfn" not in text
            assert b't="array"' not in text
