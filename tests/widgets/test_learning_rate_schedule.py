"""Schedules against a real fit and PyTorch's own schedulers, the two valleys against autograd, and what is said of them."""

import re

import numpy as np
import pytest
import torch
from openpyxl import load_workbook
from torch import nn

from course_utils import CourseError
from course_utils.training import Data, Learner, set_seed
from course_utils.widgets import LearningRateSchedule, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE, ORANGE
from course_utils.widgets.learning_rate_schedule import valleys
from tests.widgets.png import open_png

NUMBERS = BASE.parent / "learning_rate_schedule" / "numbers.js"
FITS = [
    {"lr": 0.01, "cycles": 3, "cycle_len": None},
    {"lr": [0.01 / 9, 0.01 / 3, 0.01], "cycles": 3, "cycle_len": 1, "cycle_mult": 2},
    {"lr": [0.1, 0.2], "cycles": 2, "cycle_len": 3, "cycle_mult": 1},
    {"lr": 1e-6, "cycles": 1, "cycle_len": 1},
    {"lr": [0.03, 0.03], "cycles": 4, "kind": "one cycle"},
    {"lr": 10.0, "cycles": 2, "cycle_len": 2, "cycle_mult": 3, "seed": 5},
]


def learner(groups):
    """One that has 20 mini-batches in an epoch."""
    set_seed(0)
    x = torch.randn(40, 2)
    data = Data.from_tensors(train=(x, x[:, :1]), valid=(x[:2], x[:2, :1]), batch_size=2)
    layers = [nn.Linear(2, 2) for _ in range(groups - 1)] + [nn.Linear(2, 1)]
    return Learner(data, nn.Sequential(*layers), layer_groups=layers, progress=False, callbacks=(), clip=1e-3)


@pytest.mark.parametrize("options", FITS)
def test_the_curve_is_what_a_fit_records(options):
    widget = LearningRateSchedule(**options)
    fitted = learner(len(widget.rates))
    widget.fit(fitted, weight_decay=0.0)
    np.testing.assert_allclose(widget.curve, fitted.recorder.rates, rtol=1e-12)
    assert widget.steps == len(fitted.recorder.rates) == 20 * widget.epochs
    typed = learner(len(widget.rates))
    exec(widget.code, {"learner": typed})
    np.testing.assert_allclose(typed.recorder.rates, fitted.recorder.rates, rtol=1e-10)


def test_restarts_are_pytorchs():
    widget = LearningRateSchedule(0.5, 3, cycle_len=2, cycle_mult=2)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    for step in range(widget.steps):
        theirs.step(step / 20)
        assert widget.curve[step, 0] == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_the_weight_is_moved_by_pytorchs_sgd(seed):
    widget = LearningRateSchedule(0.004, 2, cycle_len=2, seed=seed)
    weight = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    state = (seed * 2654435761 + 12345) % 2**32
    for _ in range(3):
        state = (1664525 * state + 1013904223) % 2**32
    assert widget.weights[0] == valleys.START
    for rate, before, after in zip(widget.curve[:, 0], widget.weights, widget.weights[1:], strict=False):
        weight.data.fill_(before)
        state = (1664525 * state + 1013904223) % 2**32
        narrow, wide = (1 / (1 + ((weight - at) / width) ** 2) for at, width in ((3, 0.4), (7, 1.4)))
        mini_batch = 0.02 * (weight - 5) ** 2 + 1.25 - narrow - wide + weight * (state / 2**31 - 1)
        optimizer.param_groups[0]["lr"] = 100 * rate
        optimizer.zero_grad()
        mini_batch.backward()
        optimizer.step()
        assert after == pytest.approx(weight.item(), abs=1e-9)


def test_the_screen_computes_the_same_to_the_last_step(run):
    widgets = [LearningRateSchedule(**options) for options in FITS]
    given = [
        [w.kind, w.cycles, w.cycle_len, w.cycle_mult, w.rates.tolist(), w.seed, [float(e) for e in np.linspace(0, w.epochs, 9)]]
        for w in widgets
    ]
    screens = run(NUMBERS, """given.map(([kind, cycles, length, times, rates, seed, places]) => {
        const all = it.lengths(kind, cycles, length, times);
        const shares = it.multiples(kind, all);
        const sizes = it.stepSizes(shares.map((share) => share * rates.at(-1)));
        return { all, shares, weights: it.walkDown(sizes, seed), ends: it.ends(sizes, 100),
            at: places.map((place) => it.multiple(kind, it.placeIn(all, place).position)),
            momenta: places.map((place) => it.momentum(kind, it.placeIn(all, place).position)) };
    })""", given)  # fmt: skip
    for widget, screen, case in zip(widgets, screens, given, strict=True):
        schedule = widget.schedule
        assert screen["all"] == list(schedule.cycle_lengths)
        np.testing.assert_allclose(screen["shares"], widget.curve[:, -1] / widget.rates[-1], rtol=1e-12, atol=1e-16)
        np.testing.assert_array_equal(screen["weights"], widget.weights)  # sums and products alone: to the last bit
        np.testing.assert_array_equal(screen["ends"], widget.ends)
        np.testing.assert_allclose(screen["at"], [schedule.rate(schedule.position(e)) for e in case[-1]], atol=1e-14)
        momentum = schedule.momentum or (lambda position: 0.9)
        np.testing.assert_allclose(screen["momenta"], [momentum(schedule.position(e)) for e in case[-1]], rtol=1e-12)


def test_what_the_lesson_tells_is_so():
    """A low rate stays in the narrow valley; restarts and one long cycle leave it; a constant rate never comes to rest."""
    restarts, low = LearningRateSchedule(0.01), LearningRateSchedule(0.002)
    constant, one = LearningRateSchedule(0.01, 7, cycle_len=None), LearningRateSchedule(0.01, 7, kind="one cycle")
    assert low.end_in_wide < 10 < 80 < min(restarts.end_in_wide, one.end_in_wide)
    assert low.mean_validation_loss > constant.mean_validation_loss > restarts.mean_validation_loss + 0.05
    opening = LearningRateSchedule()
    assert opening.step == 20
    assert valleys.place(opening.weights[20]) == "in the narrow valley"
    assert valleys.place(opening.weights[-1]) == "in the wide valley"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"^Cycle 1 of 3 is over, and the rate jumps back to 0\.01\. .* in the narrow valley: .* After 7 epochs it is"),
        ({"step": 0}, r"^Before the first of 140 steps: the rate is 0\.01\. .* on the slope"),
        ({"step": 33}, r"^Cycle 2 of 3, step 33 of 140: the rate is 0\.0076\."),
        ({"step": 140}, r"^The fit is over\. .* in the wide valley: "),
        ({"cycles": 1, "cycle_len": None, "step": 5}, r"^Step 5 of 20: the rate is 0\.01\. .* After 1 epoch it is"),
        ({"kind": "one cycle", "step": 6}, r"^Step 6 of 60: the rate is 0\.0028\."),
    ],
)
def test_words(options, words):
    assert re.search(words, LearningRateSchedule(**options).describe())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": "fast"}, "lr is 'fast'; expected a learning rate"),
        ({"lr": 0}, "above 0"),
        ({"lr": [0.1, -0.1]}, "-0.1; expected numbers above 0"),
        ({"lr": 11}, "at most 10"),
        ({"lr": float("nan")}, "nan"),
        ({"lr": [0.1] * 7}, "7 learning rates"),
        ({"cycles": 0}, "cycles is 0; expected a whole number from 1"),
        ({"cycles": 2.5}, "cycles is 2.5; expected a whole number"),
        ({"cycles": 201, "cycle_len": None}, "201 epochs or more, and at most 200"),
        ({"cycles": 10**9, "cycle_mult": 10**9}, "at most 200 can be shown"),
        ({"step": 141}, "step is 141; this fit has 140 steps"),
        ({"kind": "cosine"}, "kind is 'cosine'"),
        ({"seed": -1}, "seed is -1"),
        ({"delay": 5}, "at least 20"),
        ({"warm_up": 3}, "has no warm_up; try kind"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(WidgetError, match=message):
        LearningRateSchedule(**options)


def test_what_is_refused_changes_nothing_and_a_shorter_fit_is_seen_to_its_end():
    widget = LearningRateSchedule(step=140)
    with pytest.raises(WidgetError, match="200"):
        widget.cycle_mult = 20
    widget.set_state({"cycles": 9})
    assert "511 epochs" in widget.message or "255 epochs" in widget.message
    assert (widget.cycles, widget.cycle_mult, widget.step) == (3, 2, 140)
    widget.set_state({"cycles": 2, "step": 60})
    assert (widget.epochs, widget.step) == (3, 60)
    widget.cycles = 1
    assert widget.step == 20


def test_a_fit_that_does_not_belong_to_the_learner():
    with pytest.raises(WidgetError, match="expected a Learner"):
        LearningRateSchedule().fit(nn.Linear(1, 1))
    with pytest.raises(CourseError, match="3 learning rates were given for 2 layer groups"):
        LearningRateSchedule().fit(learner(2))


@pytest.mark.parametrize(
    "options",
    [FITS[0], FITS[1], {"lr": [1e-6, 10.0], "log_scale": True, "cycles": 50, "cycle_mult": 1}],
    ids=["one", "three", "log"],
)
def test_the_picture(options):
    image = open_png(LearningRateSchedule(**options).picture())
    for left in (0, image.width - 4):
        assert image.crop((left, 0, left + 4, image.height)).getcolors() == [(4 * image.height, (255, 255, 255))]
    shades = {shade for _, shade in image.getcolors(1 << 20)}
    for full in (BLUE, ORANGE):
        assert min(np.abs(np.subtract(shade, full)).max() for shade in shades) <= 8


def test_the_picture_follows_the_fit():
    """The ball is drawn where the weight is: as far right as it has come."""
    left = []
    for step in (20, 140):
        widget = LearningRateSchedule(step=step)
        image = np.asarray(open_png(widget.picture())).astype(int)[:, 1020:]  # the right panel
        ball = np.abs(image - BLUE).max(axis=2) < 24
        columns = np.flatnonzero(ball.sum(axis=0) >= 20)
        left.append((columns.mean(), widget.weights[step]))
    (first, before), (last, after) = left
    assert last - first == pytest.approx(2 * 420 / 10 * (after - before), abs=6)


@pytest.mark.parametrize("options", FITS[:2] + FITS[4:5], ids=["constant", "restarts", "one cycle"])
def test_the_workbook_holds_the_curve(options, tmp_path):
    widget = LearningRateSchedule(**options)
    sheet = load_workbook(widget.export(tmp_path / "a.xlsx"), data_only=True)["Schedule"]
    groups = len(widget.rates)
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_col=7, max_col=6 + groups)]
    np.testing.assert_allclose(rows[-widget.steps :], widget.curve, rtol=1e-12)
    formulas = load_workbook(tmp_path / "a.xlsx")["Schedule"]
    assert str(formulas.cell(formulas.max_row, 7).value).startswith("=")
