"""What a user's own module computes with is told apart, and what changes nothing is not."""

from argparse import Namespace
from dataclasses import dataclass
from enum import Enum
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.training.meaning import differences
from course_utils.training.own_modules import own_of


class Way(Enum):
    MEAN = 1
    MAX = 2


@dataclass
class Options:
    scale: float = 2.0
    learning_rate: float = 0.1
    dropout: float = 0.5


class Net(nn.Module):
    """Computes with `value`, whatever that is."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return x * self.value


class Configured(nn.Module):
    """Computes with a part of its settings."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        self.rate = 0 if isinstance(options, dict) else options.learning_rate

    def forward(self, x):
        return x * (self.options["scale"] if isinstance(self.options, dict) else self.options.scale)


class Remembering(Net):
    """Fills a list, so that none of its lists tells what it computes."""

    def forward(self, x):
        self.value.append(len(x))
        return x


def times(factor):
    return lambda x: x * factor


def named_times(factor):
    def times(x):
        return x * factor

    return times


def told(one, other):
    saved, here = ({"own": own_of(nn.Sequential(module))} for module in (one, other))
    return differences(saved, here)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2, 3),
        (np.float32(2), np.float32(3)),
        (np.int64(2), np.int64(3)),
        (torch.tensor([0.5, 1.0]), torch.tensor([0.5, 2.0])),
        (np.array([0.5, 1.0]), np.array([0.5, 2.0])),
        ([64, 128], [64, 256]),
        (Way.MEAN, Way.MAX),
        (partial(F.leaky_relu, negative_slope=0.1), partial(F.leaky_relu, negative_slope=0.2)),
        (F.relu, F.gelu),
        (lambda x: x, lambda x: x + 1),
        (lambda x: x * 2, lambda x: x * 3),
        (lambda x: x * 2, lambda x: x / 2),
        (lambda x: x.sin(), lambda x: x.cos()),
        (lambda x: x > 0, lambda x: x < 0),
        (lambda x: x, lambda x: -x),
        (lambda x, k=2: x * k, lambda x, k=3: x * k),
        (times(2), times(3)),
        (named_times(2), named_times(3)),
        (float("inf"), 1.0),
        (1 + 2j, 1 - 2j),
        (torch.tensor([1 + 2j]), torch.tensor([1 - 2j])),
        (np.array([1j]), np.array([2j])),
        ({1, 2}, {1, 3}),
        (slice(0, 2), slice(0, 3)),
        (range(3), range(0, 3, 2)),
        (torch.float16, torch.bfloat16),
    ],
)
def test_another_value_is_told(one, other):
    (words,) = told(Net(one), Net(other))
    assert words.startswith("the value of layer '0' (Net) is ")
    assert told(Net(one), Net(one)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.float32(2), 2.0),
        ((1, 2), [1, 2]),
        (torch.tensor([0.5, 1.0]), np.array([0.5, 1.0])),
        (torch.zeros(2000), torch.ones(2000)),  # too many to keep beside the weights: a buffer is what they should be
        (torch.zeros(2).to_sparse(), torch.ones(2).to_sparse()),
        ({"b", "a"}, {"a", "b"}),
        (torch.zeros(2, device="meta"), torch.zeros(3, device="meta")),
        (lambda x: x * 2, lambda y: y * 2),
        (times(2), times(2.0)),
        (object(), object()),
    ],
)
def test_the_same_value_and_what_cannot_be_told_are_not(one, other):
    assert told(Net(one), Net(other)) == []


@pytest.mark.parametrize("function", [lambda x: x, named_times(2)])
def test_a_function_that_an_older_file_tells_by_its_name_is_taken(function):
    here = {"own": own_of(Net(function))}
    older = {"own": [["", "Net", {"value": function.__name__}]]}
    assert differences(older, here) == differences(here, older) == []


@pytest.mark.parametrize("kind", [Options, Namespace, dict])
def test_of_settings_those_count_that_the_network_reads(kind):
    def settings(**changed):
        return Configured(kind(**({"scale": 2.0, "learning_rate": 0.1, "dropout": 0.5} | changed)))

    assert told(settings(), settings(learning_rate=0.3, dropout=0.1)) == []
    (words,) = told(settings(), settings(scale=3.0))
    assert words == "the options of layer '0' (Configured) is {'scale': 2.0} there and {'scale': 3.0} here"


def test_a_list_that_is_filled_and_settings_that_hold_themselves_say_nothing():
    assert told(Remembering([1]), Remembering([1, 2])) == []
    around = {"scale": 1}
    around["value"] = around
    assert own_of(Net(around)) == [["", "Net", {}]]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_network_of_torchscript_has_its_layers():
    from course_utils.training.architecture import layers_of

    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.1))
    assert layers_of(torch.jit.trace(model.eval(), torch.zeros(1, 2))) == layers_of(model) == ["Linear", "ReLU"]
