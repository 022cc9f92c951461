"""Activation functions and norms in a workbook, also of numbers for which an exponential is too large for a cell."""

import copy

import openpyxl
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune

from course_utils.excel import export_model, read_input, read_weights
from tests.excel import office

EXTREME = torch.tensor([-800.0, -50, -8, -3, -1, -1e-9, 0, 1e-9, 0.5, 3, 6, 7, 25, 60, 800])
ACTIVATIONS = [
    *(nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.PReLU(15), nn.ELU(), nn.ELU(0.7), nn.SELU(), nn.CELU(), nn.CELU(0.5)),
    *(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(), nn.Hardtanh(-2, 1.5)),
    *(nn.Softplus(), nn.Softplus(2.0, 3.0), nn.Softplus(0.5, 1e9), nn.Softsign(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh()),
]
NORMS = [
    (nn.LayerNorm(6), (6,)),
    (nn.LayerNorm(6, elementwise_affine=False), (6,)),
    (nn.LayerNorm(6, bias=False), (6,)),
    (nn.LayerNorm([4, 3, 5]), (4, 3, 5)),
    (nn.LayerNorm([3, 5], eps=0.1), (2, 3, 5)),
    (nn.LayerNorm(5), (2, 3, 5)),
    (nn.GroupNorm(2, 4), (4, 3, 5)),
    (nn.GroupNorm(4, 4, affine=False), (4, 3, 5)),
    (nn.GroupNorm(1, 4, eps=1e-2), (4, 3, 5)),
    (nn.GroupNorm(2, 6), (6,)),
    (nn.InstanceNorm2d(3), (3, 4, 4)),
    (nn.InstanceNorm2d(3, affine=True), (3, 4, 4)),
    (nn.InstanceNorm2d(3, affine=True, track_running_stats=True), (3, 4, 4)),
    (nn.InstanceNorm1d(1), (7,)),
]


class ByHand(nn.Module):
    """The functions, as people call them."""

    def forward(self, x):
        y = F.gelu(x, approximate="tanh") + F.elu(x, 0.5) + F.softplus(x, beta=2) + F.hardtanh(x, -2, max_val=1)
        return y + F.silu(x) + F.relu6(x) + F.leaky_relu(x, 0.3) + F.celu(x, alpha=2.0) + x.sigmoid() + F.logsigmoid(x)


def lived_in(model: nn.Module) -> nn.Module:
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            nn.init.uniform_(buffer, 0.3, 2) if name.endswith("var") else nn.init.normal_(buffer)
    return model.eval()


class SideBySide(nn.Module):
    """Many layers that read the same numbers, and the sum of what they give."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        first, *others = [layer(x) for layer in self.layers]
        for other in others:
            first = first + other
        return first


@pytest.mark.libreoffice
@pytest.mark.skipif(office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
def test_recalculated_they_give_what_pytorch_gives(tmp_path):
    torch.manual_seed(0)
    files = {}
    cases = [(ACTIVATIONS, EXTREME), ([nn.PReLU(2), nn.GELU(), ByHand()], 3 * torch.randn(2, 3, 4))]
    shapes = {shape for _, shape in NORMS}
    cases += [([layer for layer, own in NORMS if own == shape], 3 * torch.randn(shape)) for shape in sorted(shapes)]
    for number, (layers, x) in enumerate(cases):
        model = lived_in(SideBySide(layers))
        file = export_model(model, x, tmp_path / f"{number}.xlsx", probabilities=False)
        files[file] = office.strip_values(file, tmp_path / f"bare{number}.xlsx")
        state = model.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in read_weights(file).items())
        assert torch.equal(read_input(file), x)
    computed = office.recalculate(files.values(), tmp_path / "out")
    for (layers, x), (file, bare) in zip(cases, files.items(), strict=True):
        new, formulas = office.values(computed[bare]), office.formula_cells(file)
        assert not office.differences(office.values(file), new, formulas, 1e-12)
        assert new["Check", "B2"].startswith("All ")
        for number, layer in enumerate(layers):
            if not isinstance(layer, ByHand):
                want = copy.deepcopy(layer).double()(x.double()[None])[0].flatten().tolist()
                got = [new["Network", cell] for cell in cells_of(f"layers_{number}_out", file)]
                assert got == pytest.approx(want, rel=1e-9, abs=1e-15), layer


def cells_of(name, file) -> list[str]:
    """The formulas of a layer, in the order of its numbers."""
    book = openpyxl.load_workbook(file)
    sheet, area = next(iter(book.defined_names[name].destinations))
    return [cell.coordinate for row in book[sheet][area] for cell in row if cell.data_type == "f"]


@pytest.mark.parametrize(
    "wrap",
    [
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        parametrizations.orthogonal,
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
        lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5),
    ],
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_a_weight_that_is_computed_from_others_is_shown_as_what_it_is(wrap, tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), wrap(nn.Linear(3, 3)), nn.ReLU())
    model(torch.rand(1, 3)).sum().backward()  # the older norms keep a weight with its gradient
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = read_weights(export_model(model, torch.rand(3), tmp_path / "net.xlsx"))
    assert state.keys() == {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert torch.equal(state["0.weight"], model[0].weight)
    assert state["1.weight"].dtype == torch.float32
    model.eval()(torch.rand(1, 3))
    assert torch.allclose(state["1.weight"], model[1].weight, rtol=1e-6, atol=1e-7)
    plain = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.ReLU())
    plain.load_state_dict(state)
    x = torch.rand(1, 3)
    assert torch.allclose(plain(x), model(x), atol=1e-6)
    assert before.keys() == model.state_dict().keys()


def test_layers_inside_wrappers_anywhere_in_a_model(tmp_path):
    inner = nn.Sequential(torch.compile(nn.Linear(2, 2)))
    model = nn.Sequential(nn.DataParallel(nn.Linear(3, 2)), torch.compile(nn.ELU()), inner)
    model.compile()
    state = read_weights(export_model(model, torch.rand(3), tmp_path / "net.xlsx"))
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in state.items())
    assert type(model[0]) is nn.DataParallel
