"""A threshold that one can move: F-beta, wrong and missed tags, and pictures whose tags change on the way."""

import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from traitlets import Bytes, Dict, Float, Int, List, Unicode, observe, validate

from course_utils.data.samples import satellite
from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training import Predictions, f_beta, f_beta_curve
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, plain_number
from course_utils.widgets.base.picture import FAINT, Picture, text_width
from course_utils.widgets.base.predicted import checked_probabilities, names_of, values_and_targets
from course_utils.widgets.base.still import Panel, curve_panel, fitting, still, two_bars_panel
from course_utils.widgets.base.thumbnails import Pictures, data_url, thumbnail, with_pictures
from course_utils.widgets.base.widget import CourseWidget

MARKS = {"right": "✓", "missed": "○", "wrong": "✗"}
MOST_TAGS = 40  # in the still picture
SHOWN = 6
NEAR = 0.05  # a picture is worth showing while one of its probabilities is as near as this to the threshold
MAX_NUMBERS = 1_000_000
MIXED = 2_654_435_761  # times the number of a row, modulo 2^32, puts rows into a mixed order (Knuth's multiplicative hash)
PAGE_PICTURES = 120_000  # characters of pictures in a page of its own, at most, beside the first six


@dataclass(frozen=True)
class _Drawn:
    """Pictures that are drawn when they are looked at."""

    tiles: dict[str, satellite.Tile]

    def picture(self, item: str) -> Image.Image:
        return satellite.picture(self.tiles[item])


class ThresholdExplorer(CourseWidget):
    """Move the threshold above which a tag is given, and watch F-beta and the mistakes change (lecture 1:41:20-1:43:50).

    `predictions` are those of a set with known, multi-label answers: `values` and `targets` of shape (pictures, tags), as
    `learner.predict()` and `learner.tta()` give them. `folder` is what their `items` are relative to, `data.path`, or the
    ImageData that holds the pictures, which may be in memory. `classes` names the tags where the predictions do not.

    Traits: `threshold`, 0 to 1 (a tag is given where its probability is above it); `tag`, the tag that is looked at, "" for
    all; `beta`, how many times as much recall counts as precision; `page`, which six of the pictures near the threshold are
    shown. `values` (float32) and `actual` (bool), both (pictures, tags), are what is counted from.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit.

    >>> import tempfile, torch
    >>> folder = Path(tempfile.mkdtemp()); (folder / "a.jpg").touch()
    >>> predictions = Predictions(torch.tensor([[0.9, 0.3]]), torch.tensor([[1.0, 0.0]]), ["a.jpg"], ["clear", "water"])
    >>> explorer = ThresholdExplorer(predictions, folder)
    >>> explorer.false_positives.tolist(), explorer.false_negatives.tolist(), round(explorer.f_beta, 3)
    ([0, 1], [0, 0], 0.833)
    >>> explorer.threshold = 0.95
    >>> explorer.false_positives.tolist(), explorer.false_negatives.tolist(), explorer.f_beta
    ([0, 0], [1, 0], 0.0)
    """

    _title: ClassVar = "Threshold explorer"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("tag", "page")

    threshold = Float(0.2, help="a tag is given where its probability is above it, 0 to 1").tag(sync=True)
    tag = Unicode("", help="the tag that is looked at, '' for all").tag(sync=True)
    beta = Float(2.0, help="how many times as much recall counts as precision").tag(sync=True)
    page = Int(0, help="which of the pictures near the threshold are shown, from 0").tag(sync=True)
    classes = List(Unicode(), help="what the tags are called").tag(sync=True)
    # The screen counts for itself, so that moving the threshold waits for nobody.
    _probabilities = Bytes(help="float32, row after row").tag(sync=True)
    _targets = Bytes(help="a byte each, 0 or 1, row after row").tag(sync=True)
    # It asks Python for a picture when it comes to it; these are there from the start.
    _held: "List[dict[str, Any]]" = List(Dict(), help="some of the pictures: row, item, picture").tag(sync=True)

    def __init__(
        self,
        predictions: Predictions,
        folder: "str | os.PathLike[str] | Pictures",
        classes: Sequence[str] | None = None,
        beta: float = 2.0,
        threshold: float = 0.2,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        self.values, self.actual = _multi_label(predictions)
        self._items = [str(item) for item in predictions.items]
        self._picture_of = with_pictures(folder, self._items)
        self._thumbnails: dict[int, bytes | None] = {}
        names = names_of(predictions.classes if classes is None else classes, self.values.shape[1], "tags")
        super().__init__(
            classes=names,
            beta=beta,
            threshold=threshold,
            _probabilities=self.values.astype("<f4").tobytes(),
            _targets=self.actual.astype(np.uint8).tobytes(),
            **traits,
        )
        self._held = [self._example(row) for row in self.examples]

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """Which tags each picture is given at this threshold, (pictures, tags)."""
        return self.values > np.float32(self.threshold)

    @property
    def f_beta(self) -> float:
        """F-beta of each picture's tags, averaged over the pictures; see `course_utils.training.f_beta`."""
        return f_beta(self.values, self.actual, self.beta, self.threshold)

    @property
    def false_positives(self) -> NDArray[np.int64]:
        """How many pictures are given each tag and should not be, (tags,)."""
        return (self.predicted & ~self.actual).sum(axis=0)

    @property
    def false_negatives(self) -> NDArray[np.int64]:
        """How many pictures should be given each tag and are not, (tags,)."""
        return (~self.predicted & self.actual).sum(axis=0)

    @property
    def precision(self) -> float:
        """The share of what is given that is right, of `tag` or of all tags together; nan where nothing is given."""
        return _share(self._hits, int(self.predicted[:, self._looked_at].sum()))

    @property
    def recall(self) -> float:
        """The share of what should be given that is given, of `tag` or of all tags together; nan where nothing should be."""
        return _share(self._hits, int(self.actual[:, self._looked_at].sum()))

    @property
    def examples(self) -> list[int]:
        """The rows of the pictures on the screen: up to six, which are the same for thresholds that round to the same tenth, so
        that their tags are seen to change on the way."""
        order = self._near_first(math.floor(10 * self.threshold + 0.5) / 10)
        count = min(SHOWN, len(order))
        start = count * self.page % len(order)
        return [int(row) for row in order.take(range(start, start + count), mode="wrap")]

    def verdicts(self, row: int) -> dict[str, str]:
        """What becomes of a picture's tags, the most probable first: "right", "missed" (false negative) or "wrong" (false
        positive)."""
        kinds = {(True, True): "right", (False, True): "missed", (True, False): "wrong"}
        pairs = zip(self.predicted[row].tolist(), self.actual[row].tolist(), strict=True)
        verdicts = [kinds.get(pair) for pair in pairs]
        order = np.argsort(-self.values[row], kind="stable").tolist()
        return {self.classes[tag]: kind for tag in order if (kind := verdicts[tag])}

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        too_many, missed = self.false_positives, self.false_negatives
        of, shares = "", "Precision"
        if self.tag:
            at = self.classes.index(self.tag)
            of, shares = f"; of these {too_many[at]:,} and {missed[at]:,} for {self.tag}", f"For {self.tag}: precision"
        return (
            f"Threshold {_decimal(self.threshold)}: F{plain_number(self.beta)} is {fixed(self.f_beta, 3)} on "
            f"{counted(len(self.values), 'picture')}, with {counted(int(too_many.sum()), 'wrong tag')} (false positives) and "
            f"{missed.sum():,} missed (false negatives){of}. {shares} {_rounded(self.precision)}, "
            f"recall {_rounded(self.recall)}."
        )

    @property
    def _looked_at(self) -> slice:
        """The columns of `tag`, or all."""
        if not self.tag:
            return slice(None)
        at = self.classes.index(self.tag)
        return slice(at, at + 1)

    @property
    def _hits(self) -> int:
        return int((self.predicted & self.actual)[:, self._looked_at].sum())

    @validate("threshold", "tag", "beta", "page", "classes")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "threshold" and not 0 <= value <= 1:
            raise WidgetError(f"threshold is {value:g}; expected 0 to 1")
        if name == "tag" and value and value not in self.classes:
            raise WidgetError(f"no tag is called {value!r}; there are: {', '.join(self.classes)}; '' looks at all")
        if name == "beta" and not 0 < value <= 100:
            raise WidgetError(f"beta is {value:g}; expected a number above 0, up to 100; 2 is the lecture's")
        if name == "page" and value < 0:
            raise WidgetError(f"page is {value}; the pages are numbered from 0")
        return names_of(value, self.values.shape[1], "tags") if name == "classes" else value

    @observe("classes")
    def _forget_tag(self, _: Any) -> None:
        if self.tag not in self.classes:
            self.tag = ""

    def _near_first(self, threshold: float) -> NDArray[np.int64]:
        """The rows of the pictures near the threshold in a mixed order, then the others, the nearest first.

        `nearFirst` in numbers.js gives the same.
        """
        distance = np.abs(self.values[:, self._looked_at].astype(np.float64) - threshold).min(axis=1)
        near, far = np.flatnonzero(distance <= NEAR), np.flatnonzero(distance > NEAR)
        mixed = near[np.argsort(near * MIXED % 2**32, kind="stable")]
        return np.concatenate([mixed, far[np.argsort(distance[far], kind="stable")]])

    def _receive(self, source: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Send the pictures that the screen asks for, with the names of their files; b"" for one that cannot be read."""
        if content.get("ask") != "pictures":
            super()._receive(source, content, buffers)
            return
        rows = [row for row in list(content.get("rows", []))[:SHOWN] if isinstance(row, int) and 0 <= row < len(self._items)]
        self.send({"pictures": [[row, self._items[row]] for row in rows]}, [self.thumbnail(row) or b"" for row in rows])

    def _page_state(self) -> dict[str, Any]:
        """More pictures than the first: of each tenth of the range two that are near, as far as they are small."""
        state = super()._page_state()
        tenths = [self._near_first(tenth / 10)[:2].tolist() for tenth in range(1, 10)]
        rows = dict.fromkeys([*self.examples, *(row for pair in tenths for row in pair)])
        held: list[dict[str, Any]] = []
        for row in rows:
            example = self._example(row)
            if len(held) < len(self.examples) or sum(len(one["picture"]) for one in [*held, example]) < PAGE_PICTURES:
                held.append(example)
        return state | {"_held": held}

    def _example(self, row: int) -> dict[str, Any]:
        jpeg = self.thumbnail(row)
        return {"row": row, "item": self._items[row], "picture": data_url(jpeg) if jpeg else ""}

    def thumbnail(self, row: int) -> bytes | None:
        """The picture of a row, small, as JPEG; None where it cannot be read."""
        if row not in self._thumbnails:
            try:
                self._thumbnails[row] = thumbnail(self._picture_of(self._items[row]))
            except CourseError:  # one lost picture is no reason to show none
                self._thumbnails[row] = None
        return self._thumbnails[row]

    @classmethod
    def example(cls) -> Self:
        """Drawn satellite pictures as in lesson 3; the probabilities are made up, those of a network that is often right."""
        tiles = {f"{tile.name}.jpg": tile for tile in satellite.pictures({"train": 400})}
        names = sorted({tag for tile in tiles.values() for tag in tile.tags})
        actual = np.array([[tag in tile.tags for tag in names] for tile in tiles.values()])
        logits = 5.0 * actual - 3.2 + np.random.default_rng(0).normal(0, 1.6, actual.shape)
        values, targets = torch.tensor(1 / (1 + np.exp(-logits))), torch.tensor(actual)
        return cls(Predictions(values, targets, list(tiles), names), _Drawn(tiles))

    def _numbers(self) -> dict[str, Any]:
        curve = f_beta_curve(self.values, self.actual, np.arange(101) / 100, self.beta).numpy()
        wrong, missed = self.false_positives, self.false_negatives
        return {"falsePositives": wrong, "falseNegatives": missed, "fBeta": [self.f_beta], "curve": curve}

    def _exported(self) -> NoReturn:
        raise WidgetError(
            "ThresholdExplorer has no layers to write into a workbook; kaggle.submission writes predictions as CSV"
        )

    def _draw(self) -> Picture:
        scores = f_beta_curve(self.values, self.actual, np.arange(101) / 100, self.beta).numpy()
        missed, wrong, tags = self.false_negatives, self.false_positives, self.classes[:MOST_TAGS]
        heads = f"{missed.sum():,} missed", f"{wrong.sum():,} wrong"
        cut = len(self.classes) - len(tags)
        panels = [
            curve_panel(scores, self.threshold, self.f_beta, f"F{plain_number(self.beta)} at each threshold", "threshold"),
            two_bars_panel(tags, missed[:MOST_TAGS].tolist(), wrong[:MOST_TAGS].tolist(), heads, bold=self.tag),
        ]
        words = self.describe() + (f" {cut} more tags are not drawn." if cut else "")
        return still([panels, [self._example_panel(row) for row in self.examples]], words)

    def _example_panel(self, row: int) -> Panel:
        """A picture, and its tags below."""
        side, verdicts, jpeg = 150, self.verdicts(row), self.thumbnail(row)

        def draw(picture: Picture, left: float, top: float) -> None:
            if jpeg is None:
                picture.text(left + side / 2, top + side / 2, "cannot be read", anchor="mm")
            else:
                picture.paste(left, top, side, Image.open(io.BytesIO(jpeg)))
            picture.frame(left, top, side, side, FAINT, 1)
            for line, (tag, kind) in enumerate(verdicts.items()):
                bold, after = kind != "right", "" if kind == "right" else f" ({kind})"
                name = fitting(tag, side - text_width(f"{MARKS[kind]} {after}", bold=bold), bold)
                picture.text(left, top + side + 8 + 18 * line, f"{MARKS[kind]} {name}{after}", bold=bold)

        return Panel(side, side + 8 + 18 * len(verdicts), draw)


def _multi_label(predictions: Predictions) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probabilities and right answers, both (pictures, tags); WidgetError where they are not that."""
    values, targets = values_and_targets(predictions)
    if values.ndim != 2 or 0 in values.shape or targets.shape != values.shape:
        raise WidgetError(
            f"the predictions' values have shape {values.shape} and their targets {targets.shape}; expected (pictures, tags) "
            "of both, as multi-label data has: ImageData.from_csv(..., task='multi-label') makes them from one label each"
        )
    shares = checked_probabilities(values, predictions.items, MAX_NUMBERS)
    if not np.isin(targets, (0, 1)).all():
        raise WidgetError("the predictions' targets hold other numbers than 0 and 1; a picture has a tag or has it not")
    return shares, targets > 0.5


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _decimal(threshold: float) -> str:
    """Two decimals, and up to four where there are more: 0.20, 0.205."""
    text = fixed(threshold, 4)
    return text[:4] + text[4:].rstrip("0")


def _rounded(share: float) -> str:
    return "undefined" if np.isnan(share) else fixed(share, 3)
