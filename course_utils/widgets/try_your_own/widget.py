"""A picture that somebody drops, pastes, chooses or photographs: what the network says of it, and where it looked."""

import base64
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from traitlets import Bytes, Int, List, Tuple, Unicode, validate

from course_utils.errors import CourseError
from course_utils.training.metrics import Threshold
from course_utils.vision.learner import ImageLearner
from course_utils.vision.occlusion import OcclusionMap, occlusion_map, spread
from course_utils.vision.pictures import Picture as AnyPicture
from course_utils.vision.pictures import pixels_of
from course_utils.vision.prediction import ImagePrediction, checked_thresholds
from course_utils.vision.predictor import DEFAULT_THRESHOLD, ImagePredictor
from course_utils.widgets.base.arrays import Numbers, shown
from course_utils.widgets.base.colours import BLUE, ORANGE
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import probability
from course_utils.widgets.base.picture import FAINT, TEXT, Picture, text_width
from course_utils.widgets.base.still import Panel, fitting, still
from course_utils.widgets.base.thumbnails import data_url
from course_utils.widgets.base.widget import CourseWidget

LARGEST = 8_000_000  # bytes of a picture that the page sends; Jupyter ends the connection at 10 MB
SIDE = 448  # pixels along the shorter side of the picture on the screen
MOST_BARS = 10
NOTICED = 0.005  # less than that of a probability is not spoken of
FAINTEST = 0.05  # a drop of less is not drawn in the full colour
NOWHERE = (-1, -1)
NONE_YET = "No picture has been given yet: drop or paste one here, choose a file, or take one with the camera."

Array = NDArray[np.float64]


class TryYourOwn(CourseWidget):
    """Give a network a picture of your own, and see what it says and where it looked (lecture 0:39:32).

    A picture is dropped on the widget, pasted into it, chosen or taken with the camera; `look(picture)` does the same from
    Python. `learner` is an image learner, or what `load_predictor` reads; `threshold` is for pictures with several labels, as
    in `predict_image`, one for all or one for each class. The network is asked as it is at that moment.

    Then a grey square is slid over the picture (`vision.occlusion_map`): blue is what the class in question needs, orange what
    speaks against it. `chosen` is that class, and `place` the row and column at which the square is looked at, (-1, -1) for
    none. `prediction` and `occlusion` are what the package computed; both None before there is a picture.

    It asks Python for everything and so has no page of its own: `html` and `save_html` raise WidgetError. WidgetError too for
    another learner, CourseError for a picture that cannot be read.

    >>> from course_utils.vision import transforms_for
    >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2))
    >>> predictor = ImagePredictor(network, ["cat", "dog"], "single-label", transforms_for(None, 32), device="cpu")
    >>> widget = TryYourOwn(predictor)
    >>> widget.look(np.zeros((40, 60, 3), np.uint8)).label in ("cat", "dog")
    True
    >>> widget.heat.shape
    (32, 32)
    """

    _title: ClassVar = "Try your own"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ()
    needs_python: ClassVar = True

    name = Unicode("", help="what the picture is called; '' where there is none").tag(sync=True)
    classes = List(Unicode(), help="what the classes are called").tag(sync=True)
    probabilities = Numbers(1, help="of the classes; none where there is no picture")
    thresholds = Numbers(1, help="above which a class is a label; none where a picture has one label")
    chosen = Unicode("", help="the class of which the map is").tag(sync=True)
    place = Tuple(Int(), Int(), default_value=NOWHERE, help="row and column of the grey square, from 0").tag(sync=True)
    _picture = Unicode(help="as text that an <img> shows").tag(sync=True)
    # The probabilities with a part covered, float32 (places, places, bars), of the classes that have a bar.
    _bars = List(Int()).tag(sync=True)
    _covered = Bytes().tag(sync=True)
    _starts = List(Int(), help="pixels at which the squares begin").tag(sync=True)
    _side = Int(help="of the grey square, in pixels").tag(sync=True)
    _size = Int(help="pixels along a side of what the network sees").tag(sync=True)
    _largest = Int(LARGEST, help="bytes of a picture that may be sent").tag(sync=True)

    def __init__(self, learner: ImageLearner | ImagePredictor, threshold: Threshold | None = None, **traits: Any) -> None:
        self._take_only_settings(traits)
        if not isinstance(learner, ImageLearner | ImagePredictor):
            raise WidgetError(f"learner is {shown(learner)}; expected an image_learner, or what load_predictor returns for one")
        data = learner if isinstance(learner, ImagePredictor) else learner.data
        self._learner = learner
        self.prediction: ImagePrediction | None = None
        self.occlusion: OcclusionMap | None = None
        classes = list(data.classes or [])
        thresholds: Sequence[float] = ()
        if data.task == "multi-label":
            own = getattr(learner, "threshold", DEFAULT_THRESHOLD)
            self._threshold = own if threshold is None else threshold
            thresholds = checked_thresholds(self._threshold, len(classes)).tolist()
        elif threshold is not None:
            raise WidgetError("a threshold is for pictures with several labels; here each picture has one, the most probable")
        super().__init__(classes=classes, thresholds=thresholds, **traits)

    def look(self, picture: AnyPicture, name: str = "") -> ImagePrediction:
        """Show a picture, what the network says of it, and where it looked.

        A picture is what `predict_image` takes: a file or its bytes, a Pillow image or an array. When it is interrupted, what
        the network says stays, without the map. Raises CourseError for a picture that cannot be read, and what was shown stays.
        """
        if not name and isinstance(picture, str | os.PathLike):
            name = Path(picture).name
        return self._look(picture, name or "the picture", None)

    def _look(self, picture: AnyPicture, name: str, number: int | None) -> ImagePrediction:
        """`number` is that of the page's question, which hears how far the map is."""
        prediction = self._predict(picture)
        jpeg = _jpeg(pixels_of(picture, SIDE))
        order = torch.argsort(prediction.probabilities, descending=True, stable=True)
        above = len(prediction.label) if isinstance(prediction.label, tuple) else 1
        bars = order[: max(MOST_BARS, min(above, 2 * MOST_BARS))].tolist()
        with self.hold_sync():
            self.prediction, self.occlusion = prediction, None
            self._covered, self._starts, self.place = b"", [], NOWHERE
            self.probabilities, self._bars = prediction.probabilities, bars
            self.name, self.chosen, self._picture = name, self.classes[bars[0]], data_url(jpeg)
        self.occlusion = found = occlusion_map(self._learner, picture, progress=self._teller(number))
        with self.hold_sync():
            self._covered = found.covered[:, :, bars].numpy().astype("<f4").tobytes()
            self._starts, self._side, self._size = found.starts, found.side, found.colours.shape[-1]
        return prediction

    def _predict(self, picture: AnyPicture) -> ImagePrediction:
        more = {"threshold": self._threshold} if len(self.thresholds) else {}
        if isinstance(self._learner, ImagePredictor):
            return self._learner.predict(picture, **more)
        return self._learner.predict_image(picture, **more)

    def _teller(self, number: int | None) -> Any:
        return None if number is None else lambda done, total: self.send({"looking": number, "done": done, "total": total})

    def _receive(self, source: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Look at a picture that the page sends, and say in words what went wrong."""
        if content.get("ask") != "picture":
            super()._receive(source, content, buffers)
            return
        number = content.get("number")
        try:
            self._look(self._sent(buffers), str(content.get("name") or "the picture")[:200], number)
            answer = {}
        except CourseError as error:
            answer = {"error": str(error)}
        except KeyboardInterrupt:
            answer = {"error": "It was interrupted before the map was done. Give the picture again for the map."}
        except Exception as error:  # the page waits for an answer, whatever went wrong
            answer = {"error": f"{type(error).__name__}: {error}"}
        self.send({"answered": number, **answer})

    def _sent(self, buffers: Sequence[bytes]) -> bytes:
        if len(buffers) != 1 or not len(buffers[0]):
            raise WidgetError("the page sent no picture; give it again")
        if len(buffers[0]) > LARGEST:
            raise WidgetError(f"the file has {len(buffers[0]):,} bytes, more than the {LARGEST:,} that may be sent")
        return bytes(buffers[0])

    @property
    def covered(self) -> Array:
        """The probabilities with a part covered, (places, places, bars), of the classes that have a bar."""
        places = len(self._starts)
        return np.frombuffer(self._covered, dtype="<f4").astype(np.float64).reshape(places, places, -1 if places else 0)

    @property
    def drop(self) -> Array:
        """How much less probable the chosen class becomes with each part covered, (places, places)."""
        bar = self._bars.index(self.classes.index(self.chosen))
        return self.probabilities[self._bars[bar]] - self.covered[:, :, bar]

    @property
    def heat(self) -> Array:
        """The mean drop of all squares that cover each pixel of what the network sees, (size, size)."""
        return spread(torch.from_numpy(self.drop), self._starts, self._side, self._size).numpy()

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        return f"{self._says()} {self._looked()}".strip() if self.name else NONE_YET

    def _says(self) -> str:
        named = [f"{self.classes[at]} ({probability(self.probabilities[at])})" for at in self._bars]
        if not len(self.thresholds):
            then = f", then {named[1]}" if len(named) > 1 else ""
            return f"{self.name}: the network says {named[0]}{then}."
        above = [text for at, text in zip(self._bars, named, strict=True) if self.probabilities[at] > self.thresholds[at]]
        if not above:
            return f"{self.name}: no tag is above its threshold; the most probable is {named[0]}."
        its = "their thresholds are" if len(above) > 1 else "its threshold is"
        return f"{self.name}: above {its} {_listed(above)}."

    def _looked(self) -> str:
        """What the map shows."""
        if not self._starts:
            return ""
        drop, (row, column) = self.drop, self.place
        whole = float(self.probabilities[self.classes.index(self.chosen)])
        top = divmod(int(drop.argmax()), len(self._starts))
        if drop[top] < NOTICED:
            said = f"No grey square takes {NOTICED} of {self.chosen} away."
        else:
            where = _where(*top, len(self._starts))
            said = f"A grey square {where} takes the most of {self.chosen} away: {probability(whole - drop[top])} is left."
        if self.place != NOWHERE:
            said += f" With the square in row {row + 1}, column {column + 1} it is {probability(whole - drop[row, column])}."
        return said

    @validate("chosen", "place")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the picture, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "chosen":
            bars = [self.classes[at] for at in self._bars]
            if value not in (bars or [""]):
                raise WidgetError(f"chosen is {value!r}; the map can be that of {', '.join(bars) or 'no class yet'}")
        elif value != NOWHERE and not all(0 <= at < len(self._starts) for at in value):
            places = len(self._starts)
            raise WidgetError(f"place is {value}; the square has {places} × {places} places, counted from 0, or {NOWHERE}")
        return value

    def _exported(self) -> NoReturn:
        raise WidgetError("TryYourOwn asks a network; course_utils.excel.export_model writes a small one as a workbook")

    def _draw(self) -> Picture:
        if not self.name:
            frame = Panel(320, 120, lambda picture, left, top: picture.frame(left, top, 320, 120, FAINT, 1), "Your picture")
            return still([[frame]], self.describe())
        heading = f"Where it sees {self.chosen}" if self._starts else "Your picture"
        return still([[self._map_panel(heading), self._bars_panel()]], self.describe())

    def _map_panel(self, heading: str) -> Panel:
        side = 300
        image = Image.open(_bytes_of(self._picture)).convert("RGB")
        left, top = (image.width - min(image.size)) // 2, (image.height - min(image.size)) // 2
        square = image.crop((left, top, left + min(image.size), top + min(image.size)))
        if self._starts:
            square = _tinted(square, self.heat)

        def draw(picture: Picture, left: float, top: float) -> None:
            picture.paste(left, top, side, square)

        return Panel(side, side, draw, heading, "blue: needed; orange: speaks against it" if self._starts else "")

    def _bars_panel(self) -> Panel:
        line, bar = 22, 170
        names = [self.classes[at] for at in self._bars]
        beside = min(150, max(text_width(name, bold=True) for name in names)) + 10

        def draw(picture: Picture, left: float, top: float) -> None:
            for row, (at, name) in enumerate(zip(self._bars, names, strict=True)):
                y, share = top + row * line, float(self.probabilities[at])
                said = share > self.thresholds[at] if len(self.thresholds) else not row
                picture.text(left, y + 8, fitting(name, beside - 10, said), anchor="lm", bold=said)
                picture.rectangle(left + beside, y, bar * share, 16, BLUE)
                picture.frame(left + beside, y, bar, 16, FAINT, 1)
                if len(self.thresholds):
                    x = left + beside + bar * self.thresholds[at]
                    picture.line([(x, y - 2), (x, y + 18)], TEXT, 1.5)
                picture.text(left + beside + bar + 8, y + 8, probability(share), anchor="lm", bold=said)

        subheading = "line: threshold" if len(self.thresholds) else ""
        return Panel(beside + bar + 70, line * len(names), draw, "What the network says", subheading)


def _where(row: int, column: int, places: int) -> str:
    """Where a square is, in words."""
    down, across = (3 * at // places for at in (row, column))
    names = (
        ("at the upper left", "at the top", "at the upper right"),
        ("at the left", "in the middle", "at the right"),
        ("at the lower left", "at the bottom", "at the lower right"),
    )
    return names[down][across]


def _listed(parts: Sequence[str]) -> str:
    """Things in a row, as in "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=85)
    return buffer.getvalue()


def _bytes_of(url: str) -> io.BytesIO:
    return io.BytesIO(base64.b64decode(url.partition(",")[2]))


def _tinted(square: Image.Image, heat: Array) -> Image.Image:
    """A square picture with the map over it, as `tint` in widget.js draws it."""
    strength = np.clip(np.abs(heat) / max(np.abs(heat).max(), FAINTEST), 0, 1)
    shade = np.where(heat[..., None] < 0, ORANGE, BLUE).astype(np.uint8)
    over = Image.fromarray(shade).resize(square.size, Image.Resampling.BILINEAR)
    mask = Image.fromarray(np.rint(255 * 0.75 * strength).astype(np.uint8)).resize(square.size, Image.Resampling.BILINEAR)
    return Image.composite(over, square, mask)
