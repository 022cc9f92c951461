"""Counts and F-beta against scikit-learn; which pictures are shown; and what the widget refuses, says and leaves behind."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import fbeta_score, multilabel_confusion_matrix, precision_score, recall_score

from course_utils import CourseError
from course_utils.training import Predictions
from course_utils.widgets import ThresholdExplorer
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import ORANGE
from course_utils.widgets.base.picture import SCALE
from course_utils.widgets.base.thumbnails import LARGEST, SIDE, thumbnail

TAGS = ["clear", "haze", "primary", "road", "water"]
VIEW = "application/vnd.jupyter.widget-view+json"


def some_predictions(rows=80, tags=TAGS, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.random((rows, len(tags))) < 0.4
    logits = 2 * targets - 1.5 + rng.normal(size=targets.shape)
    values = torch.tensor(1 / (1 + np.exp(-logits)), dtype=torch.float32)
    return Predictions(values, torch.tensor(targets).float(), [f"train/{row}.jpg" for row in range(rows)], tags)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train").mkdir()
    for row in range(80):
        Image.new("RGB", (40, 40), (row, 2 * row, 90)).save(tmp_path / "train" / f"{row}.jpg")
    return tmp_path


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_scores_are_those_of_scikit_learn(folder, threshold, beta):
    predictions = some_predictions()
    explorer = ThresholdExplorer(predictions, folder, beta=beta, threshold=threshold)
    actual, given = predictions.targets.numpy() > 0, predictions.values.numpy() > np.float32(threshold)
    assert explorer.f_beta == pytest.approx(
        fbeta_score(actual, given, beta=beta, average="samples", zero_division=0), abs=1e-12
    )
    matrices = multilabel_confusion_matrix(actual, given)
    np.testing.assert_array_equal(explorer.false_positives, matrices[:, 0, 1])
    np.testing.assert_array_equal(explorer.false_negatives, matrices[:, 1, 0])
    options = {"average": "micro", "zero_division": np.nan}
    assert explorer.precision == pytest.approx(precision_score(actual, given, **options), nan_ok=True)
    assert explorer.recall == pytest.approx(recall_score(actual, given, **options), nan_ok=True)
    explorer.tag = "road"
    column = TAGS.index("road")
    assert explorer.precision == pytest.approx(
        precision_score(actual[:, column], given[:, column], zero_division=np.nan), nan_ok=True
    )
    assert explorer.recall == pytest.approx(
        recall_score(actual[:, column], given[:, column], zero_division=np.nan), nan_ok=True
    )


def test_a_probability_equal_to_the_threshold_is_not_above_it(folder):
    values = torch.full((1, 5), 0.2)  # as a float32 a little more than the double 0.2
    explorer = ThresholdExplorer(Predictions(values, torch.zeros(1, 5), ["train/0.jpg"], TAGS), folder, threshold=0.2)
    assert not explorer.predicted.any()
    explorer.threshold = 0.1999
    assert explorer.predicted.all()


def test_what_travels_to_the_screen(folder):
    predictions = some_predictions()
    explorer = ThresholdExplorer(predictions, folder)
    np.testing.assert_array_equal(np.frombuffer(explorer._probabilities, "<f4"), predictions.values.numpy().ravel())
    np.testing.assert_array_equal(np.frombuffer(explorer._targets, np.uint8), predictions.targets.numpy().ravel())
    for example in explorer._held:
        head, _, data = example["picture"].partition(",")
        assert head == "data:image/jpeg;base64"
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        row = example["row"]
        assert example["item"] == f"train/{row}.jpg"
        np.testing.assert_allclose(image.getpixel((90, 90)), (row, 2 * row, 90), atol=6)


def test_pictures_stay_while_the_threshold_is_near_and_then_change(folder):
    explorer = ThresholdExplorer(some_predictions(), folder, threshold=0.3)
    first = explorer.examples
    assert len(set(first)) == 6
    assert (np.abs(explorer.values[first] - 0.3).min(axis=1) <= 0.05).all()
    explorer.threshold = 0.34
    assert explorer.examples == first
    explorer.threshold = 0.6
    assert explorer.examples != first
    assert (np.abs(explorer.values[explorer.examples] - 0.6).min(axis=1) <= 0.05).all()


def test_moving_the_threshold_sends_no_pictures(folder):
    explorer = ThresholdExplorer(some_predictions(), folder)
    before = explorer.get_state()
    sent = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers))
    for threshold in np.arange(101) / 100:
        explorer.threshold = threshold
    assert {name for name, value in explorer.get_state().items() if value != before[name]} == {"threshold"}
    assert sent == []
    explorer._receive(explorer, {"ask": "pictures", "rows": [7, 79, 80, -1, "7", 5, 6, 8]}, [])
    ((content, buffers),) = sent
    assert content == {"pictures": [[7, "train/7.jpg"], [79, "train/79.jpg"], [5, "train/5.jpg"]]}
    assert [Image.open(io.BytesIO(jpeg)).size for jpeg in buffers] == [(192, 192)] * 3
    assert sum(map(len, buffers)) < 60_000


def test_the_screen_chooses_the_same_pictures(folder, run):
    explorer = ThresholdExplorer(some_predictions(), folder)
    given = {"values": explorer.values.ravel().tolist(), "tags": len(TAGS), "cases": []}
    expected = []
    for threshold, tag in ((0.0, ""), (0.2, ""), (0.3, "road"), (0.7, "water"), (1.0, "clear")):
        explorer.threshold, explorer.tag = threshold, tag
        given["cases"].append([threshold, TAGS.index(tag) if tag else -1])
        expected.append(explorer._near_first(threshold).tolist())
        assert explorer.examples == expected[-1][:6]
    module = BASE.parent / "threshold_explorer" / "numbers.js"
    scores = "{ probabilities: Float32Array.from(given.values), tags: given.tags }"
    rows = f"Array.from({{ length: {len(explorer.values)} }}, (_, row) => row)"
    assert run(module, f"given.cases.map(([at, tag]) => it.nearFirst({scores}, {rows}, at, tag, 0.05))", given) == expected


def test_other_pictures_come_page_after_page(folder):
    explorer = ThresholdExplorer(some_predictions(), folder)
    seen = []
    for page in range(14):  # 80 pictures, six at a time: the last page begins again
        explorer.page = page
        assert len(explorer.examples) == 6
        seen += explorer.examples
    assert sorted(seen[:80]) == list(range(80))
    assert seen[80:] == seen[:4]


def test_pictures_of_one_tag_are_near_in_that_tag(folder):
    explorer = ThresholdExplorer(some_predictions(), folder, tag="water", threshold=0.5)
    distance = np.abs(explorer.values[:, TAGS.index("water")] - 0.5)
    near = set(np.flatnonzero(distance <= 0.05).tolist())
    assert near
    assert set(explorer.examples) <= near or near <= set(explorer.examples)
    rest = [row for row in explorer.examples if row not in near]
    assert rest == np.argsort(distance, kind="stable").tolist()[len(near) : len(near) + len(rest)]


def test_fewer_pictures_than_places(folder):
    explorer = ThresholdExplorer(some_predictions(rows=4), folder)
    assert sorted(explorer.examples) == [0, 1, 2, 3]
    explorer.page = 10**20
    assert sorted(explorer.examples) == [0, 1, 2, 3]


def test_verdicts_most_probable_first(folder):
    values = torch.tensor([[0.3, 0.9, 0.1, 0.15, 0.05]])
    predictions = Predictions(values, torch.tensor([[0, 1, 0, 1, 0]]), ["train/0.jpg"], TAGS)
    explorer = ThresholdExplorer(predictions, folder)
    assert list(explorer.verdicts(0).items()) == [("haze", "right"), ("clear", "wrong"), ("road", "missed")]


def test_one_lost_picture_is_no_reason_to_show_none(folder):
    (folder / "train" / "1.jpg").write_bytes(b"no picture")
    (folder / "train" / "2.jpg").unlink()
    explorer = ThresholdExplorer(some_predictions(rows=4), folder)
    lost = {example["row"] for example in explorer._held if not example["picture"]}
    assert lost == {1, 2}
    assert explorer.picture()[1:4] == b"PNG"


@pytest.mark.parametrize("shape", [(30, 40), (900, 300), (1500, 1400)])
def test_thumbnails_are_small_and_whole(tmp_path, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)  # what JPEG is worst at
    Image.fromarray(noise).save(tmp_path / "noise.png")
    jpeg = thumbnail(tmp_path / "noise.png")
    assert len(jpeg) <= LARGEST
    image = Image.open(io.BytesIO(jpeg))
    assert max(image.size) == SIDE
    assert image.height / image.width == pytest.approx(shape[0] / shape[1], rel=0.03)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"targets": None}, {}, "test set"),
        ({"targets": torch.zeros(80, dtype=torch.long)}, {}, r"\(80, 5\).*\(80,\).*task='multi-label'"),
        ({"values": torch.rand(80), "targets": torch.rand(80)}, {}, r"\(pictures, tags\)"),
        ({"values": torch.rand(0, 5), "targets": torch.rand(0, 5)}, {}, r"\(0, 5\)"),
        ({"values": torch.randn(80, 5)}, {}, "logits"),
        ({"values": torch.full((80, 5), float("nan"))}, {}, "nan"),
        ({"targets": torch.full((80, 5), 0.5)}, {}, "0 and 1"),
        ({"items": ["a.jpg"]}, {}, "1 items and 80 rows"),
        ({"items": ["../secret.jpg"] * 80}, {}, "leads out"),
        ({"items": ["/etc/secret.jpg"] * 80}, {}, "leads out"),
        ({"items": ["elsewhere/a.jpg"] * 80}, {}, "does not exist"),
        ({"classes": None}, {}, "5 tags; give classes"),
        ({}, {"classes": ["a", "b"]}, "each of the 5 tags"),
        ({}, {"classes": ["a", "b", "c", "d", "d"]}, "name of its own"),
        ({}, {"threshold": 1.1}, "0 to 1"),
        ({}, {"threshold": float("nan")}, "0 to 1"),
        ({}, {"tag": "river"}, "'river'.*clear, haze"),
        ({}, {"beta": 0.0}, "above 0"),
        ({}, {"page": -1}, "from 0"),
        ({}, {"folder": "no such folder"}, "no folder"),
        ({}, {"treshold": 0.2}, "no treshold"),
    ],
)
def test_refusals_say_what_to_do(folder, change, options, message):
    made = some_predictions()
    parts = {name: getattr(made, name) for name in ("values", "targets", "items", "classes")} | change
    with pytest.raises(CourseError, match=re.compile(message, re.DOTALL)):
        ThresholdExplorer(Predictions(**parts), **({"folder": folder} | options))


def test_more_than_can_be_shown(folder):
    predictions = Predictions(torch.zeros(1001, 1000), torch.zeros(1001, 1000), ["train/0.jpg"] * 1001, None)
    with pytest.raises(CourseError, match=r"1,001 × 1,000.*1,000,000"):
        ThresholdExplorer(predictions, folder)


def test_what_is_refused_changes_nothing(folder):
    explorer = ThresholdExplorer(some_predictions(), folder)
    shown = explorer.examples
    for name, value in (("threshold", 2.0), ("tag", "river"), ("beta", -1.0), ("page", -1), ("classes", ["a"])):
        with pytest.raises(CourseError):
            setattr(explorer, name, value)
    explorer.set_state({"threshold": 7.0})  # from the screen: refused in words
    assert "threshold is 7" in explorer.message
    assert (explorer.threshold, explorer.tag, explorer.beta, explorer.page) == (0.2, "", 2.0, 0)
    assert (explorer.classes, explorer.examples) == (TAGS, shown)
    with pytest.raises(CourseError, match="submission"):
        explorer.export()


def test_other_names_for_the_tags(folder):
    explorer = ThresholdExplorer(some_predictions(), folder, tag="road")
    explorer.classes = ["a", "b", "c", "road", "e"]
    assert explorer.tag == "road"
    explorer.classes = ["a", "b", "c", "d", "e"]
    assert explorer.tag == ""
    assert "For" not in explorer.describe()


def test_words(folder):
    values = torch.tensor([[0.9, 0.3, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.1]])
    targets = torch.tensor([[1.0, 0, 0, 0, 0], [0, 0, 0, 0, 1.0]])
    explorer = ThresholdExplorer(Predictions(values, targets, ["train/0.jpg", "train/1.jpg"], TAGS), folder)
    assert explorer.describe() == (
        "Threshold 0.20: F2 is 0.417 on 2 pictures, with 1 wrong tag (false positives) and 1 missed (false negatives). "
        "Precision 0.500, recall 0.500."
    )
    explorer.tag, explorer.threshold = "water", 0.205
    assert explorer.describe() == (
        "Threshold 0.205: F2 is 0.417 on 2 pictures, with 1 wrong tag (false positives) and 1 missed (false negatives); of "
        "these 0 and 1 for water. For water: precision undefined, recall 0.000."
    )


def test_a_picture_stays_behind(folder):
    explorer = ThresholdExplorer(some_predictions(), folder)
    data, metadata = explorer._repr_mimebundle_()
    assert data[VIEW]["model_id"] == explorer.model_id
    assert metadata["image/png"]["alt"] == explorer.describe()
    assert explorer._picture_mark in data["image/png"]
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
    assert image.size == (metadata["image/png"]["width"] * SCALE, metadata["image/png"]["height"] * SCALE)
    assert ORANGE in {colour for _, colour in image.getcolors(1 << 20)}
    explorer.threshold = 0.21
    assert explorer.picture() != base64.b64decode(data["image/png"])


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("count", [1, 60])
def test_nothing_in_the_picture_touches_the_edge(folder, threshold, count):
    names = [f"a rather long name of a tag {number}" for number in range(count)]
    image = Image.open(io.BytesIO(ThresholdExplorer(some_predictions(tags=names), folder, threshold=threshold).picture()))
    image = image.convert("RGB")
    for left in (0, image.width - 4):
        assert image.crop((left, 0, left + 4, image.height)).getcolors() == [(4 * image.height, (255, 255, 255))]
