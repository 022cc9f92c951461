"""A model followed layer by layer: its values are PyTorch's, and what cannot be followed is named with its place."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from course_utils.tracing import TraceError, fuse_relu, trace_model
from tests.tracing.random_networks import random_network


@pytest.mark.parametrize("seed", range(40))
def test_every_layer_of_a_random_network_gives_what_its_module_gave(seed):
    model, x = random_network(seed)
    double, seen = copy.deepcopy(model).double(), {}
    paths = {module: path for path, module in double.named_modules()}

    def keep(module, _, output):
        seen[paths[module]] = output.clone()  # the next layer may work in place

    for module in paths:
        module.register_forward_hook(keep)
    with torch.no_grad():
        result = double(x.double())
    steps = trace_model(model, x).steps
    assert np.allclose(steps[-1].value, result[0].reshape(steps[-1].value.shape), atol=1e-12)
    followed = [step for step in steps if step.path in seen]
    assert len(followed) >= len(steps) / 3
    for step in followed:
        assert np.allclose(step.value, seen[step.path][0].reshape(step.value.shape), atol=1e-12), step.path


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.up = nn.LPPool2d(2, 2)

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
            nn.Sequential(OrderedDict(body=nn.Sequential(nn.Conv2d(1, 1, 3), nn.Hardshrink()))),
            ["body.1 (Hardshrink)", "It can show: Conv2d"],
        ),
        (nn.Sequential(nn.FractionalMaxPool2d(2, 2), nn.RReLU()), ["0 (FractionalMaxPool2d)", "1 (RReLU)"]),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), ["padding_mode='reflect'"]),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), ["track_running_stats=False"]),
        (nn.Softmax(dim=1), ["another axis"]),
        (Scaled(), ["up (LPPool2d)"]),
        (Alpha(), ["alpha=2"]),
        (Branching(), ["cannot be followed", "Branching"]),
        (TwoOutputs(), ["one output was expected"]),
        (nn.Conv2d(3, 1, 3), ["cannot take an input of shape (1, 6, 6)"]),
    ],
)
def test_what_is_not_supported_is_named_with_its_place(model, parts):
    with pytest.raises(TraceError) as caught:
        trace_model(model.eval(), torch.rand(1, 6, 6))
    for part in parts:
        assert part in str(caught.value)


def test_weights_that_are_not_finite():
    model = nn.Sequential(nn.Conv2d(1, 2, 3))
    model[0].weight.data[0, 0, 0, 0] = float("inf")
    with pytest.raises(TraceError, match="0: its weight holds nan or inf"):
        trace_model(model, torch.rand(1, 6, 6))


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


def test_a_layer_that_changes_another_in_place_through_a_view():
    with pytest.raises(TraceError, match="in place"):
        trace_model(ChangesInPlace(), torch.randn(1, 3, 3))


class ADict(nn.Module):
    def forward(self, x):
        return {"logits": x.relu()}


class Nothing(nn.Module):
    def forward(self, x):
        x.relu()


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class Noisy(nn.Module):
    def forward(self, x):
        return x + torch.rand(2)


class Optional(nn.Module):
    """Its second input may be left out."""

    def forward(self, a, b=None):
        return a if b is None else a - b


def test_an_input_that_may_be_left_out_is_given_in_a_tuple_too():
    trace = trace_model(Optional(), (torch.tensor([3.0, 4.0]), torch.tensor([1.0, 5.0])))
    assert trace.steps[-1].value.tolist() == [2, -1]
    assert trace_model(Optional(), [3.0, 4.0]).steps[-1].value.tolist() == [3, 4]  # a list of numbers is one input


@pytest.mark.parametrize(
    ("model", "x", "said"),
    [
        (Noisy(), torch.ones(2), "Noisy gives other numbers each time that it runs.*take out what it draws at random"),
        (nn.Linear(2, 0), torch.ones(2), r"layer \(Linear\): gives shape \(0,\), which holds no numbers"),
        (nn.Sequential(OrderedDict({'a"b': nn.ReLU()})), torch.ones(2), 'a layer is called .a"b., and its name cannot stand'),
        (nn.Linear(2, 1), None, "x should be numbers.*NoneType"),
        (nn.Linear(2, 1), "seven.png", "x should be numbers.*str.*PIL.Image.open"),
        (nn.Linear(2, 1), [[1], [1, 2]], "rows of one length"),
        (nn.Linear(2, 1), {"x": 1}, r"x holds 'x', and Linear\.forward takes input; give a dictionary by these names"),
        (TwoInputs(), {"x": torch.ones(2)}, r"x holds no 'y', and TwoInputs\.forward takes x, y"),
        (TwoInputs(), {"x": torch.ones(2), "y": None}, "of the input 'y', x should be numbers.*NoneType"),
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
        (TwoInputs(), (torch.ones(2),) * 3, "x holds 3 inputs, and TwoInputs.forward takes x, y; give as many"),
        (TwoInputs(), torch.ones(2), r"one input was given, and TwoInputs\.forward takes x, y; give x=\(x, y\)"),
        (torch.relu, torch.ones(2), "a torch.nn.Module, and got builtin"),
        ("net.pt", torch.ones(2), "got str; read the file"),
        (nn.Linear(2, 1).state_dict(), torch.ones(2), "got OrderedDict; these are weights.*load_state_dict"),
        ([nn.ReLU()], torch.ones(2), r"got list; .*nn\.Sequential"),
        (nn.ReLU, torch.ones(2), r"ReLU is a class; give .*ReLU\(\.\.\.\)"),
        (nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3)), torch.ones(2), "1: its weights have no shape yet"),
        (nn.Linear(2, 1, device="meta"), torch.ones(2), "no numbers"),
        (nn.Linear(2, 1).to(torch.complex64), torch.ones(2), "complex numbers"),
        (nn.Conv1d(1, 4, 3), torch.rand(3, 16), r"\(Conv1d\) does not fit: it reads 1 channel and gets 3 × 16"),
        (nn.Conv1d(2, 4, 3), torch.rand(2, 2, 16), r"one sequence was expected, \(1, positions, features\).*give x\[:1\]"),
        (nn.Conv3d(1, 4, 3), torch.rand(1, 3, 16), r"\(Conv3d\): not among the layers"),
        (nn.Sequential(nn.Embedding(10, 4)), torch.tensor([1, 10]), r"0 \(Embedding\): it looks up .* 0 to 9, and gets 10"),
        (nn.Embedding(10, 4, max_norm=1.0), torch.tensor([1]), "max_norm=1.0: it changes its weights"),
        (nn.Upsample(scale_factor=2, mode="area"), torch.rand(1, 3, 3), "mode='area'; it can show nearest"),
    ],
)
def test_what_else_people_hand_over_is_refused_with_its_true_reason(model, x, said):
    with pytest.raises(TraceError, match=said) as caught:
        trace_model(model, x)
    assert "tlparse" not in str(caught.value)


class ByShape(nn.Module):
    """Decides by shapes, loops over them, and uses a weight and a constant by hand."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(1, 3))
        self.register_buffer("shift", torch.rand(2), persistent=False)

    def forward(self, a, b, mask=None):
        if mask is not None or len(a) != 1:
            raise ValueError("another example")
        total = 0
        for part in torch.cat([a, b], dim=1).split(a.shape[1], dim=1):
            total = total + part * self.scale
        return 1 - total[:, : a.size(1) - 1] / 2 + self.shift


@pytest.mark.parametrize("form", [lambda a, b: (a, b), lambda a, b: {"b": b.numpy(), "a": a[None]}])
def test_several_inputs_loops_over_shapes_and_weights_used_by_hand(form):
    torch.manual_seed(0)
    model, a, b = ByShape(), torch.rand(3), torch.rand(6)
    trace = trace_model(model, form(a, b))
    assert [given.name for given in trace.inputs] == ["a", "b"]
    expected = model.double()(a.double()[None], b.double()[None])[0]
    assert np.allclose(trace.steps[-1].value, expected.detach(), atol=1e-12)
    assert [(step.kind, step.path) for step in trace.steps if step.kind in ("input", "parameter", "constant")] == [
        ("input", "a"),
        ("input", "b"),
        ("parameter", "scale"),
        ("constant", "shift"),
    ]


def test_numbers_that_only_move_say_where_they_came_from():
    class Mixed(nn.Module):
        def forward(self, x, y):
            both = torch.stack([x, y.flip(1)], dim=1).transpose(1, 2)
            return F.pad(both[:, 1:], (1, 0))

    x, y = torch.arange(3.0), torch.arange(3.0) + 10
    steps = trace_model(Mixed(), (x, y)).steps
    numbers = {0: np.array([0.0, *steps[0].value]), 1: np.array([0.0, *steps[1].value])}
    for place, step in enumerate(steps[2:], start=2):
        read = np.concatenate([[0.0], *(numbers[source][1:] for source in step.sources)])
        index = step.settings.get("index", np.arange(1, step.value.size + 1))
        assert (read[index] == step.value.reshape(-1)).all(), step.path
        numbers[place] = np.array([0.0, *step.value.reshape(-1)])
    assert steps[-1].value.tolist() == [[0, 1, 11], [0, 2, 10]]
