"""Lesson 4: a rule of thumb, what the score rewards, what the network is given, what leaks, what a promotion brings."""

from collections.abc import Callable, Sequence
from collections.abc import Iterator as Parts
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_utils.data.samples import stores
from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given, of_the_way, one_number, scored
from course_utils.training import rmspe

KEYS = ["Store", "DayOfWeek", "Promo"]


def _numbers(value: Any, count: int | None = None) -> NDArray[np.float64]:
    try:
        found = np.asarray(value, float).ravel()
    except (TypeError, ValueError):
        raise NotYet(f"{given(value)} is not a list of numbers.") from None
    if count is not None and len(found) != count:
        raise NotYet(f"there are {len(found):,} numbers; expected {count:,}.")
    return found


@exercise(
    "4.1",
    "a number for each row of valid_idx: the median of the training days of this shop, this day of the week, promotion or not",
    'train.drop(train.index[valid_idx]) are the training days; groupby(["Store", "DayOfWeek", "Promo"]).Sales.median()',
    "join(medians, on=...) puts a median beside each row that was held back.",
)
def rule_of_thumb(guess: Any, train: pd.DataFrame, valid_idx: Any) -> Parts[Part]:
    """Compared with the score of that rule, learnt on the training rows alone."""
    held_back = train.iloc[valid_idx]
    found = _numbers(guess, len(held_back))
    yield Part(0.2, bool(np.isfinite(found).all()), "there are gaps: what does the rule say where a shop had no such day?")
    found = np.nan_to_num(found, nan=float(train.Sales.median()))
    score = rmspe(found, held_back.Sales.to_numpy())

    def of_rule(rows: pd.DataFrame) -> float:
        medians = rows.groupby(KEYS).Sales.median().rename("guess")
        told = held_back.join(medians, on=KEYS).guess.fillna(rows.Sales.median())
        return float(rmspe(told.to_numpy(), held_back.Sales.to_numpy()))

    honest, peeking = of_rule(train.drop(train.index[valid_idx])), of_rule(train)
    if abs(score - peeking) < abs(score - honest) and score < honest:
        reason = (
            f"RMSPE is {score:.4f}, lower than the rule reaches from the training days: were the days held back among yours?"
        )
    else:
        reason = f"RMSPE is {score:.4f}; the rule reaches another."
    yield Part(0.8, abs(score - honest) < 0.002, reason)


@exercise(
    "4.2",
    "a function of a list of sales, all equally likely, that gives the one guess with the lowest RMSPE",
    "Write down the mean of ((guess - y) / y) squared, and ask where its slope is zero.",
    "Small y weigh more: each counts with 1 / y squared.",
)
def best_guess(function: Callable[[Sequence[float]], Any]) -> Parts[Part]:
    """Compared with trying ten thousand guesses."""
    for marks, sales in ((0.4, [5000.0, 15000.0]), (0.6, [800.0, 3000.0, 3100.0, 9000.0])):
        found = _numbers(called(function, sales), 1)[0]
        y = np.array(sales)
        tried = np.linspace(min(sales), max(sales), 10_001)
        errors = np.sqrt((((tried[:, None] - y) / y) ** 2).mean(1))
        mine = np.sqrt((((found - y) / y) ** 2).mean())
        right = bool(abs(found - tried[errors.argmin()]) < 1e-3 * max(sales))
        yield Part(
            marks, right, f"for {sales} it says {found:,.0f}, with an RMSPE of {mine:.4f}; the lowest is {errors.min():.4f}."
        )


@exercise(
    "4.3",
    "a learner for which DayOfWeek and Month are numbers, trained for three epochs, and its RMSPE minus that of the lesson's",
    "Take both names out of rossmann.CATEGORICAL and put them into rossmann.CONTINUOUS; everything else stays.",
    "Three epochs at the lesson's rate; learner.recorder.epochs[2] holds what the third reached, of either learner.",
)
def days_as_numbers(learner: Any, apart: float, lessons: Any) -> Parts[Part]:
    """The columns are looked at, and the difference after three epochs is compared with what both learners recorded."""
    try:
        mine, theirs = learner.data.preprocessor, lessons.data.preprocessor
        epochs = learner.recorder.epochs
    except AttributeError:
        raise NotYet(f"{given(learner)} is not a learner that tabular_learner made.") from None
    moved = ("DayOfWeek", "Month")
    still = [name for name in moved if name in mine.categorical]
    yield Part(0.2, not still, f"{' and '.join(still)} {'are still categories' if still[1:] else 'is still a category'}.")
    gone = [name for name in moved if name not in mine.continuous]
    yield Part(0.2, not gone, f"{' and '.join(gone)} {'are' if gone[1:] else 'is'} not among the numbers.")
    if still or gone:
        return
    differ = sorted(set(mine.columns) ^ set(theirs.columns))
    yield Part(
        0.2, not differ, f"only one of the two learners has {', '.join(differ)}; everything but the two should stay as it was."
    )
    if len(epochs) < 3:
        raise NotYet(f"the learner was trained for {len(epochs)} epochs; expected three.")
    found, true = one_number(apart), epochs[2]["rmspe"] - lessons.recorder.epochs[2]["rmspe"]
    turned = abs(found + true) < 5e-4 < abs(true)
    said = (
        "the sign is the wrong way round; a network that does worse has the higher RMSPE."
        if turned
        else "the two recorders say otherwise."
    )
    yield Part(0.4, abs(found - true) < 5e-4, f"a difference of {found:.4f} after three epochs: {said}")


@exercise(
    "4.4",
    "three numbers: the code of the shop, the scaled distance, and the flag that says that the distance is missing",
    "A category that never occurred in training gets number 0.",
    "A missing number becomes the median of the training rows, and the flag beside it a 1.",
    "Then the number is scaled like the others: minus their mean, gaps filled, divided by their standard deviation.",
)
def a_row_by_hand(answer: Any, row: pd.DataFrame, data: Any) -> Parts[Part]:
    """Compared with what the data's own preprocessor makes of the row."""
    code, distance, flag = _numbers(answer, 3)
    with redirect_stdout(StringIO()):  # it says that the shop is unknown, which is the answer
        codes, values = data.preprocessor.transform(row)
    names = data.preprocessor.continuous_names
    wanted = values[0, names.index("CompetitionDistance")], values[0, names.index("CompetitionDistance_na")]
    yield Part(0.3, int(code) == codes[0, data.preprocessor.categorical.index("Store")], f"{code:g} is not the shop's code.")
    yield Part(0.4, abs(distance - wanted[0]) < 1e-3, f"{distance:.4g} is not the distance that the network gets.")
    yield Part(0.3, abs(flag - wanted[1]) < 1e-3, f"{flag:.4g} is not the flag that the network gets.")


@exercise(
    "4.5",
    "the name of a column of the table of sales that would make any network better here, and that no network may have",
    "Which columns has train that test has not?",
    "Not the target itself: something that is counted at the same till, on the same day.",
)
def the_leak(column: str, train: pd.DataFrame, test: pd.DataFrame) -> Parts[Part]:
    """What a leak is: known for the past, closely tied to the target, and unknown when a prediction is due."""
    if column not in train.columns:
        raise NotYet(f"{given(column)} is not a column of the table of sales.")
    if column == "Sales":
        raise NotYet("that is what we want to know; the leak is another column.")
    is_open = train[train.Sales > 0]
    values = pd.to_numeric(is_open[column], errors="coerce").astype(float)
    tied = abs(np.corrcoef(np.log1p(values), np.log(is_open.Sales))[0, 1]) if values.notna().all() and values.std() else 0.0
    yield Part(0.5, bool(tied > 0.5), f"the logarithms of {column} and of the sales correlate by {tied:.2f} only.")
    yield Part(0.5, column not in test.columns, f"{column} is known for the days to predict, too: that is not a leak.")


@exercise(
    "4.6",
    "predictions of the validation set, and the RMSPE of the lesson's network",
    "The mean of the predictions of several networks, from other seeds, is better than each of them.",
    "Average the logarithms: the judge counts in per cent.",
)
def improve_it(predictions: Any, before: float) -> Parts[Part]:
    """How much of the way to the noise floor, which the makers of the chain know."""
    reached, floor = scored(rmspe, predictions), stores.NOISE_FLOOR
    gone = of_the_way(reached, before, floor, lower_is_better=True)
    share = 1.0 if gone >= 0.25 else gone / 0.25
    yield Part(
        1.0,
        share,
        f"RMSPE is {reached:.4f}: {gone:.0%} of the way from {before:.4f} to {floor:.4f}; a quarter of it is full marks.",
    )


@exercise(
    "4.7",
    "by how many per cent the prediction for this row rises with a promotion, everything else left as it is",
    "Promo is a number here, 0 or 1: read the prediction with either, on the sheet Predict.",
    "The larger of the two divided by the smaller, minus 1, times 100.",
)
def what_a_promotion_brings(per_cent: Any, row: pd.DataFrame, learner: Any) -> Parts[Part]:
    """Compared with the learner's own predictions of the row with and without a promotion."""
    found = one_number(per_cent)
    without, promoted = learner.predict_rows(pd.concat([row.assign(Promo=0), row.assign(Promo=1)])).values.tolist()
    true = 100 * (promoted / without - 1)
    if abs(found - true / 100) < 0.003 < abs(found - true):
        raise NotYet(f"{found:.3g} is a share; expected per cent.")
    if abs(found - (promoted - without)) < 1:
        raise NotYet(f"{found:,.0f} is a difference in euros; expected per cent of what is sold without a promotion.")
    yield Part(1.0, abs(found - true) < 0.3, f"with a promotion the network predicts another figure than {found:.4g}% more.")
