"""A search read back: its losses, their smoothing, what is said of a rate, in Python and on the screen."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from openpyxl import load_workbook
from PIL import Image
from torch import nn

from course_utils.training import Data, Learner, set_seed
from course_utils.training.rate_finder import LearningRateSearch
from course_utils.widgets import LearningRateFinder, WidgetError
from course_utils.widgets.base.axes import round_ticks
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE

NUMBERS = BASE.parent / "learning_rate_finder" / "numbers.js"


class Noting(Learner):
    """A learner that notes the loss of each mini-batch."""

    def train_step(self, x, y):
        loss = super().train_step(x, y)
        self.noted.append(loss)
        return loss


@pytest.fixture(scope="module")
def searched():
    """A real search, and the losses of its mini-batches."""
    set_seed(1)
    x = torch.randn(400, 3)
    data = Data.from_tensors(train=(x, (x[:, 0] > 0).long()), valid=(x[:9], (x[:9, 0] > 0).long()), batch_size=20)
    learner = Noting(data, nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2)), progress=False)
    learner.noted = []
    search = learner.lr_find(start=1e-3, stop=100.0, steps=60)
    return search, learner.noted[: len(search.rates)], learner


def made(losses, lowest_rate=1e-5):
    """A search of ten steps per tenfold rate with these smoothed losses."""
    return LearningRateSearch([lowest_rate * 10 ** (step / 10) for step in range(len(losses))], list(losses))


VALLEY = [0.5 + (step / 10 - 3.5) ** 2 / 10 for step in range(45)]  # the lowest at 10 ** (-5 + 3.5)


def test_the_losses_of_the_mini_batches_are_found_again(searched):
    search, noted, _ = searched
    finder = LearningRateFinder(search)
    np.testing.assert_allclose(finder.losses, noted, rtol=1e-9)
    np.testing.assert_allclose(finder.curve, search.losses, rtol=1e-12)
    assert (finder.steepest, finder.suggested) == (search.steepest, search.suggested)
    assert finder.rate == pytest.approx(search.suggested, rel=0.05)
    assert finder.verdict == "good"


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 0.9, 0.98])
def test_smoothing_is_that_of_pandas(searched, smoothing):
    finder = LearningRateFinder(searched[0], smoothing=smoothing)
    expected = pd.Series(finder.losses).ewm(alpha=1 - smoothing, adjust=True).mean()
    np.testing.assert_allclose(finder.curve, expected, rtol=1e-12)
    assert finder.lowest == pytest.approx(finder.rates[expected.argmin()])


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(0.04, "high"), (10**-1.45, "high"), (0.03, "bold"), (8.5e-4, "bold"), (8.4e-4, "good"), (9.5e-5, "good"),
     (9.3e-5, "slow"), (2e-5, "low")],
)  # fmt: skip
def test_what_is_said_of_a_rate(rate, verdict):
    finder = LearningRateFinder(made(VALLEY), rate=rate)
    assert (finder.lowest, finder.suggested) == pytest.approx((10**-1.5, 10**-3.55))  # steepest after a tenth of its steps
    power = np.log10(rate) + 5
    assert finder.loss == pytest.approx(0.5 + (power - 3.5) ** 2 / 10, abs=3e-4)  # a straight line between two steps
    assert finder.gained == pytest.approx(1 - (power - 3.5) ** 2 / 3.5**2, abs=3e-4)
    assert finder.verdict == verdict


SEARCHES = [
    made(VALLEY),
    made([1.0]),
    made([3.0, 2.0, 1.0, 2.0]),
    made(np.linspace(1, 2, 30)),  # never falls
    made(np.linspace(2, 1, 30)),  # never rises
    made([2.0] * 12),  # all alike
    made([2.0, 1.5, 1.0, 1.0, 1.5, *[2.0] * 8]),  # two lowest points
    made([-v for v in VALLEY]),  # below zero, as a loss of one's own may be
    made([1e9 * v for v in VALLEY], lowest_rate=1e-12),
]


def test_the_screen_reads_a_search_as_python_does(run, searched):
    finders = [LearningRateFinder(search, smoothing=share) for search in (*SEARCHES, searched[0]) for share in (0.0, 0.5, 0.9)]
    places = [np.geomspace(f.rates[0], f.rates[-1], 7).clip(f.rates[0], f.rates[-1]).tolist() for f in finders]
    given = [[f.rates.tolist(), f.losses.tolist(), f.smoothing, at] for f, at in zip(finders, places, strict=True)]
    screens = run(NUMBERS, """given.map(([rates, losses, smoothing, places]) => {
        const curve = it.smoothed(losses, smoothing);
        const best = rates[it.lowest(curve)] ?? null;
        const losses_ = places.map((rate) => it.lossAt(rates, curve, rate));
        return { curve, best, steep: rates[it.steepest(curve)] ?? null, losses: losses_,
            rule: best && it.suggested(rates, curve), said: best && places.map((rate) =>
                it.verdict(rate, best, it.suggested(rates, curve), it.gained(curve, it.lossAt(rates, curve, rate)))) };
    })""", given)  # fmt: skip
    assert {screen["best"] is None for screen in screens} == {True, False}
    for finder, at, screen in zip(finders, places, screens, strict=True):
        np.testing.assert_array_equal(screen["curve"], finder.curve)  # the same sums in the same order
        assert (screen["best"], screen["steep"]) == (finder.lowest, finder.steepest)
        assert screen["rule"] == (finder.suggested and pytest.approx(finder.suggested, rel=1e-14))
        size = np.abs(finder.curve).max()
        for place, (rate, loss) in enumerate(zip(at, screen["losses"], strict=True)):
            finder.rate = rate
            assert loss == pytest.approx(finder.loss, rel=1e-12, abs=1e-12 * size)
            assert (screen["said"] and screen["said"][place]) == finder.verdict


@pytest.mark.parametrize(
    ("search", "options", "words"),
    [
        (made(VALLEY), {"rate": 0.0032}, "At a rate of 0.0032 the smoothed loss is 0.60: 92% of its way from 1.73 at first "
         "down to 0.50. The lowest point is at 0.032, about 9.9 times as high. A bold rate: it may learn faster, or fail."),
        (made(VALLEY), {}, "The lowest point is at 0.032, about 113 times as high. A good rate: the loss still falls there."),
        (made(VALLEY), {"rate": 0.2}, "The lowest point is at 0.032, about 6.3 times lower. Too high: the loss rises."),
        (made(VALLEY), {"step": 12}, "Step 12 of 45: the rate has grown to 0.00013; the loss of this mini-batch is"),
        (made(VALLEY), {"step": 0}, "Before the first of 45 steps: the rate will grow from 1e-5 on."),
        (made([3.0, 2.0, 1.0]), {}, "The search saw 3 steps, too few to say which rate is good: search again with more steps"),
        (made([1.0]), {}, "The search saw 1 step, too few"),
        (made(np.linspace(1, 2, 30)), {}, "The loss did not fall in this search: search again from a lower rate on"),
    ],
)  # fmt: skip
def test_words(search, options, words):
    assert words in LearningRateFinder(search, **options).describe()


def test_a_rate_is_handed_on(searched):
    search, _, learner = searched
    finder = LearningRateFinder(search)
    finder.set_state({"rate": 0.05})  # from the screen
    exec(finder.code, {"learner": learner})
    assert learner.recorder.rates[0] == [0.05] == [finder.rate]


@pytest.mark.parametrize(
    ("search", "options", "message"),
    [
        (None, {}, r"search is None; expected what learner\.lr_find\(\) gives: LearningRateFinder\(learner"),
        (0.01, {}, "search is 0.01"),
        (LearningRateSearch(), {}, "0 steps, and 1 to 2000 can be shown"),
        (LearningRateSearch([1.0] * 3, [1.0] * 2), {}, r"rates of shape \(3,\) and losses of shape \(2,\)"),
        (LearningRateSearch([1.0, 1.0], [1.0, 2.0]), {}, "do not grow"),
        (LearningRateSearch([1.0, 2.0], [1.0, float("nan")]), {}, "not all finite"),
        (LearningRateSearch(["a"], [1.0]), {}, "are not numbers"),
        (made(VALLEY), {"rate": 1.0}, "rate is 1; the search tried 1e-5 to 0.25"),
        (made(VALLEY), {"rate": "high"}, "rate is 'high'; expected a number"),
        (made(VALLEY), {"smoothing": 0.99}, "smoothing is 0.99; expected 0 to 0.98"),
        (made(VALLEY), {"step": 46}, "step is 46; the search has 45 steps"),
        (made(VALLEY), {"skip_start": 3}, "has no skip_start; try rate"),
    ],
)
def test_refusals_say_what_to_do(search, options, message):
    with pytest.raises(WidgetError, match=message):
        LearningRateFinder(search, **options)


def test_what_is_refused_changes_nothing():
    finder = LearningRateFinder(made(VALLEY), rate=0.0032)
    finder.set_state({"rate": 77.0})
    assert "rate is 77; the search tried" in finder.message
    assert finder.rate == 0.0032
    with pytest.raises(WidgetError, match="show another search in a new widget"):
        finder.losses = [1.0]
    assert len(finder.losses) == 45


@pytest.mark.parametrize("search", [SEARCHES[0], SEARCHES[1], SEARCHES[7]], ids=["valley", "one step", "below zero"])
def test_the_picture(search):
    finder = LearningRateFinder(search)
    image = Image.open(io.BytesIO(finder.picture())).convert("RGB")
    for left in (0, image.width - 4):
        assert image.crop((left, 0, left + 4, image.height)).getcolors() == [(4 * image.height, (255, 255, 255))]
    assert min(np.abs(np.subtract(shade, BLUE)).max() for _, shade in image.getcolors(1 << 20)) <= 8


def test_axes_have_the_same_numbers_on_the_screen(run):
    ranges = [(0, 2.65, 5), (0, 0.01, 4), (-3.3, 7.1, 6), (1e-7, 3e-6, 5), (0, 200, 8), (99, 101, 4), (-2e9, 5e9, 3)]
    assert run(BASE / "plot.js", "given.map((range) => it.roundTicks(...range))", ranges) == [round_ticks(*r) for r in ranges]


@pytest.mark.parametrize("search", [SEARCHES[0], SEARCHES[2], SEARCHES[3]], ids=["valley", "few steps", "never falls"])
def test_the_workbook_says_the_same(search, tmp_path):
    finder = LearningRateFinder(search, smoothing=0.5)
    sheet = load_workbook(finder.export(tmp_path / "a.xlsx"), data_only=True)["Search"]
    held = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=10, min_col=3, max_col=6)]
    np.testing.assert_allclose([row[0] for row in held], finder.rates, rtol=1e-12)
    np.testing.assert_allclose([row[3] for row in held], finder.curve, rtol=1e-12)
    answers = [sheet.cell(row, 3).value for row in (5, 6, 7)]
    assert answers == [answer or "cannot be said" for answer in (finder.lowest, finder.steepest, finder.suggested)]
