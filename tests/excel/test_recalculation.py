"""LibreOffice computes from the formulas alone what PyTorch computes: ready-made sheets, random networks, edited cells."""

import copy
import math

import numpy as np
import openpyxl
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from course_utils.excel import WORKBOOKS, export_model, read_input, read_weights
from course_utils.excel.activation_sheet import activation_workbook
from course_utils.excel.cross_entropy_sheet import cross_entropy_workbook
from course_utils.excel.embedding_sheet import embedding_workbook
from course_utils.excel.rate_search_sheet import rate_search_workbook
from course_utils.excel.schedule_sheet import schedule_workbook
from course_utils.networks import digits_network
from course_utils.tabular.model import TabularModel
from tests.excel import office
from tests.tracing.joined_networks import joined_network
from tests.tracing.random_networks import random_network

pytestmark = office.needs_libreoffice


def check_networks(make, seeds, folder) -> int:
    """Recalculate a workbook of `make(seed)` for each seed, and read it back. Returns how many formulas there were."""
    folder.mkdir(exist_ok=True)
    models = {f"net{seed}": (*make(seed), {"fuse_relu_with_layer": seed % 2 == 0}) for seed in seeds}
    count = 0
    for file, computed in recalculated(models, folder).items():
        model, x, _ = models[file.stem]
        count += len(office.formula_cells(file))
        state, given = read_weights(computed), read_input(computed)
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in state.items()), file.stem
        if isinstance(x, torch.Tensor):
            x, given = (x,), (given,)
        for mine, back in zip(*(each.values() if isinstance(each, dict) else each for each in (x, given)), strict=True):
            assert torch.equal(mine, back), file.stem
    return count


def test_random_networks(tmp_path):
    assert check_networks(random_network, range(0, 200, 16), tmp_path / "nets") > 1_500


def test_random_networks_with_branches_sequences_and_tables(tmp_path):
    assert check_networks(joined_network, range(12), tmp_path / "nets") > 800


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("make", [random_network, joined_network])
def test_three_hundred_random_networks(make, tmp_path):
    assert sum(check_networks(make, range(first, first + 50), tmp_path / f"{first}") for first in range(0, 300, 50)) > 30_000


class Joined(nn.Module):
    """Two inputs, a weight and a constant by hand, the same layer on a vector and on a sequence, and numbers that move."""

    def __init__(self):
        super().__init__()
        self.shared, self.last, self.scale = nn.Linear(4, 3), nn.Linear(6, 2), nn.Parameter(torch.randn(3))
        self.register_buffer("shift", torch.randn(1, 5, 3), persistent=False)

    def forward(self, positions, row):
        first = self.shared(row).tanh() * self.scale - 2
        sequence = self.shared(positions) / 3 + self.shift
        swapped = sequence.transpose(1, 2).flip(1)[:, :, 1:4]
        sides = self.shared(F.pad(swapped, (0, 1)))
        return self.last(torch.cat([first, 1 - sides[:, 0] * sides[:, -1]], dim=1))


def test_several_inputs_sequences_and_joins(tmp_path):
    torch.manual_seed(0)
    model = Joined()
    x = {"positions": torch.randn(1, 5, 4), "row": torch.randn(4)}
    models = {"joined": (model, x), "tuple": (model, tuple(x.values())), "alone": (nn.Linear(3, 2), torch.randn(1, 4, 3))}
    for file, computed in recalculated(models, tmp_path).items():
        model, x = models[file.stem]
        state, given = read_weights(computed), read_input(computed)
        assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
        assert type(given) is type(x)
        pairs = zip(given.values(), x.values(), strict=True) if isinstance(x, dict) else zip(given, x, strict=True)
        assert all(torch.equal(*pair) for pair in pairs)


def test_networks_of_the_lessons_and_the_board(tmp_path):
    """LeNet-5, a VGG, blocks of ResNet, MobileNet and squeeze-excite, an autoencoder, and our network for tables."""
    torch.manual_seed(0)
    lenet = nn.Sequential(
        *(nn.Conv2d(1, 3, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 4, 3), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 10)),
    )
    vgg = nn.Sequential(
        *(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(True), nn.MaxPool2d(2)),
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Dropout(), nn.Linear(4, 2)),
    )
    config = torchvision.models.mobilenetv3.InvertedResidualConfig(8, 3, 8, 8, True, "HS", 1, 1, 1.0)
    mobile = nn.Sequential(nn.Conv2d(1, 8, 1), torchvision.models.mobilenetv3.InvertedResidual(config, nn.BatchNorm2d))
    encoder = nn.Sequential(
        *(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(2, 2, 3, 2, 1, output_padding=1)),
        *(nn.ReLU(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 1, 1), nn.Sigmoid()),
    )
    row = {"codes": torch.tensor([2, 0]), "values": torch.randn(3)}
    models = {
        "lenet": (lenet, torch.rand(1, 18, 18)),
        "vgg": (vgg, torch.rand(3, 8, 8)),
        "resnet": (torchvision.models.resnet.BasicBlock(2, 2), torch.rand(2, 4, 4)),
        "mobilenet": (mobile, torch.rand(1, 3, 3)),
        "autoencoder": (encoder, torch.rand(1, 6, 6)),
        "table": (TabularModel([(4, 2), (3, 1)], 3, (4, 3), (0.0, 0.0), y_range=(0.0, 12.0)), row),
    }
    for model, _ in models.values():
        for norm in (module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    for file, computed in recalculated(models, tmp_path).items():
        model, _ = models[file.stem]
        state = read_weights(computed)
        assert all(torch.equal(state[key], value) for key, value in model.state_dict().items()), file.stem


def recalculated(models, folder):
    """Each workbook and what LibreOffice made of its formulas alone; every formula gives PyTorch's number there."""
    written = {
        name: export_model(model, x, folder / f"{name}.xlsx", **dict(*options)) for name, (model, x, *options) in models.items()
    }
    bare = {name: office.strip_values(file, folder / f"bare_{name}.xlsx") for name, file in written.items()}
    computed = office.recalculate(bare.values(), folder / "out")
    for name, file in written.items():
        stored, new = office.values(file), office.values(computed[bare[name]])
        wrong = office.differences(stored, new, office.formula_cells(file))
        assert not wrong, f"{name}: {len(wrong)} formulas differ, such as {wrong[:3]}"
        for (sheet, place), value in stored.items():  # and what is stored is PyTorch's number
            if sheet == "Network" and isinstance(value, float) and ("PyTorch", place) in stored:
                assert value == stored["PyTorch", place]
        assert new["Check", "B2"].startswith("All "), f"{name}: {new['Check', 'B2']}"
    return {file: computed[bare[name]] for name, file in written.items()}


def test_cells_are_read_as_openpyxl_reads_them(tmp_path):
    """Of a workbook as it was written, and as LibreOffice saves it."""
    written = WORKBOOKS["softmax"](tmp_path / "softmax.xlsx")
    for file in (written, office.recalculate([written], tmp_path / "out")[written]):
        book = openpyxl.load_workbook(file, data_only=True)
        cells = [(sheet.title, cell.coordinate, cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
        assert office.values(file) == {(title, place): value for title, place, value in cells if value is not None}
    book = openpyxl.load_workbook(written)
    cells = [(sheet.title, cell) for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert office.formula_cells(written) == {(title, cell.coordinate): cell.value for title, cell in cells}


def test_ready_made_workbooks(tmp_path):
    written = {name: make(tmp_path / f"{name}.xlsx") for name, make in WORKBOOKS.items()}
    logits = np.array([[3.6, 0.5, -0.4], [50.0, -50.0, 0.1], [0.0, 0.0, 0.0]])
    targets = np.eye(3)[[2, 0, 1]]
    for kind, base in (("softmax", math.e), ("sigmoid", 2.0)):
        file = tmp_path / f"{kind}_cross_entropy.xlsx"
        written[file.stem] = cross_entropy_workbook(file, logits, targets, ["cat", "dog", "plane"], kind, base)
    for kind, lengths in (("restarts", (1, 2, 4)), ("one cycle", (3,)), ("constant", (1, 1))):
        file = tmp_path / f"{kind}_schedule.xlsx"
        written[file.stem] = schedule_workbook(file, np.array([1e-3, 1e-2]), kind, lengths, 5)
    for steps, smoothing in ((40, 0.9), (40, 0.0), (4, 0.5)):
        file, tried = tmp_path / f"search_{steps}_{smoothing}.xlsx", np.geomspace(1e-5, 1, steps)
        search_losses = 1 + (np.log10(tried) + 1.5) ** 2 + 0.1 * np.cos(np.arange(steps))
        written[file.stem] = rate_search_workbook(file, tried, search_losses, smoothing)
    written["activations"] = activation_workbook(tmp_path / "activations.xlsx", x=-1.5, leak=0.1)
    rows = np.random.default_rng(0).normal(size=(6, 3))
    names = ["Mo", "=Tu", "We", "Th", "Fr", "Sa"]
    written["embedding"] = embedding_workbook(tmp_path / "embedding.xlsx", rows, names, 2, np.eye(3)[:2])
    stripped = {name: office.strip_values(file, tmp_path / f"bare_{name}.xlsx") for name, file in written.items()}
    computed = office.recalculate(stripped.values(), tmp_path / "out")
    for name, file in written.items():
        new, formulas = office.values(computed[stripped[name]]), office.formula_cells(file)
        assert formulas
        if name == "softmax":
            check_softmax(new)
        else:
            wrong = office.differences(office.values(file), new, formulas)
            assert not wrong, f"{name}: {wrong[:5]}"


def check_softmax(cells) -> None:
    """Its logits are random, so it is held against PyTorch's softmax of what they came out as."""
    sheet = {address: value for (_, address), value in cells.items()}
    logits = torch.tensor([sheet[f"C{row}"] for row in range(11, 16)], dtype=torch.float64)
    assert logits.abs().max() <= 5
    assert len(set(logits.tolist())) == 5
    expected = {"E": logits.softmax(0), "F": logits.sigmoid(), "D": logits.exp()}
    for column, values in expected.items():
        assert [sheet[f"{column}{row}"] for row in range(11, 16)] == pytest.approx(values.tolist(), abs=1e-9), column
    assert sheet["C19"] == pytest.approx(-logits.log_softmax(0)[1].item(), abs=1e-9)
    assert sheet["C18"] == ["cat", "dog", "plane", "fish", "building"][int(logits.argmax())]


def test_an_edited_pixel_and_an_edited_weight(tmp_path):
    model, digit, label = digits_network()
    file = export_model(model, digit, tmp_path / "digits.xlsx", class_names=range(10), actual=label)
    book = openpyxl.load_workbook(file)
    pixel, weight = (next(iter(book.defined_names[name].destinations))[1].split(":")[0] for name in ("input", "conv1_weight"))
    edits = {("sheet1", pixel.replace("$", "")): 0.75, ("sheet1", weight.replace("$", "")): -1.5}
    bare = office.strip_values(file, tmp_path / "edited.xlsx", edits)
    result = office.recalculate([bare], tmp_path / "out")[bare]
    cells = office.values(result)

    changed = copy.deepcopy(model)
    x = digit.clone()
    x[0, 0, 0] = 0.75
    changed.conv1.weight.data[0, 0, 0, 0] = -1.5
    probabilities = changed(x[None]).softmax(1)[0]
    column = next(iter(book.defined_names["softmax_out"].destinations))[1].replace("$", "").split(":")[0]
    letters, row = column.rstrip("0123456789"), int(column.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    shown = [cells["Network", f"{letters}{row + n}"] for n in range(10)]
    assert shown == pytest.approx(probabilities.tolist(), abs=1e-9)
    assert not np.allclose(shown, model(digit[None]).softmax(1)[0].detach().numpy(), atol=1e-6)
    assert cells["Check", "B2"].startswith("2 edited")
    named = {cells[key] for key in cells if key[0] == "Check" and key[1].startswith("F")}
    assert {pixel.replace("$", ""), weight.replace("$", "")} <= named

    # and LibreOffice's own file, saved by a student, is read back
    assert torch.equal(read_input(result), x)
    weights = read_weights(result)
    assert torch.equal(weights["conv1.weight"], changed.conv1.weight.data)
    assert torch.equal(weights["fc.weight"], model.fc.weight.data)


def test_large_numbers_do_not_overflow(tmp_path):
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Softmax(dim=1))
    model[0].weight.data = torch.tensor([[900.0, 0.0], [0.0, 899.0], [-900.0, 1.0]])
    deep = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Sigmoid())
    deep[0].weight.data = torch.tensor([[-800.0, 0.0], [0.0, 800.0]])
    files = [export_model(m, torch.ones(2), tmp_path / f"{n}.xlsx") for n, m in enumerate((model, deep))]
    bare = [office.strip_values(file, tmp_path / f"bare{n}.xlsx") for n, file in enumerate(files)]
    for file, computed in zip(files, office.recalculate(bare, tmp_path / "out").values(), strict=True):
        formulas = office.formula_cells(file)
        values = office.values(computed)
        assert not office.differences(office.values(file), values, formulas)
        assert all(math.isfinite(values[key]) for key in formulas if isinstance(values.get(key), float))


def test_cross_entropy_where_the_probability_is_too_small_for_a_number(tmp_path):
    """As of a picture of 0-255 that nobody normalised: exported so, and typed into a workbook exported with small numbers."""
    torch.manual_seed(0)
    logits = nn.Linear(9, 3).double()
    large, small = torch.rand(9, dtype=torch.float64) * 20_000, torch.rand(9, dtype=torch.float64)
    ends = {"logits": logits, "softmax": nn.Sequential(logits, nn.Softmax(1)), "logs": nn.Sequential(logits, nn.LogSoftmax(1))}
    worst = int(logits(large).argmin())
    want = F.cross_entropy(logits(large)[None], torch.tensor([worst])).item()
    assert want > 1000
    files, edits = {}, {}
    for name, model in ends.items():
        for x in (large, small):
            file = export_model(model, x, tmp_path / f"{name}{x is large}.xlsx", actual=worst)
            if x is large:
                assert _beside(office.values(file), "cross-entropy") == pytest.approx(want, rel=1e-12), name
            place = (
                next(iter(openpyxl.load_workbook(file).defined_names["input"].destinations))[1].replace("$", "").split(":")[0]
            )
            column, row = place.rstrip("0123456789"), int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            edits = {("sheet1", f"{column}{row + n}"): large[n].item() for n in range(9)}
            files[file] = office.strip_values(file, tmp_path / f"bare_{file.name}", edits)
    computed = office.recalculate(files.values(), tmp_path / "out")
    for file, bare in files.items():
        values = office.values(computed[bare])
        assert _beside(values, "cross-entropy") == pytest.approx(want, rel=1e-9), file.name
        assert "no number" not in values.values(), file.name


def _beside(cells, words):
    """The number in the cell to the right of some words on the sheet Network."""
    place = next(address for (sheet, address), value in cells.items() if sheet == "Network" and value == words)
    column, row = openpyxl.utils.cell.coordinate_from_string(place)
    return cells["Network", f"{openpyxl.utils.get_column_letter(openpyxl.utils.column_index_from_string(column) + 1)}{row}"]


@pytest.mark.filterwarnings("ignore")
def test_another_program_computes_the_same(tmp_path):
    formulas = pytest.importorskip("formulas", reason="a second oracle beside LibreOffice: pip install formulas")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, dilation=2), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3), nn.Tanh()
    )
    x = torch.randn(1, 6, 6)
    bare = office.strip_values(export_model(model, x, tmp_path / "m.xlsx", probabilities=False), tmp_path / "bare.xlsx")
    solution = formulas.ExcelModel().loads(str(bare)).finish().calculate()
    logits = model.double()(x.double()[None])[0].tolist()
    book = openpyxl.load_workbook(bare)
    area = next(iter(book.defined_names["tanh_5_out"].destinations))[1].replace("$", "")
    got = [solution[f"'[bare.xlsx]NETWORK'!{cell.coordinate}"].value[0, 0] for row in book["Network"][area] for cell in row]
    assert [float(value) for value in got] == pytest.approx(logits, abs=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "seed"),
    [
        (joined_network, 2),  # our network for tables
        *(pytest.param(random_network, seed, marks=pytest.mark.thorough) for seed in (2000, 2001, 2002)),
        *(pytest.param(joined_network, seed, marks=pytest.mark.thorough) for seed in range(3, 15)),
    ],
)
def test_another_program_computes_the_same_of_random_networks(make, seed, tmp_path):
    formulas = pytest.importorskip("formulas", reason="a second oracle beside LibreOffice: pip install formulas")
    model, x = make(seed)
    file = export_model(model, x, tmp_path / "m.xlsx")
    bare = office.strip_values(file, tmp_path / "bare.xlsx")
    solution = formulas.ExcelModel().loads(str(bare)).finish().calculate()
    stored = office.values(file)
    cells = [key for key in office.formula_cells(file) if key[0] == "Network" and isinstance(stored[key], float)]
    assert cells
    got = [float(solution[f"'[bare.xlsx]NETWORK'!{cell}"].value[0, 0]) for _, cell in cells]
    assert got == pytest.approx([stored[key] for key in cells], rel=1e-9, abs=1e-9)
