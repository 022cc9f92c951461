"""What a LayerGroups widget says will move, against what a step of real training moves."""

import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import CourseError
from course_utils.training import Data, Learner, set_seed
from course_utils.widgets import LayerGroups, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE

NUMBERS = BASE.parent / "layer_groups" / "numbers.js"


def network():
    """Three groups, of which two have batch norms: one inside a block, and one that keeps no averages."""
    set_seed(0)
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Tanh())
    first = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Tanh())
    head = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64, track_running_stats=False), nn.Linear(64, 3))
    model = nn.Sequential(first, nn.Sequential(block, nn.BatchNorm2d(4)), head)
    return model, [[model[0]], [model[1][0], model[1][1]], [model[2]]]


def learner():
    model, groups = network()
    x, y = torch.randn(16, 1, 6, 6), torch.arange(16) % 3
    return Learner(Data.from_tensors(train=(x, y), valid=(x, y), batch_size=16), model, layer_groups=groups, progress=False)


def moved(trained, before):
    """How many numbers of a state dict differ from those of before, weights and running averages."""
    weights = {name for name, _ in trained.model.named_parameters()}
    counts = {True: 0, False: 0}
    for name, values in trained.model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            counts[name in weights] += int((values != before[name]).sum())
    return counts[True], counts[False]


@pytest.mark.parametrize(("first", "frozen"), list(itertools.product(range(3), (False, True))))
def test_what_is_said_to_move_moves(first, frozen):
    """Every weight that trains gets a gradient here, as Tanh has one everywhere; so a step moves each."""
    trained = learner()
    widget = LayerGroups(trained, lr=[0.1, 0.2, 0.3])
    assert (widget.first_trainable, widget.batch_norms_frozen) == (0, False)
    widget.first_trainable, widget.batch_norms_frozen = first, frozen
    widget.apply(trained)
    assert (trained.layer_groups.first_trainable, trained.layer_groups.batch_norms_frozen) == (first, frozen)
    shown = LayerGroups(trained)
    assert (shown.first_trainable, shown.batch_norms_frozen) == (first, frozen)
    before = {name: values.clone() for name, values in trained.model.state_dict().items()}
    trained.fit(widget.rates, 1)
    weights, averages = moved(trained, before)
    assert averages == widget.moving_averages
    # a bias before a batch norm has no gradient but for rounding: it may stand still by chance
    assert widget.moving_weights - 4 <= weights <= widget.moving_weights
    typed = learner()
    exec(LayerGroups(trained, lr=0.3).code, {"learner": typed})
    assert typed.layer_groups.first_trainable == first
    assert typed.layer_groups.batch_norms_frozen is frozen
    assert typed.recorder.rates[0][-1] == pytest.approx(0.3)


def test_counts_are_those_of_the_network():
    model, groups = network()
    widget = LayerGroups(model, groups)
    assert widget.weights.sum() == sum(p.numel() for p in model.parameters())
    assert widget.weights.tolist() == [4 * 9 + 4 + 8, 4 * 4 * 9 + 8 + 8, 64 * 3 + 3 + 128]
    assert widget.averages.tolist() == [8, 16, 0]  # the last keeps none
    names = [[part["name"] for part in group] for group in widget._groups]
    assert names == [["0.0", "0.1"], ["1.0", "1.1"], ["2.1", "2.2"]]
    assert widget.block == (2, 1)  # the largest part
    assert [p.requires_grad for p in model.parameters()].count(False) == 0  # nothing was changed


def test_the_screen_counts_the_same(run):
    model, groups = network()
    widget, cases, expected = LayerGroups(model, groups), [], []
    for first, frozen in itertools.product(range(3), (False, True)):
        widget.first_trainable, widget.batch_norms_frozen = first, frozen
        cases.append([widget._groups, first, frozen])
        total, averages = int(widget.weights.sum()), int(widget.averages.sum())
        expected.append(
            {"weights": total, "moving": widget.moving_weights, "averages": averages, "learning": widget.moving_averages}
        )
    assert (
        run(NUMBERS, "given.map(([groups, first, frozen]) => it.totals(it.groupsOf(groups, first, frozen)))", cases) == expected
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {},
            "531 of 531 weights move (100%): nothing is frozen; gradients and the optimiser's memory of them take 4.2 kB.",
        ),
        (
            {"first_trainable": 1},
            "group 1 is frozen; gradients and the optimiser's memory of them take 3.9 kB. 16 running averages of batch norms",
        ),
        ({"first_trainable": 2}, "323 of 531 weights move (61%): groups 1 and 2 are frozen; gradients and"),
        ({"first_trainable": 2}, "No running average of a batch norm moves, as those of frozen groups stand still."),
        ({"batch_norms_frozen": True}, "No running average of a batch norm moves, though the weights of those that train do."),
    ],
)
def test_words(options, words):
    model, groups = network()
    assert words in LayerGroups(model, groups, **options).describe()


def test_words_without_batch_norm():
    assert LayerGroups(nn.Linear(2, 1)).describe() == (
        "3 of 3 weights move (100%): nothing is frozen; gradients and the optimiser's memory of them take 0.0 kB. "
        "There is no batch norm."
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m, g: LayerGroups("resnet34"), "learner is 'resnet34'; expected a Learner, or a network with its layer_groups"),
        (lambda m, g: LayerGroups(m, g[:2]), "leave out 4 weights"),
        (lambda m, g: LayerGroups(learner(), g), "a learner has its layer groups"),
        (lambda m, g: LayerGroups(m, g, lr="fast"), "lr is 'fast'"),
        (lambda m, g: LayerGroups(m, g, lr=[0.1, 0.2]), "2 learning rates for 3 layer groups"),
        (lambda m, g: LayerGroups(m, g, lr=0.0), "expected numbers above 0"),
        (lambda m, g: LayerGroups(m, g, first_trainable=3), "first_trainable is 3; there are 3 layer groups, so it is 0 to 2"),
        (lambda m, g: LayerGroups(m, g, batch_norms_frozen="no"), "batch_norms_frozen is 'no'; expected True or False"),
        (lambda m, g: LayerGroups(m, g, block=(0, 2)), r"block is \(0, 2\)"),
        (lambda m, g: LayerGroups(m, [*g, [nn.ReLU()]]), "layer group 3 has no weights"),
        (lambda m, g: LayerGroups(nn.Sequential(*(nn.Linear(1, 1) for _ in range(121)))), "121 parts, and at most 120"),
        (lambda m, g: LayerGroups(m, g).apply(m), "expected a Learner"),
        (lambda m, g: LayerGroups(m).apply(learner()), "3 layer groups, and 1 are shown"),
        (lambda m, g: LayerGroups(m, g).export("a.xlsx"), "parameters.xlsx"),
    ],
)
def test_refusals_say_what_to_do(make, message):
    with pytest.raises(CourseError, match=message):
        make(*network())


def test_what_is_refused_changes_nothing():
    widget = LayerGroups(*network())
    widget.set_state({"first_trainable": -1})
    assert "first_trainable is -1" in widget.message
    with pytest.raises(WidgetError):
        widget.rates = [0.1]
    assert (widget.first_trainable, len(widget.rates)) == (0, 3)


def test_bars_in_the_picture_are_as_high_as_their_weights():
    widget = LayerGroups(*network())
    pixels = np.asarray(Image.open(io.BytesIO(widget.picture())).convert("RGB")).astype(int)
    heights = [column for column in (np.abs(pixels - BLUE).max(axis=2) < 24).sum(axis=0) if column]
    bars = [max(run) for run in np.split(heights, np.flatnonzero(np.diff(heights)) + 1)]
    weights = np.array([part["weights"] for group in widget._groups for part in group])
    expected = np.maximum(2 * 170 * weights / weights.max(), 4)
    assert sorted(set(bars))[-1] == pytest.approx(expected.max(), abs=4)
    assert {round(bar) for bar in bars} <= {bar + by for bar in expected.round().astype(int) for by in range(-4, 5)}
