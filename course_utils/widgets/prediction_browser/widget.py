"""The pictures of a set with what a network says of them, sorted, and picked by the cells of the confusion matrix."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from traitlets import Bytes, Dict, Enum, Int, List, Unicode, observe, validate

from course_utils.errors import CourseError
from course_utils.training import Predictions
from course_utils.widgets.base.colours import BLUE, ORANGE, WHITE, colours, ink
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import percent, probability
from course_utils.widgets.base.picture import FAINT, Picture, text_width
from course_utils.widgets.base.predicted import checked_probabilities, names_of, values_and_targets
from course_utils.widgets.base.still import Panel, fitting, still
from course_utils.widgets.base.thumbnails import Pictures, data_url, smaller_url, thumbnail, with_pictures
from course_utils.widgets.base.widget import CourseWidget

ORDERS = ("most wrong", "most sure", "most unsure")
WRONG, SURE, UNSURE = ORDERS
MOST_CLASSES = 10  # whose probabilities are shown, and in a matrix; of more classes there are the commonest mistakes
MISTAKES = 12
MAX_NUMBERS = 10_000_000
SMALL, LARGE = 128, 448  # pixels a side
FIRST = 12  # pictures that are there from the start
AT_ONCE = 24  # that the screen may ask for together
STILL = 6  # in the still picture
PAGE_PICTURES = 130_000  # characters of pictures in a page of its own
MOST_IN_PAGE = 10_000

Ints = NDArray[np.int64]


class PredictionBrowser(CourseWidget):
    """Look through what a network gets right and wrong, cell by cell of the confusion matrix (review of lesson 1, 1:41:30).

    `predictions` are those of a set with one known label each: `values` of shape (pictures, classes) and `targets` (pictures,),
    as `learner.predict()` and `learner.tta()` give them. `folder` is what their `items` are relative to, `data.path`, or the
    ImageData that holds the pictures. `classes` names the classes where the predictions do not.

    Traits: `order`, "most wrong" (the mistakes, the surest first), "most sure" or "most unsure" (all pictures, by their highest
    probability); `actual` and `predicted`, the classes to keep to, "" for any; `place`, which of the pictures in this order is
    shown large, from 0. `rows` are the numbers of these pictures in the set, `row` of the large one.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit.

    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp()); (folder / "a.jpg").touch()
    >>> values, targets = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]), torch.tensor([0, 0, 1])
    >>> browser = PredictionBrowser(Predictions(values, targets, ["a.jpg", "b.jpg", "c.jpg"], ["cats", "dogs"]), folder)
    >>> browser.confusion_matrix.tolist(), browser.rows
    ([[1, 1], [1, 0]], [2, 1])
    >>> browser.actual, browser.order = "cats", "most unsure"
    >>> browser.rows
    [1, 0]
    """

    _title: ClassVar = "Prediction browser"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("order", "actual", "predicted", "place")

    order = Enum(ORDERS, WRONG, help="which pictures come first").tag(sync=True)
    actual = Unicode("", help="the labelled class to keep to, '' for any").tag(sync=True)
    predicted = Unicode("", help="the predicted class to keep to, '' for any").tag(sync=True)
    place = Int(0, help="which of the pictures in this order is shown large, from 0").tag(sync=True)
    classes = List(Unicode(), help="what the classes are called").tag(sync=True)
    # The screen sorts and counts: of each picture its highest probability, the class that has it and the labelled one.
    _top = Bytes(help="float32").tag(sync=True)
    _predicted = Bytes(help="uint16").tag(sync=True)
    _actual = Bytes(help="uint16").tag(sync=True)
    # It asks Python for a picture and all its probabilities when it comes to it; these are there from the start.
    _held: "List[dict[str, Any]]" = List(Dict(), help="row, item, picture, probabilities, large").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        folder: "str | os.PathLike[str] | Pictures",
        classes: Sequence[str] | None = None,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        self.values, self.targets = _single_label(predictions)
        self.top, self.guesses = self.values.max(axis=1), self.values.argmax(axis=1)
        self._items = [str(item) for item in predictions.items]
        self._picture_of = with_pictures(folder, self._items)
        self._thumbnails: dict[tuple[int, int], bytes | None] = {}
        place = traits.pop("place", 0)
        names = names_of(predictions.classes if classes is None else classes, self.values.shape[1], "classes")
        super().__init__(
            classes=names,
            _top=self.top.astype("<f4").tobytes(),
            _predicted=self.guesses.astype("<u2").tobytes(),
            _actual=self.targets.astype("<u2").tobytes(),
            **traits,
        )
        self.place = place
        self._held = [self._example(row, large=row == self.row) for row in self._first_rows(FIRST)]

    @property
    def confusion_matrix(self) -> Ints:
        """Counts (classes, classes): labelled classes in rows, predicted ones in columns."""
        n = len(self.classes)
        pairs = torch.from_numpy(self.targets * n + self.guesses)
        return np.asarray(torch.bincount(pairs, minlength=n * n).view(n, n))

    @property
    def accuracy(self) -> float:
        """The share of pictures whose most probable class is the labelled one."""
        return float((self.guesses == self.targets).mean())

    @property
    def rows(self) -> list[int]:
        """The pictures that are shown, by their numbers in the set, in this order; of equals the first one in the set first."""
        among = np.ones(len(self.values), dtype=bool)
        if self.order == WRONG:
            among &= self.guesses != self.targets
        for name, numbers in ((self.actual, self.targets), (self.predicted, self.guesses)):
            if name:
                among &= numbers == self.classes.index(name)
        score = self.top if self.order == UNSURE else -self.top
        return [int(row) for row in np.argsort(score, kind="stable") if among[row]]

    @property
    def row(self) -> int | None:
        """The picture that is shown large, by its number in the set; None where none is shown."""
        rows = self.rows
        return rows[min(self.place, len(rows) - 1)] if rows else None

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        count, right = len(self.values), int((self.guesses == self.targets).sum())
        words = f"{right:,} of {count:,} pictures are right ({percent(self.accuracy, 1)})."
        rows = self.rows
        if (row := self.row) is None:
            return f"{words} Of those{self._kept_to()} none is {'wrong' if self.order == WRONG else 'there'}."
        which = {WRONG: "wrong, the surest first", SURE: "all, the surest first", UNSURE: "all, the least sure first"}
        what = f"{len(rows):,}{self._kept_to()} ({which[self.order]})"
        guess, label = self.classes[self.guesses[row]], self.classes[self.targets[row]]
        verdict = "and so does its label" if guess == label else f"its label says {label}"
        said = f"the network says {guess} ({probability(self.top[row])}), {verdict}"
        return f"{words} Shown: {what}. Number {rows.index(row) + 1:,}: {said}."

    def _kept_to(self) -> str:
        parts = [f" {how} {name}" for how, name in (("labelled", self.actual), ("predicted", self.predicted)) if name]
        return " and".join(parts)

    @validate("actual", "predicted", "place", "classes")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name in ("actual", "predicted") and value and value not in self.classes:
            some = ", ".join(self.classes[:10])
            raise WidgetError(f"{name} is {value!r}, and no class is called that; there are: {some}; '' keeps all")
        if name == "place" and not 0 <= value < len(self.values):
            raise WidgetError(
                f"place is {value}; there are {len(self.values):,} pictures, so it is 0 to {len(self.values) - 1}"
            )
        return names_of(value, self.values.shape[1], "classes") if name == "classes" else value

    @observe("order", "actual", "predicted")
    def _begin_again(self, _: Any) -> None:
        self.place = 0

    def probabilities(self, row: int) -> list[tuple[int, float]]:
        """The classes of a picture with their probabilities, the highest first: up to ten, and the labelled one."""
        order = np.argsort(-self.values[row], kind="stable").tolist()
        label = int(self.targets[row])
        kept = order[:MOST_CLASSES]
        return [(at, float(self.values[row, at])) for at in (kept if label in kept else [*kept[:-1], label])]

    def _first_rows(self, count: int) -> list[int]:
        """Those that are seen first, in this order and then in the others."""
        rows = self.rows[: count // 2] + [row for row in (self.row,) if row is not None]
        more = [int(row) for score in (-self.top, self.top) for row in np.argsort(score, kind="stable")[: count // 4]]
        return list(dict.fromkeys([*rows, *more]))

    def _example(self, row: int, large: bool = False) -> dict[str, Any]:
        small, big = self.thumbnail(row), self.thumbnail(row, LARGE) if large else None
        example = {"row": row, "item": self._items[row], "picture": data_url(small) if small else ""}
        return example | {"probabilities": self.probabilities(row), "large": data_url(big) if big else ""}

    def _receive(self, source: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send the pictures that the screen asks for, with their names and probabilities; b"" for one that cannot be read."""
        if content.get("ask") != "pictures":
            super()._receive(source, content, buffers)
            return
        side = LARGE if content.get("large") else SMALL
        asked = list(content.get("rows", []))[:AT_ONCE]
        rows = [row for row in asked if isinstance(row, int) and 0 <= row < len(self._items)]
        told = [{"row": row, "item": self._items[row], "probabilities": self.probabilities(row)} for row in rows]
        self.send({"pictures": told, "large": side == LARGE}, [self.thumbnail(row, side) or b"" for row in rows])

    def thumbnail(self, row: int, side: int = SMALL) -> bytes | None:
        """The picture of a row, at most so many pixels a side, as JPEG; None where it cannot be read."""
        if (row, side) not in self._thumbnails:
            try:
                self._thumbnails[row, side] = thumbnail(self._picture_of(self._items[row]), side)
            except CourseError:  # one lost picture is no reason to show none
                self._thumbnails[row, side] = None
        return self._thumbnails[row, side]

    def _page_state(self) -> dict[str, Any]:
        """Pictures of all orders and of all kinds of mistakes, as many as a page has room for."""
        if len(self.values) > MOST_IN_PAGE:
            raise WidgetError(
                f"a page of its own holds up to {MOST_IN_PAGE:,} predictions, and these are {len(self.values):,}; give a part "
                "of them to a PredictionBrowser"
            )
        wrong = np.flatnonzero(self.guesses != self.targets)
        cells = self.targets * len(self.classes) + self.guesses
        firsts = [int(np.flatnonzero(cells == cell)[self.top[cells == cell].argmax()]) for cell in np.unique(cells)]
        surest = [int(row) for row in wrong[np.argsort(-self.top[wrong], kind="stable")]]
        left = PAGE_PICTURES - len(self._top)
        held: list[dict[str, Any]] = []
        for row in dict.fromkeys([*self._first_rows(24), *firsts, *surest, *range(len(self.values))]):
            example = self._example(row, large=row == self.row)
            example["picture"] = smaller_url(self.thumbnail(row))
            left -= len(example["picture"]) + len(example["large"]) + 40 * len(example["probabilities"])
            if left < 0:
                break
            held.append(example)
        return super()._page_state() | {"_held": held}

    @classmethod
    def example(cls) -> Self:
        """Real scans of digits, of 8 × 8 pixels, by how near they are to the mean of each digit."""
        from sklearn.datasets import load_digits  # loads when an example is asked for

        scans = load_digits()
        pixels, digits = scans.data / 16, scans.target
        means = np.stack([pixels[:900][digits[:900] == digit].mean(axis=0) for digit in range(10)])
        distances = ((pixels[900:, None] - means) ** 2).sum(axis=2)
        values = torch.softmax(torch.tensor(-distances), dim=1)
        items = [f"scan {number}" for number in range(900, len(pixels))]
        return cls(
            Predictions(values, torch.tensor(digits[900:]), items, [str(digit) for digit in range(10)]), _Scans(scans.images)
        )

    def _numbers(self) -> dict[str, Any]:
        return {"confusion": self.confusion_matrix, "rows": self.rows, "top": self.top}

    def _exported(self) -> NoReturn:
        raise WidgetError("PredictionBrowser shows pictures and counts them; kaggle.submission writes predictions as CSV")

    def _draw(self) -> Picture:
        matrix = self._matrix_panel() if len(self.classes) <= MOST_CLASSES else self._mistakes_panel()
        examples = [self._example_panel(row) for row in self.rows[:STILL]]
        return still([[matrix], examples] if examples else [[matrix]], self.describe())

    def _matrix_panel(self) -> Panel:
        counts, cell, names = self.confusion_matrix, 38, self.classes
        beside = min(150, max(text_width(name) for name in names)) + 8
        shades = _shades(counts)

        def draw(picture: Picture, left: float, top: float) -> None:
            for at, name in enumerate(names):
                picture.text(left + beside + (at + 0.5) * cell, top + 8, fitting(name, cell - 2), anchor="ma")
                picture.text(left + beside - 8, top + 28 + (at + 0.5) * cell, fitting(name, beside - 8), anchor="rm")
            for (label, guess), count in np.ndenumerate(counts):
                x, y = left + beside + guess * cell, top + 28 + label * cell
                red, green, blue = shades[label, guess].tolist()
                shade = (red, green, blue)
                picture.rectangle(x, y, cell, cell, shade)
                if count:
                    picture.text(x + cell / 2, y + cell / 2, f"{count:,}", anchor="mm", colour=ink(shade))
                picture.frame(x, y, cell, cell, FAINT, 1)

        side = cell * len(names)
        return Panel(beside + side, 28 + side, draw, "Confusion matrix", "labelled in rows, predicted in columns")

    def _mistakes_panel(self) -> Panel:
        counts, line = self.confusion_matrix.copy(), 20
        np.fill_diagonal(counts, 0)
        order = [int(at) for at in np.argsort(-counts.ravel(), kind="stable")[:MISTAKES] if counts.ravel()[at]]
        pairs = [(*divmod(at, len(self.classes)), counts.ravel()[at]) for at in order]

        def draw(picture: Picture, left: float, top: float) -> None:
            for at, (label, guess, count) in enumerate(pairs):
                picture.text(left + 40, top + at * line, f"{count:,}", anchor="ra", bold=True)
                picture.text(left + 50, top + at * line, fitting(f"{self.classes[label]} → {self.classes[guess]}", 380))

        return Panel(430, line * max(1, len(pairs)), draw, "Commonest mistakes: labelled → predicted")

    def _example_panel(self, row: int) -> Panel:
        """A picture, and what the network says of it."""
        side, jpeg = 130, self.thumbnail(row)
        guess, label = self.classes[self.guesses[row]], self.classes[self.targets[row]]
        right = guess == label

        def draw(picture: Picture, left: float, top: float) -> None:
            if jpeg is None:
                picture.text(left + side / 2, top + side / 2, "cannot be read", anchor="mm")
            else:
                picture.paste(left, top, side, Image.open(io.BytesIO(jpeg)))
            picture.frame(left, top, side, side, BLUE if right else ORANGE, 2)
            number = probability(self.top[row])
            picture.text(left, top + side + 8, f"{fitting(guess, side - text_width(f' {number}'))} {number}", bold=not right)
            if not right:
                picture.text(left, top + side + 26, fitting(f"labelled {label}", side))

        return Panel(side, side + 44, draw)


class _Scans:
    """Scans as pictures, dark on light, by their numbers."""

    def __init__(self, images: NDArray[np.float64]) -> None:
        self.images = images

    def picture(self, item: str) -> Image.Image:
        pixels = (255 - 255 * self.images[int(item.split()[-1])] / 16).astype(np.uint8)
        return Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).convert("RGB")


def _shades(counts: Ints) -> NDArray[np.uint8]:
    """A colour for each cell: blue by its share of the label where it is right, orange by its share of the commonest mistake.

    `shade` in widget.js gives the same.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    off = counts * (1 - np.eye(len(counts), dtype=int))
    signed = np.where(np.eye(len(counts), dtype=bool), shares, -off / max(1, off.max()))
    shades = colours(signed, 1.0)
    shades[counts == 0] = WHITE
    return shades


def _single_label(predictions: Predictions) -> tuple[NDArray[np.float32], Ints]:
    """Probabilities (pictures, classes) and labels (pictures,); WidgetError where they are not that."""
    values, targets = values_and_targets(predictions)
    if values.ndim != 2 or 0 in values.shape or targets.shape != values.shape[:1]:
        more = "; for more than one label per picture there is ThresholdExplorer" if targets.ndim == 2 else ""
        raise WidgetError(
            f"the predictions' values have shape {values.shape} and their targets {targets.shape}; expected (pictures, "
            f"classes) and (pictures,), one label each{more}"
        )
    shares = checked_probabilities(values, predictions.items, MAX_NUMBERS)
    labels = targets.astype(np.int64)
    if not (np.array_equal(labels, targets) and labels.min() >= 0 and labels.max() < values.shape[1]):
        raise WidgetError(
            f"the predictions' targets run from {targets.min():g} to {targets.max():g}; expected the numbers of classes, 0 to "
            f"{values.shape[1] - 1}"
        )
    return shares, labels
