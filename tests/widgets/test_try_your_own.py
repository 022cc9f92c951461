"""TryYourOwn: what it shows of a picture against the learner's own answer, and what it says to a page that sends one."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import load_predictor
from course_utils.errors import CourseError
from course_utils.vision import ImageData, ImagePredictor, image_learner, occlusion_map, transforms_for
from course_utils.widgets import TryYourOwn, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.try_your_own import widget as module
from tests.vision.test_occlusion import Corner, white

NUMBERS = BASE.parent / "try_your_own" / "numbers.js"
SIZE = 40


def predictor(task="single-label", threshold=0.2):
    network = Corner()
    with torch.no_grad():
        network.weight.fill_(1.5)
    return ImagePredictor(network, ["bright", "dark"], task, transforms_for(None, SIZE), threshold, device="cpu")


@pytest.fixture
def corner():
    """A network that looks at the lower left corner of what it sees."""
    return TryYourOwn(predictor())


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def send(widget, data, name="mine.png", number=7):
    """What the page hears after it has sent a picture."""
    heard = []
    widget.send = lambda content, buffers=None: heard.append(content)
    widget._receive(widget, {"ask": "picture", "name": name, "number": number}, [data])
    return heard


def test_a_picture_of_the_page_is_looked_at(corner, run):
    assert corner.describe().startswith("No picture has been given yet")
    heard = send(corner, memoryview(png(white())))
    assert heard[-1] == {"answered": 7}
    assert [one["looking"] for one in heard[:-1]] == [7] * 6
    assert (heard[0]["done"], heard[-2]["done"], heard[0]["total"]) == (16, 81, 81)
    expected = occlusion_map(corner._learner, png(white()))
    np.testing.assert_array_equal(corner.probabilities, expected.probabilities.double())
    assert (corner.name, corner.chosen, corner.place) == ("mine.png", "bright", (-1, -1))
    np.testing.assert_allclose(corner.drop, expected.drop("bright"), atol=1e-7)
    np.testing.assert_allclose(corner.heat, expected.heat("bright"), atol=1e-6)
    bright, dark, least = *corner.probabilities, expected.covered[8, 0, 0]
    assert corner.describe() == (
        f"mine.png: the network says bright ({bright:.3f}), then dark ({dark:.3f}). A grey square at the lower left takes the "
        f"most of bright away: {least:.3f} is left."
    )
    corner.place = (0, 8)
    assert corner.describe().endswith(f"With the square in row 1, column 9 it is {bright:.3f}.")
    given = {"covered": corner.covered.ravel().tolist(), "whole": float(bright), "starts": corner._starts}
    parts = f"[drop, Array.from(it.spread(drop, given.starts, {corner._side}, {SIZE})), it.largestAt(drop)]"
    screen = run(NUMBERS, f"((drop) => {parts})(it.drops(given.covered, 2, 0, given.whole))", given)
    np.testing.assert_allclose(screen[0], corner.drop.ravel(), rtol=0, atol=1e-15)
    np.testing.assert_allclose(screen[1], corner.heat.ravel(), rtol=1e-12, atol=1e-15)
    assert screen[2] == 8 * 9
    corner.chosen = "dark"
    assert corner.heat.min() < -0.02
    assert corner.describe().endswith(
        f"No grey square takes 0.005 of dark away. With the square in row 1, column 9 it is {dark:.3f}."
    )


def test_where_a_square_is(run):
    places = [(row, column) for row in range(9) for column in range(9)]
    texts = [module._where(*place, 9) for place in places]
    assert texts == run(NUMBERS, "given.map(([row, column]) => it.where(row, column, 9))", places)
    assert [texts[at] for at in (0, 4, 40, 44, 80)] == [
        "at the upper left", "at the top", "in the middle", "at the right", "at the lower right",
    ]  # fmt: skip


@pytest.mark.parametrize("export", [False, True])
def test_a_learner_and_its_predictor_are_asked_as_they_are(tmp_path, export):
    pixels, labels = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8), [0, 1] * 4
    data = ImageData.from_arrays((pixels, labels), (pixels, labels), transforms_for(None, 32), classes=["cat", "dog"])
    learner = image_learner(data, "resnet18", pretrained=False, path=tmp_path)
    picture = tmp_path / "mine.png"
    picture.write_bytes(png(pixels[0]))
    expected = learner.predict_image(picture)
    asked = load_predictor(learner.export(tmp_path / "a.course"), device="cpu") if export else learner
    widget = TryYourOwn(asked)
    said = widget.look(picture)
    assert said.label == expected.label
    np.testing.assert_allclose(widget.probabilities, expected.probabilities.double(), atol=1e-6)
    assert widget.name == picture.name
    assert widget.occlusion.covered.shape == (9, 9, 2)
    with torch.no_grad():
        list(asked.model.parameters())[-1].add_(torch.tensor([50.0, -50.0]))  # the bias of the last layer
    assert widget.look(picture).label == "cat"


def test_several_tags():
    one = predictor("multi-label", threshold=[0.3, 0.6])
    widget = TryYourOwn(one)
    widget.look(white())
    bright = f"bright ({widget.probabilities[0]:.3f})"
    assert widget.describe().startswith(f"the picture: above its threshold is {bright}.")
    assert TryYourOwn(one, threshold=0.4).thresholds.tolist() == [0.4, 0.4]
    widget = TryYourOwn(one, threshold=0.4)
    widget.look(white())
    assert widget.describe().startswith(f"the picture: above their thresholds are {bright} and dark (0.500).")
    widget.look(np.zeros((60, 60, 3), np.uint8))  # dark is 0.5 whatever it sees
    assert widget.describe().startswith("the picture: above its threshold is dark (0.500).")
    widget = TryYourOwn(one, threshold=1)
    widget.look(white())
    assert widget.describe().startswith(f"the picture: no tag is above its threshold; the most probable is {bright}.")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no picture", "the picture, 10 bytes of a file, .*"),
        (png(white())[:90], "the picture, 90 bytes of a file, .*"),
        (b"", "the page sent no picture; give it again"),
        (b"0" * (module.LARGEST + 1), "the file has 8,000,001 bytes, more than the 8,000,000 that may be sent"),
    ],
    ids=["text", "cut short", "empty", "too large"],
)
def test_a_picture_that_cannot_be_read_gets_a_sentence(corner, data, message):
    corner.look(white(), "before")
    (answer,) = send(corner, data)
    assert answer["answered"] == 7
    assert re.fullmatch(message, answer["error"])
    assert corner.name == "before"  # stays


def test_an_interrupt_leaves_the_answer_and_the_network_usable(corner, monkeypatch):
    asked = corner._learner.probabilities_of
    seen = []

    def interrupted(x):
        seen.append(len(x))
        if sum(seen) > 40:
            raise KeyboardInterrupt
        return asked(x)

    monkeypatch.setattr(corner._learner, "probabilities_of", interrupted)
    answer = send(corner, png(white()))[-1]
    assert answer == {"answered": 7, "error": "It was interrupted before the map was done. Give the picture again for the map."}
    assert corner.describe().startswith("mine.png: the network says bright (0.9")
    assert "square" not in corner.describe()
    corner.picture()
    monkeypatch.undo()
    assert send(corner, png(white()))[-1] == {"answered": 7}
    assert "A grey square" in corner.describe()
    monkeypatch.setattr(corner._learner, "probabilities_of", lambda x: 1 / 0)
    assert send(corner, png(white()))[-1]["error"] == "ZeroDivisionError: division by zero"


def test_the_still_picture_shows_where_it_looked(corner):
    before = corner.picture()
    corner.look(white())
    picture = Image.open(io.BytesIO(corner.picture())).convert("RGB")
    assert corner.picture() != before
    blue = np.abs(np.asarray(picture).astype(int) - (0, 114, 178)).max(axis=2) < 90
    places = np.argwhere(blue[:, : picture.width // 2])
    assert len(places) > 100
    assert places[:, 0].min() > picture.height * 0.4  # of the map, at its lower left
    shown = Image.open(io.BytesIO(base64.b64decode(corner._picture.partition(",")[2])))
    assert shown.size == (448, 448)


def test_refusals_say_what_to_do(corner, tmp_path):
    with pytest.raises(WidgetError, match=r"learner is Corner.*; expected an image_learner, or what load_predictor returns"):
        TryYourOwn(Corner())
    with pytest.raises(WidgetError, match="a threshold is for pictures with several labels"):
        TryYourOwn(predictor(), threshold=0.3)
    with pytest.raises(CourseError, match="threshold is 3; a threshold is a probability"):
        TryYourOwn(predictor("multi-label"), threshold=3)
    with pytest.raises(WidgetError, match="has no size"):
        TryYourOwn(predictor(), size=3)
    with pytest.raises(CourseError, match=r"no such\.jpg"):
        corner.look("no such.jpg")
    with pytest.raises(WidgetError, match="chosen is 'grey'; the map can be that of no class yet"):
        corner.chosen = "grey"
    corner.look(white())
    with pytest.raises(WidgetError, match="chosen is 'grey'; the map can be that of bright, dark"):
        corner.chosen = "grey"
    with pytest.raises(WidgetError, match=r"place is \(9, 0\); the square has 9 × 9 places"):
        corner.place = (9, 0)
    with pytest.raises(WidgetError, match="a page without Python would be empty"):
        corner.save_html(tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WidgetError, match="asks a network"):
        corner.export(tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []
