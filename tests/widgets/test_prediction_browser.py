"""What a PredictionBrowser sorts and counts, against scikit-learn, PyTorch and the figures of the same predictions."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix

from course_utils.training import Predictions
from course_utils.vision import Results
from course_utils.widgets import PredictionBrowser, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE, ORANGE

NUMBERS = BASE.parent / "prediction_browser" / "numbers.js"
NAMES = ["cat", "dog", "fox"]
READ = """((view) => it.readSet(view(new Float32Array(given.top)), view(new Uint16Array(given.predicted)),
    view(new Uint16Array(given.actual))))((array) => new DataView(array.buffer))"""


class Drawn:
    """Pictures in memory, of which one cannot be read."""

    def picture(self, item):
        number = int(item.split()[1])
        return "no such file.jpg" if number == 1 else Image.new("RGB", (60, 40), (number % 250, 90, 60))


def some_predictions(pictures=60, kinds=3, seed=0, **change):
    """With many ties, as probabilities of a tenth have."""
    rng = np.random.default_rng(seed)
    tenths = rng.multinomial(10, np.full(kinds, 1 / kinds), pictures)
    parts = {"values": torch.tensor(tenths / 10).float(), "targets": torch.tensor(rng.integers(0, kinds, pictures))}
    names = NAMES if kinds == 3 else [f"kind {number}" for number in range(kinds)]
    parts |= {"items": [f"picture {row}" for row in range(pictures)], "classes": names}
    return Predictions(**{**parts, **change})


def test_rows_are_those_of_the_figures(tmp_path):
    predictions = some_predictions()
    results, browser = Results(tmp_path, predictions), PredictionBrowser(predictions, Drawn())
    assert browser.rows == results.most_wrong_rows(60)
    assert browser.row == results.most_wrong_rows(1)[0]
    browser.actual = "dog"
    assert browser.rows == results.most_wrong_rows(60, of="dog")
    browser.order = "most unsure"
    assert browser.rows == results.most_unsure_rows(60, of="dog")
    browser.order, browser.predicted = "most sure", "dog"
    assert browser.rows == results.most_right_rows(60, of="dog")
    expected = confusion_matrix(predictions.targets, predictions.values.argmax(1), labels=range(3))
    assert browser.confusion_matrix.tolist() == expected.tolist()
    assert browser.accuracy == pytest.approx(results.accuracy)


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_the_screen_sorts_and_counts_the_same(run, classes):
    browser = PredictionBrowser(some_predictions(kinds=classes, seed=classes), Drawn())
    orders = ("most wrong", "most sure", "most unsure")
    cases = [(order, label, guess) for order in orders for label in (-1, 0, 1) for guess in (-1, 1)]
    name = lambda at: "" if at < 0 else browser.classes[at]  # noqa: E731
    expected = []
    for order, label, guess in cases:
        browser.order, browser.actual, browser.predicted = order, name(label), name(guess)
        expected.append(browser.rows)
    given = {"top": browser.top.tolist(), "predicted": browser.guesses.tolist(), "actual": browser.targets.tolist()}
    said = run(
        NUMBERS,
        f"((all) => [given.cases.map((one) => it.rowsOf(all, ...one)), it.confusion(all, {classes}), "
        f"it.rightOf(it.confusion(all, {classes})), it.mistakes(it.confusion(all, {classes}), 5)])({READ})",
        given | {"cases": cases},
    )
    counts = browser.confusion_matrix
    assert said[:3] == [expected, counts.tolist(), int(np.trace(counts))]
    np.fill_diagonal(counts, 0)
    assert [one["count"] for one in said[3]] == sorted((c for c in counts.ravel().tolist() if c), reverse=True)[:5]
    assert all(counts[one["label"], one["guess"]] == one["count"] for one in said[3])


def test_of_2000_pictures_only_those_near_are_elements(run):
    at = {"scrolled": 5000, "height": 400, "tile": 100, "across": 4, "count": 2000}
    assert run(NUMBERS, "given.map(it.seen)", [at, at | {"scrolled": 0}, at | {"count": 3}, at | {"scrolled": 49_800}]) == [
        [184, 232], [0, 32], [3, 3], [1976, 2000]
    ]  # fmt: skip


def test_words():
    values = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    browser = PredictionBrowser(Predictions(values, torch.tensor([0, 0, 1]), ["a 0", "a 2", "a 3"], ["cat", "dog"]), Drawn())
    start = "2 of 3 pictures are right (66.7%)."
    assert browser.describe() == (
        f"{start} Shown: 1 (wrong, the surest first). Number 1: the network says dog (0.600), its label says cat."
    )
    browser.order, browser.predicted, browser.place = "most unsure", "dog", 1
    assert browser.describe() == (
        f"{start} Shown: 2 predicted dog (all, the least sure first). "
        "Number 2: the network says dog (0.800), and so does its label."
    )
    browser.order, browser.actual = "most wrong", "dog"
    assert browser.describe() == f"{start} Of those labelled dog and predicted dog none is wrong."
    assert (browser.row, browser.place) == (None, 0)
    assert browser.picture()[1:4] == b"PNG"


def test_all_probabilities_of_few_classes_and_the_label_of_many():
    few, many = (PredictionBrowser(some_predictions(kinds=classes), Drawn()) for classes in (3, 40))
    assert sorted(few.probabilities(0)) == [(at, float(few.values[0, at])) for at in range(3)]
    for row in range(20):
        told = many.probabilities(row)
        assert len(told) == 10
        assert int(many.targets[row]) in dict(told)
        assert told[0] == (many.guesses[row], many.top[row])


def test_the_screen_is_sent_what_it_asks_for():
    browser, sent = PredictionBrowser(some_predictions(), Drawn()), []
    browser.send = lambda content, buffers: sent.append((content, buffers))
    browser._receive(browser, {"ask": "pictures", "rows": [5, 1, 60, -1, "x"]}, [])
    browser._receive(browser, {"ask": "pictures", "rows": [5], "large": True}, [])
    (content, pictures), (again, large) = sent
    assert [(one["row"], one["item"]) for one in content["pictures"]] == [(5, "picture 5"), (1, "picture 1")]
    assert content["pictures"][0]["probabilities"] == browser.probabilities(5)
    assert pictures[1] == b""  # it cannot be read
    assert (content["large"], again["large"]) == (False, True)
    small, big = (Image.open(io.BytesIO(jpeg)) for jpeg in (pictures[0], large[0]))
    assert small.size[0] / small.size[1] == pytest.approx(1.5, rel=0.03)
    assert big.size[0] >= small.size[0]


def test_a_page_holds_no_more_than_it_has_room_for(monkeypatch):
    browser = PredictionBrowser(some_predictions(), Drawn())
    held = browser._page_state()["_held"]
    assert sorted(one["row"] for one in held) == list(range(60))
    monkeypatch.setattr("course_utils.widgets.prediction_browser.widget.PAGE_PICTURES", 12_000)
    assert 0 < len(browser._page_state()["_held"]) < 60
    monkeypatch.setattr("course_utils.widgets.prediction_browser.widget.MOST_IN_PAGE", 59)
    with pytest.raises(WidgetError, match=r"up to 59 predictions, and these are 60"):
        browser.html()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"targets": None}, {}, "no targets"),
        ({"targets": torch.zeros(60, 3)}, {}, r"\(60, 3\).*ThresholdExplorer"),
        ({"values": torch.rand(0, 3), "targets": torch.zeros(0)}, {}, r"\(0, 3\)"),
        ({"values": torch.randn(60, 3)}, {}, "not logits"),
        ({"values": torch.full((60, 3), float("nan"))}, {}, "between nan"),
        ({"targets": torch.full((60,), 3)}, {}, "run from 3 to 3; expected the numbers of classes, 0 to 2"),
        ({"targets": torch.full((60,), 0.5)}, {}, "the numbers of classes"),
        ({"items": ["a 1"]}, {}, "1 items and 60 rows"),
        ({"classes": None}, {}, "3 classes; give classes=data.classes"),
        ({"classes": ["a", "a", "b"]}, {}, "a name of its own"),
        ({}, {"order": "worst"}, "order is 'worst'"),
        ({}, {"actual": "wolf"}, "no class is called that; there are: cat, dog, fox"),
        ({}, {"place": 60}, "place is 60; there are 60 pictures, so it is 0 to 59"),
        ({}, {"colour": 1}, "has no colour"),
    ],
)
def test_refusals_say_what_to_do(change, options, message):
    with pytest.raises(WidgetError, match=message):
        PredictionBrowser(some_predictions(**change), Drawn(), **options)


def test_more_refusals(tmp_path):
    with pytest.raises(WidgetError, match=r"expected what learner\.predict"):
        PredictionBrowser([1, 2], Drawn())
    with pytest.raises(WidgetError, match="picture 0 does not exist"):
        PredictionBrowser(some_predictions(), tmp_path)
    browser = PredictionBrowser(some_predictions(), Drawn(), order="most sure", place=2)
    assert browser.row == browser.rows[2]
    browser.set_state({"actual": "wolf"})
    assert "no class is called that" in browser.message
    assert (browser.actual, browser.place) == ("", 2)
    with pytest.raises(WidgetError, match="kaggle"):
        browser.export("a.xlsx")


@pytest.mark.parametrize("classes", [3, 40])
def test_the_picture_tells_right_from_wrong(classes):
    browser = PredictionBrowser(some_predictions(kinds=classes, pictures=200), Drawn())
    seen = {}
    for order in ("most wrong", "most sure"):
        browser.order = order
        pixels = np.asarray(Image.open(io.BytesIO(browser.picture())).convert("RGB")).astype(int)
        below = pixels[-400:]  # the pictures with their frames
        seen[order] = [(np.abs(below - shade).max(axis=2) < 12).sum() > 1000 for shade in (BLUE, ORANGE)]
    assert seen["most wrong"] == [False, True]
    right = (browser.guesses == browser.targets)[browser.rows[:6]]
    assert seen["most sure"] == [right.any(), (~right).any()]
