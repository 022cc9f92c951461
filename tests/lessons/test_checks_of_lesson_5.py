"""Checks of lesson 5: full marks for what is right, none for a blank, and for what is wrong a reason of its own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.lessons import check
from course_utils.lessons.checks import marking


@pytest.fixture(autouse=True)
def no_tries(monkeypatch):
    monkeypatch.setattr(marking, "_tries", marking.Counter())


@pytest.fixture
def marks(capsys):
    """The marks of wrong answers, once the right one has them all, the blank none, and each wrong one a reason of its own."""

    def told(number, *answer):
        mark = check(number, *answer)
        return mark, capsys.readouterr().out.splitlines()[0].partition(": ")[2]

    def marked(number, right, *wrong, more=()):
        assert told(number, right, *more) == (1, "")
        assert told(number, ..., *more)[0] == 0
        found = [told(number, answer, *more) for answer in wrong]
        assert len({reason for _, reason in found}) == len(wrong) >= 3, found
        assert all(reason for _, reason in found)
        return [mark for mark, _ in found]

    return marked


SAME = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
LEFT = [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
RIGHT = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
BLUR = [[1 / 9] * 3] * 3


def test_three_kernels(marks):
    def three(same=SAME, left=LEFT, blur=BLUR):
        return {"same": same, "left": left, "blur": blur}

    found = marks(
        "5.1",
        three(),
        three(left=RIGHT),
        three(blur=[[1] * 3] * 3),
        three(blur=SAME),
        three(left=np.rot90(LEFT)),
        three(same=BLUR),
        three(same=[[1]]),
        {"same": SAME},
        SAME,
    )
    assert found == [0.7, 0.6, 0.8, 0.7, 0.7, 0, 0, 0]


def convolved(image, kernel):
    return F.conv2d(torch.tensor(image)[None, None], torch.tensor(kernel.copy())[None, None])[0, 0]


def test_a_turned_kernel(marks):
    from scipy.signal import convolve2d

    found = marks(
        "5.2",
        lambda image, kernel: convolve2d(image, kernel, mode="valid"),
        convolved,
        lambda image, kernel: convolved(image, kernel[::-1]),
        lambda image, kernel: convolved(image, kernel[:, ::-1]),
        lambda image, kernel: convolved(image, kernel.T),
        lambda image, kernel: image,
        lambda image, kernel: convolved(image, kernel) / 0 + undefined,  # noqa: F821 - a slip of the student's
    )
    assert found == [0.2, 0.2, 0.2, 0.2, 0, 0]


def test_sizes(marks):
    def right(channels, side, kernels, size, outputs):
        pooled = (side - size + 1) // 2
        return kernels * (channels * size**2 + 1), pooled, kernels * pooled**2 * outputs + outputs

    def no_biases(channels, side, kernels, size, outputs):
        pooled = (side - size + 1) // 2
        return kernels * channels * size**2, pooled, kernels * pooled**2 * outputs

    def padded(channels, side, kernels, size, outputs):
        return kernels * (channels * size**2 + 1), side // 2, kernels * (side // 2) ** 2 * outputs + outputs

    def rounded_up(channels, side, kernels, size, outputs):
        pooled = -(-(side - size + 1) // 2)  # right unless the side is odd
        return kernels * (channels * size**2 + 1), pooled, right(channels, side, kernels, size, outputs)[2]

    found = marks("5.3", right, no_biases, padded, rounded_up, lambda *numbers: 5)
    assert found == [0.3, 0.3, 0.7, 0]


def test_a_small_head(marks):
    def head(pool, features=512):
        return nn.Sequential(pool, nn.Flatten(), nn.Linear(features, 1000))

    found = marks(
        "5.4",
        head(nn.AdaptiveAvgPool2d(1)),
        head(nn.AdaptiveMaxPool2d(1)),
        head(nn.AvgPool2d(7)),
        nn.Sequential(head(nn.AdaptiveAvgPool2d(1)), nn.Linear(1000, 1000)),
        nn.Linear(512, 1000),
        head(nn.AdaptiveAvgPool2d(1), 512)[:2],
        512,
    )
    assert found == [0.6, 0.7, 0.7, 0, 0, 0]


def slopes(loss, weights, step=1e-6, scale=1.0):
    found = torch.zeros_like(weights)
    for place in range(weights.numel()):
        moved = weights.clone()
        moved.view(-1)[place] += step
        found.view(-1)[place] = scale * (loss(moved) - loss(weights)) / step
    return found


def test_slope_by_slope(marks):
    def careless(loss, weights):
        before = loss(weights)
        return torch.stack([(loss(weights.add_(1e-6)) - before) / 1e-6 for _ in range(6)]).reshape(2, 3)

    def too_far(loss, weights):
        return slopes(loss, weights, step=0.1)

    def downhill(loss, weights):
        return slopes(loss, weights, scale=-1)

    found = marks("5.5", slopes, careless, too_far, downhill, lambda loss, weights: slopes(loss, weights)[0])
    assert found[0] == found[2] == found[3] == 0
    assert found[1] <= 0.5


def test_dead_channels(marks):
    def dead(maps):
        return [channel for channel in range(maps.shape[1]) if not maps[:, channel].any()]

    found = marks(
        "5.6",
        dead,
        lambda maps: [channel for channel in range(5) if not maps[0, channel].any()],  # the first picture alone
        lambda maps: [channel for channel in range(5) if maps[:, channel].mean() < 1e-2],
        lambda maps: dead(maps)[:1],
        lambda maps: (maps > 0).amax((0, 2, 3)),  # a flag for each
        lambda maps: [],
    )
    assert found == [0.5, 0.5, 0.5, 0, 0]


def test_a_hat(marks):
    found = marks(
        "5.7",
        [(1, 1, 1), (1, 0, -2), (1, -1, 1)],
        [(1, 1, 1), (1, 0, -2)],  # goes on falling
        [(1, 1, 1), (1, 0, -1), (1, -1, 1)],  # does not come down
        [(1, -1, 1), (1, 0, -2), (1, 1, -1)],
        [(1, 1, 1, 0)],
        [(1, 1, 1), (1, 0, -1), (1, 0, -1), (1, -1, 1)],
    )
    assert found[:2] == [0.7, 0.5]
    assert found[3:] == [0, 0]


def test_a_softmax_that_holds(marks):
    def naive(z):
        return np.exp(z) / np.exp(z).sum()

    found = marks(
        "5.8",
        lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
        naive,
        lambda z: naive(np.clip(z, -500, 500)),
        lambda z: naive(z / np.abs(z).max()),
        lambda z: naive(z - z.mean()),
        lambda z: 1.0,
    )
    assert found == [0.4, 0.4, 0, 0.8, 0]


def test_a_workbook_of_their_own(marks, tmp_path):
    from course_utils.excel import export_model

    def network(**options):
        return nn.Sequential(nn.Conv2d(1, 1, 3, **options), nn.Flatten(), nn.LazyLinear(2))

    def exported(name, model):
        model(torch.rand(1, 1, 4, 4))
        return export_model(model, torch.rand(1, 4, 4), tmp_path / name)

    strided, plain, other = network(stride=2, padding=1), network(), network(stride=2, padding=1)
    file, plain_file = exported("strided.xlsx", strided), exported("plain.xlsx", plain)
    exported("other.xlsx", other)
    found = marks("5.9", file, tmp_path / "none.xlsx", exported("changed.xlsx", other), 3, more=(strided,))
    assert found == [0, 0.5, 0]
    assert check("5.9", plain_file, plain) == 0.5
    assert check("5.9", file, "a model") == 0


def test_own_drawing(marks):
    class Columns(nn.Module):
        """Sees the digit of the column that holds most ink."""

        def __init__(self):
            super().__init__()
            self.sharpness = nn.Parameter(torch.tensor(1.0))

        def forward(self, x):
            return x.sum(dim=2)[:, 0, :10] * self.sharpness

    def stroke(column, ink=1.0, rows=20):
        picture = torch.zeros(1, 28, 28, dtype=torch.float64)
        picture[0, 4 : 4 + rows, column] = ink
        return picture

    before = stroke(3)
    faint, both_digits = stroke(7, 0.45), before + 0.6 * stroke(7)
    wrong = [stroke(7, 255), faint, before, both_digits, stroke(5), stroke(7)[0], 7.5]
    found = marks("5.10", stroke(7), *wrong, more=(7, Columns(), before, 3))
    assert found == [0.8, 0.2, 0.2, 0.5, 0.5, 0, 0]
