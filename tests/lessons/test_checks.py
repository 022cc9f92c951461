"""Checks of exercises: full marks for what is right, none for a blank, and for what is wrong a reason of its own."""

import re
from types import SimpleNamespace

import pytest
import torch
from sklearn.metrics import recall_score

from course_utils.errors import CourseError
from course_utils.lessons import check
from course_utils.lessons.checks import marking
from course_utils.training.rate_finder import LearningRateSearch


@pytest.fixture(autouse=True)
def no_tries(monkeypatch):
    monkeypatch.setattr(marking, "_tries", marking.Counter())


def said(capsys, *call):
    """The marks of an answer, and the reason given for them."""
    marks = check(*call)
    return marks, capsys.readouterr().out.splitlines()[0].partition(": ")[2]


def test_what_stops_a_call_is_said():
    with pytest.raises(CourseError, match=r"no exercise '1\.99'; lesson 1 has 1\.1, 1\.2"):
        check("1.99", 1)
    with pytest.raises(CourseError, match="no lesson 9"):
        check("9.1", 1)
    with pytest.raises(CourseError, match=r'as in check\("1\.4", answer\)'):
        check("1.x", 1)
    for number in (1.4, [1], None):
        with pytest.raises(
            CourseError, match=rf"number is {re.escape(str(number))}; expected the exercise in quotes, as in check"
        ):
            check(number, 1)
    with pytest.raises(CourseError, match="2 values; expected: function"):
        check("1.1", 1, 2)


def test_each_try_brings_one_hint_more_and_a_blank_is_no_try(capsys):
    hints, last = [], []
    for answer in (..., max, max, max, max, ...):
        check("1.1", answer)
        said = capsys.readouterr().out
        hints.append(said.count("Hint:"))
        last.append("There are no more hints." in said)
    assert hints == [0, 0, 1, 2, 2, 0]
    assert last == [False, False, False, False, True, False]
    check("1.1", mini_batches)
    assert capsys.readouterr().out == "1.1  Right.\n"
    check("1.1", max)
    assert "Hint:" not in capsys.readouterr().out


def test_marks_are_a_number_to_programs_and_words_in_a_notebook():
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(check("1.1", ...))
    assert shown["text/plain"] == "0.0"
    assert "Marks: 0 of 1" in shown["text/html"]


def test_a_function_that_stops_is_told_by_its_error(capsys):
    marks, reason = said(capsys, "1.1", lambda pictures, size: pictures / 0)
    assert (marks, reason) == (0, "called with 2000, 64, your function stopped with ZeroDivisionError: division by zero")


def test_an_answer_of_a_kind_that_nobody_foresaw_gets_a_sentence(capsys):
    for call in (("1.5", "much", 0.9, 500, "first"), ("2.5", "helps", 3, 4), ("1.7", torch.ones(1, 2), None, "a.jpg")):
        marks, reason = said(capsys, *call)
        assert marks < 1
        assert "could not be looked at (" in reason
    unknown = SimpleNamespace(values=torch.ones(3, 2), targets=None)  # a test set
    assert said(capsys, "1.8", unknown, 0.95)[1].endswith(
        "no values and targets; learner.predict() and learner.tta() give such."
    )


@pytest.mark.parametrize(
    ("reached", "start", "best", "lower", "gone"),
    [
        (0.97, 0.95, 0.99, False, 0.5),
        (0.9, 0.95, 0.99, False, 0),
        (1.0, 0.95, 0.99, False, 1),
        (0.98, 0.992, 0.99, False, 0),  # began beyond what is expected
        (0.991, 0.992, 0.99, False, 1),
        (0.7, 0.9, 0.5, True, 0.5),
        (0.52, 0.45, 0.5, True, 0),
        (float("nan"), 0.9, 0.5, True, 0),
    ],
)
def test_how_much_of_the_way_was_gone(reached, start, best, lower, gone):
    assert marking.of_the_way(reached, start, best, lower) == pytest.approx(gone)


def marked(capsys, number, right, wrong, *more):
    """The right answer, the blank, and wrong ones: each with its marks, and a reason that no other has."""
    assert said(capsys, number, *right, *more) == (1, "")
    assert said(capsys, number, *[...] * len(right), *more)[0] == 0
    found = [said(capsys, number, *answer, *more) for answer in wrong]
    reasons = [reason for _, reason in found]
    assert len(set(reasons)) == len(wrong) >= 3, reasons
    marks = [mark for mark, _ in found]
    assert max(marks) < 1
    return marks


def mini_batches(pictures, size):
    full, rest = divmod(pictures, size)
    return (full + 1, rest) if rest else (full, size)


def test_mini_batches(capsys):
    wrong = [
        lambda n, b: (n // b, b),  # the rest is lost
        lambda n, b: (-(-n // b), n % b),  # a last one of nothing
        lambda n, b: (n // b + 1, n % b or b),  # one too many where all are full
        lambda n, b: n // b,
    ]
    marks = marked(capsys, "1.1", [mini_batches], [[f] for f in wrong])
    assert marks == [0.25, 0.75, 0.75, 0]


def test_reading_the_finder(capsys):
    rates = [10 ** (-5 + 6 * i / 99) for i in range(100)]
    losses = [0.7 - 0.5 / (1 + (3e-3 / rate) ** 2) + 3 * max(0, rate - 0.1) for rate in rates]
    search = LearningRateSearch(rates, losses)
    wrong = [[(1e-2, 1e-2, 1)], [(1e-5, 1e-5, 1)], [(1e-5, 1e-2, 3e-2)], [(1, 2)]]
    marked(capsys, "1.2", [(1e-5, 1e-2, 1)], wrong, search)


def test_same_inputs(capsys):
    def passes(learner, augment=True):
        return ([x for x, _ in learner.loader("train", augment=augment)] for _ in range(2))

    wrong = [
        lambda learner: torch.equal(*(each[0] for each in passes(learner))),  # the first mini-batch alone
        lambda learner: torch.equal(*map(torch.cat, passes(learner, augment=False))),  # the plain pictures
        lambda learner: torch.cat(list(next(passes(learner)))) == 0,
    ]
    right = [lambda learner: torch.equal(*map(torch.cat, passes(learner)))]
    assert marked(capsys, "1.3", right, [[f] for f in wrong]) == [0.6, 0.3, 0]


def test_balanced_accuracy(capsys):
    wrong = [
        lambda counts: counts.trace() / counts.sum(),  # plain accuracy
        lambda counts: (counts.diag() / counts.sum(0).clamp(min=1)).mean(),  # by what was said, not by label
        lambda counts: counts.diag() / counts.sum(1),  # a number for each class
    ]
    marked(capsys, "1.4", [lambda counts: (counts.diag() / counts.sum(1)).mean()], [[f] for f in wrong])
    assert recall_score([0, 0, 1], [0, 1, 1], average="macro") == 0.75  # what it is by another name


def test_which_is_better(capsys):
    assert said(capsys, "1.5", 0.98, 0.95, 500, "first") == (1, "")
    assert said(capsys, "1.5", 0.95, 0.98, 500, "second") == (1, "")
    wrong = [[0.984, 0.98, 500, "first"], [0.98, 0.95, 500, "cannot tell"], [0.98, 0.95, 500, "second"], [98, 95, 500, "first"]]
    marked(capsys, "1.5", [0.984, 0.98, 500, "cannot tell"], wrong)


def test_wrong_labels(capsys):
    from course_utils.data.samples import pets

    wrong = [path.removeprefix("valid/") for path in pets.mislabelled() if path.startswith("valid/")]
    names = [picture.path.removeprefix("valid/") for picture in pets.pictures(pets.SIZES, 0) if picture.split == "valid"]
    data = SimpleNamespace(path=SimpleNamespace(parts=("samples",)), file_names=lambda split: names)
    others = [name for name in names if name not in wrong]
    answers = [[wrong[:3]], [wrong + others[:5]], [["cat.x.jpg"]], [[]], [others[:2]]]
    assert marked(capsys, "1.6", [wrong], answers, data) == [0.75, 0.67, 0, 0, 0]


def test_one_picture(capsys):
    right = torch.tensor([[0.9, 0.1]])
    learner = SimpleNamespace(
        data=SimpleNamespace(classes=["cats", "dogs"]), predict_image=lambda file: SimpleNamespace(probabilities=right[0])
    )
    answers = [[right[0]], [torch.tensor([[2.0, -2.0]])], [torch.tensor([[0.5, 0.5]])], [[0.9, 0.1]]]
    assert marked(capsys, "1.7", [right], answers, learner, "1.jpg") == [0.8, 0.2, 0.5, 0]


def test_improve_it(capsys):
    def predictions(right):
        values = torch.tensor([[1.0, 0.0]]).repeat(100, 1)
        return SimpleNamespace(values=values, targets=torch.tensor([0] * right + [1] * (100 - right)))

    answers = [[predictions(97)], [predictions(94)], [0.99]]
    assert marked(capsys, "1.8", [predictions(99)], answers, 0.95) == [0.5, 0, 0]


# -- lesson 2 ------------------------------------------------------------------------------------------------------------


def test_without_looking(capsys):
    labels = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    data = SimpleNamespace(classes=["a", "b", "c"], targets=lambda split: labels)
    wrong = [[[1 / 3] * 3], [[1.0, 0, 0]], [[5, 3, 2]], [[0.5, 0.5]]]
    assert marked(capsys, "2.1", [torch.tensor([0.5, 0.3, 0.2])], wrong, data)[:3] == [0.3, 0.3, 0]


def test_insured(capsys):
    wrong = [
        lambda p, share: p.clamp(min=share),
        lambda p, share: (1 - share) * p + share,
        lambda p, share: (p + share) / (p + share).sum(1, keepdim=True),  # a share of another size
        lambda p, share: p[0],
    ]
    marked(capsys, "2.2", [lambda p, share: (1 - share) * p + share / p.shape[1]], [[f] for f in wrong])


def test_within_pairs(capsys):
    def share(counts, pairs, both=True, all_of=False):
        hit = sum(counts[i, j] + both * counts[j, i] for i, j in pairs)
        return (hit / (counts.sum() - (0 if all_of else counts.trace()))).item()

    wrong = [lambda c, p: share(c, p, both=False), lambda c, p: share(c, p, all_of=True), lambda c, p: c]
    marked(capsys, "2.3", [share], [[f] for f in wrong])


def test_split_by_owner(capsys):
    import numpy as np

    def by_owner(owners, fraction, seed):
        names = np.random.default_rng(seed).permutation(sorted(set(owners)))
        chosen = set(names[: round(fraction * len(names))])
        return [row for row, owner in enumerate(owners) if owner in chosen]

    wrong = [
        lambda owners, fraction, seed: np.random.default_rng(seed).permutation(len(owners))[: len(owners) // 5],
        lambda owners, fraction, seed: by_owner(owners, 0.5, seed),
        lambda owners, fraction, seed: by_owner(owners, fraction, 0),  # the seed plays no part
    ]
    assert marked(capsys, "2.4", [by_owner], [[f] for f in wrong]) == [0.5, 0.7, 0.8]


def test_does_it_help(capsys):
    def predictions(right):
        return SimpleNamespace(values=torch.stack([right, 1 - right], 1), targets=torch.zeros(len(right), dtype=torch.long))

    noise = torch.linspace(0.3, 0.8, 100)
    same, better = predictions(noise), predictions(noise + 0.1)
    other = predictions(noise.flip(0))
    assert said(capsys, "2.5", "helps", same, better) == (1, "")
    assert said(capsys, "2.5", "hurts", better, same) == (1, "")
    assert said(capsys, "2.5", "cannot tell", same, other) == (1, "")
    marked(capsys, "2.5", ["helps"], [["hurts"], ["cannot tell"], ["yes"]], same, better)


def test_a_picture_less(capsys, tmp_path):
    test = SimpleNamespace(items=["test/abc.jpg"])
    written = tmp_path / "short.csv"
    written.touch()
    assert said(capsys, "2.6", "abc is missing", tmp_path / "none.csv", test) == (1, "")
    wrong = [("abc is missing", written, test), ("wrong", tmp_path / "none.csv", test), (KeyError("abc"), written, test)]
    found = [said(capsys, "2.6", *answer) for answer in wrong]
    assert [mark for mark, _ in found] == [0.6, 0.4, 0]
    assert len({reason for _, reason in found}) == 3


def test_under_a_sheet(capsys):
    from course_utils.data.samples import breeds

    shown = [picture for picture in breeds.pictures(breeds.SIZES) if picture.split == "train"][:200]
    hidden = [row for row, picture in enumerate(shown) if picture.look == "ghost"]
    names = [f"train/{picture.id}.jpg" for picture in shown]
    data = SimpleNamespace(path=SimpleNamespace(parts=("samples",)), file_names=lambda split: names)
    half = hidden[: len(hidden) // 2]
    marks = marked(capsys, "2.7", [hidden], [[half], [range(200)], [[200]], [[]]], data)
    assert 0.6 < marks[0] < 1
    assert 0 < marks[1] < 0.4


def test_improve_the_log_loss(capsys):
    def predictions(right):
        return SimpleNamespace(values=torch.tensor([[right, 1 - right]] * 5), targets=torch.zeros(5, dtype=torch.long))

    marks = marked(capsys, "2.8", [predictions(0.6)], [[predictions(0.5)], [predictions(0.3)], [0.5]], 1.0)
    assert marks == [pytest.approx(0.66, abs=0.01), 0, 0]


# -- lesson 3 ------------------------------------------------------------------------------------------------------------


def test_tags_without_looking(capsys):
    classes = ["clear", "primary", "road", "mine"]
    targets = torch.tensor([[1.0, 1, 0, 0]] * 8 + [[1.0, 1, 1, 0], [0.0, 1, 0, 1]])
    wrong = [[["clear"]], [classes], [["forest"]], [3]]
    marks = marked(capsys, "3.1", [["clear", "primary"]], wrong, targets, classes)
    assert marks[2:] == [0, 0]


def test_a_cross_entropy_that_holds(capsys):
    from torch.nn.functional import binary_cross_entropy_with_logits as right

    def naive(z, y):
        return -(y * z.sigmoid().log() + (1 - y) * (1 - z.sigmoid()).log()).mean()

    wrong = [naive, lambda z, y: 2 * right(z, y), lambda z, y: right(z, y, reduction="none"), lambda z, y: right(y, z)]
    marks = marked(capsys, "3.2", [right], [[f] for f in wrong[:3]])
    assert marks == [0.5, 0, 0]


def test_softmax_at_best(capsys):
    wrong = [lambda n: 0.5, lambda n: 1 / 17, lambda n: str(n)]
    marked(capsys, "3.3", [lambda n: 1 / n], [[f] for f in wrong])


def test_an_honest_gain(capsys):
    from course_utils.training import best_threshold, best_thresholds, f_beta

    def gain(values, targets, chosen=slice(0, None, 2), judged=slice(1, None, 2)):
        one = best_threshold(values[chosen], targets[chosen])[0]
        each = best_thresholds(values[chosen], targets[chosen])
        return f_beta(values[judged], targets[judged], threshold=each) - f_beta(values[judged], targets[judged], threshold=one)

    everything = slice(None)
    wrong = [
        lambda v, t: gain(v, t, everything, everything),  # judged on what it was chosen on
        lambda v, t: -gain(v, t),
        lambda v, t: 0.3,
        lambda v, t: (v, t),
    ]
    assert marked(capsys, "3.4", [gain], [[f] for f in wrong]) == [0.4, 0.6, 0, 0]


def test_two_dogs_at_once(capsys):
    def breeds(task="multi-label", count=40, labels=1, knows=(0, 1, 2, 3)):
        """A learner whose files are the numbers of their breeds; it names those of a pair that it knows."""
        targets = torch.eye(4).repeat(10, 1)[:count]
        targets[0, :labels] = 1
        data = SimpleNamespace(
            paths=lambda split: torch.arange(4).repeat(10)[:count].tolist(),
            targets=lambda split: targets,
            classes=["beagle", "boxer", "corgi", "pug"],
            task=task,
        )

        def predict_image(dogs):
            shown = [dogs] if isinstance(dogs, int) else dogs
            return SimpleNamespace(label=[data.classes[dog] for dog in shown if dog in knows])

        return SimpleNamespace(data=data, predict_image=predict_image)

    def pair(one, other):
        return [one, other]

    some = breeds(knows=(0, 1, 2))  # pairs are 0 and 1, 2 and 3, so it names both in every other one
    wrong = [
        [breeds("single-label"), 10, pair],
        [breeds(count=38), 10, pair],
        [breeds(labels=2), 20, pair],
        [breeds(knows=(3,)), 0, pair],
        [some, 20, pair],
        [some, "half of them", pair],
        [some, 10, "pair"],
        ["corgi", 10, pair],
    ]
    marks = marked(capsys, "3.5", [some, 10, pair], wrong)
    assert marks == [0, 0, 0.8, 0.7, 0.5, 0.5, 0.5, 0]


def test_all_tags_right(capsys):
    wrong = [
        lambda p, t, threshold: ((p > threshold) == (t > 0.5)).float().mean(),  # tag by tag
        lambda p, t, threshold: ((p > 0.5) == (t > 0.5)).all(1).float().mean(),  # its own threshold
        lambda p, t, threshold: ((p > threshold) == (t > 0.5)).all(1),
    ]
    right = [lambda p, t, threshold: ((p > threshold) == (t > 0.5)).all(1).float().mean()]
    assert marked(capsys, "3.6", right, [[f] for f in wrong]) == [0, 0.5, 0]


def test_improve_f2(capsys):
    from course_utils.training import best_threshold

    def predictions(wrong):
        targets = torch.zeros(100, 4)
        targets[:, 0] = 1
        values = targets.clone()
        values[:wrong, 1] = 1  # a tag too many
        return SimpleNamespace(values=values, targets=targets)

    some = predictions(20)
    before = best_threshold(some.values, some.targets)[1]
    marks = marked(capsys, "3.7", [predictions(5)], [[predictions(16)], [some], [0.9]], before)
    assert marks == [pytest.approx(0.43, abs=0.1), 0, 0]


# -- lesson 4 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def days():
    """Rows of two shops over ten weeks, the last of which are held back; promotion doubles the sales."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        [(shop, day % 7 + 1, week % 2) for week in range(10) for day in range(7) for shop in (1, 2)],
        columns=["Store", "DayOfWeek", "Promo"],
    )
    frame["Sales"] = (1000 * frame.Store * (1 + frame.Promo) * rng.uniform(0.8, 1.2, len(frame))).round()
    frame["Customers"] = (frame.Sales / 8).round()
    frame["Rain"] = rng.uniform(0, 9, len(frame))
    return frame, list(range(112, 140))


def test_a_rule_of_thumb(capsys, days):
    frame, valid_idx = days
    held_back, keys = frame.iloc[valid_idx], ["Store", "DayOfWeek", "Promo"]

    def told(rows):
        medians = rows.groupby(keys).Sales.median().rename("guess")
        return held_back.join(medians, on=keys).guess

    learns = frame.drop(frame.index[valid_idx])
    gaps = told(learns).where(held_back.DayOfWeek > 1)
    wrong = [[[learns.Sales.median()] * 28], [told(frame)], [gaps], [[1, 2]]]
    marks = marked(capsys, "4.1", [told(learns)], wrong, frame, valid_idx)
    assert marks == [0.2, 0.2, 0, 0]


def test_the_best_guess(capsys):
    wrong = [
        lambda sales: sum(sales) / len(sales),
        min,
        lambda sales: len(sales) / sum(1 / y for y in sales),
        lambda sales: sales,
    ]
    marked(capsys, "4.2", [lambda sales: sum(1 / y for y in sales) / sum(y**-2 for y in sales)], [[f] for f in wrong])


def test_days_as_numbers(capsys):
    from course_utils.tabular.preprocess import Preprocessor

    def learner(categorical, continuous, *scores):
        preprocessor = Preprocessor(categorical, continuous)
        epochs = [{"rmspe": score} for score in scores]
        return SimpleNamespace(data=SimpleNamespace(preprocessor=preprocessor), recorder=SimpleNamespace(epochs=epochs))

    days = ["DayOfWeek", "Month"]
    lessons = learner(["Store", *days], ["Distance"], 0.139, 0.126, 0.119, 0.115)
    right = learner(["Store"], ["Distance", *days], 0.145, 0.133, 0.124)
    wrong = [
        [lessons, 0.005],
        [learner(["Store", "Month"], ["Distance", "DayOfWeek"], 0.1, 0.1, 0.124), 0.005],
        [learner(["Store"], ["Distance"], 0.1, 0.1, 0.124), 0.005],
        [learner(["Store"], days, 0.1, 0.1, 0.124), 0.005],
        [learner(["Store"], ["Distance", *days], 0.145, 0.133), 0.005],
        [right, -0.005],
        [right, 0.009],  # from the lesson's last epoch
        [0.124, 0.005],
    ]
    marks = marked(capsys, "4.3", [right, 0.005], wrong, lessons)
    assert marks == [0, 0, 0.2, 0.8, 0.6, 0.6, 0.6, 0]


def test_a_row_by_hand(capsys):
    import pandas as pd

    from course_utils.tabular.preprocess import Preprocessor

    learns = pd.DataFrame({"Store": [1, 2, 3, 4], "CompetitionDistance": [100.0, None, 300.0, 800.0]})
    data = SimpleNamespace(preprocessor=Preprocessor(["Store"], ["CompetitionDistance"]).fit(learns))
    row = pd.DataFrame({"Store": [9999], "CompetitionDistance": [None]}, dtype=float)
    filled = learns.CompetitionDistance.fillna(300.0)
    scaled = (300 - filled.mean()) / filled.std(ddof=0)
    wrong = [[(9999, scaled, 1)], [(0, 300, 1)], [(0, scaled, 0)], [(0, scaled)]]
    assert marked(capsys, "4.4", [(0, scaled, 1)], wrong, row, data) == [0.7, 0.6, 0.7, 0]


def test_the_leak(capsys, days):
    frame, _ = days
    test = frame[["Store", "DayOfWeek", "Promo"]]
    wrong = [["Promo"], ["Rain"], ["Sales"], ["Wind"]]
    assert marked(capsys, "4.5", ["Customers"], wrong, frame, test)[1:] == [0.5, 0, 0]


def test_what_a_promotion_brings(capsys):
    import pandas as pd

    learner = SimpleNamespace(predict_rows=lambda rows: SimpleNamespace(values=torch.tensor(4000 + 1000.0 * rows.Promo.values)))
    row = pd.DataFrame({"Store": [1], "Promo": [1]})
    assert marked(capsys, "4.7", [25.1], [[0.25], [1000], [20], ["a lot"]], row, learner) == [0, 0, 0, 0]


def test_improve_the_sales(capsys):
    from course_utils.data.samples import stores

    def predictions(error):
        return SimpleNamespace(values=torch.full((50,), 1 + error), targets=torch.ones(50))

    before = stores.NOISE_FLOOR + 0.01
    answers = [[predictions(before - 0.001)], [predictions(before + 0.01)], [0.1]]
    marks = marked(capsys, "4.6", [predictions(before - 0.003)], answers, before)
    assert marks == [pytest.approx(0.4, abs=0.01), 0, 0]


# -- lesson 0 ------------------------------------------------------------------------------------------------------------


def test_files_counted(capsys, tmp_path):
    for split, count in (("train", 3), ("valid", 2)):
        (tmp_path / split / "cats").mkdir(parents=True)
        for number in range(count):
            (tmp_path / split / "cats" / f"{number}.jpg").touch()
    assert marked(capsys, "0.1", [(3, 2)], [[(3, 3)], [(5, 2)], [5]], tmp_path) == [0.5, 0.5, 0]


def test_a_default(capsys):
    marked(capsys, "0.2", [64], [[32], [4], ["64"]])


def test_the_share_named_rightly(capsys):
    wrong = [
        lambda p, y: (p.argmax(1) == y).sum(),
        lambda p, y: p[torch.arange(len(y)), y].mean(),
        lambda p, y: (p.argmax(0) == y).float().mean(),
    ]
    marked(capsys, "0.3", [lambda p, y: (p.argmax(1) == y).float().mean()], [[f] for f in wrong])
