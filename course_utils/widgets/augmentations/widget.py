"""What a network sees of one picture while training: turned, zoomed and lit by hand, eight draws, and eight symmetries."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from traitlets import Bool, Bytes, Enum, Float, Int, validate

from course_utils.vision.pictures import Picture as AnyPicture
from course_utils.vision.pictures import pixels_of
from course_utils.vision.transforms import Augmentation, Transforms, side_on, top_down, transforms_for
from course_utils.vision.variations import SYMMETRIES, SYMMETRY_NAMES, Variations, varied
from course_utils.widgets.base.arrays import shown
from course_utils.widgets.base.colours import ORANGE
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import FAINT, MARK, Picture
from course_utils.widgets.base.random import uniform
from course_utils.widgets.base.rates import to_type
from course_utils.widgets.base.still import Panel, still
from course_utils.widgets.base.widget import CourseWidget

SIZE = 112  # pixels a side, where no transforms are given
LARGEST = 384
PAGE = 100_000  # bytes of the picture in a page of its own; a larger one is shown smaller there
DRAWS = 8
MOST_ZOOM, MOST_LIGHT = 10.0, 1.0
BY_HAND = ("symmetry", "turn", "zoom", "across", "down", "brightness", "contrast", "start")
LIMITS = ("symmetries", "degrees", "light", "max_zoom")
RANGES = {
    "turn": (-180.0, 180.0), "zoom": (1.0, MOST_ZOOM), "across": (-1.0, 1.0), "down": (-1.0, 1.0),
    "brightness": (-1.0, 1.0), "contrast": (-1.0, 1.0),
    "degrees": (0.0, 180.0), "light": (0.0, MOST_LIGHT), "max_zoom": (1.0, MOST_ZOOM),
}  # fmt: skip

Array = NDArray[np.float64]


class Augmentations(CourseWidget):
    """Turn, zoom and light one picture as it is done while training, and see what the network sees (lecture 1:24:10-1:25:05).

    `picture` is a file, a Pillow image or an array, as `read_image` and `predict_image` take them; without it there is a drawn
    dog. `transforms` are what `transforms_for` gives, or `data.transforms`: the size that the network sees, up to 384 pixels,
    and how much is varied; without it 112 pixels and `side_on`.

    By hand: `symmetry`, 0 to 7, which of the eight symmetries of a square; `turn`, degrees to the left; `zoom`, 1 to 10, with
    `across` and `down`, -1 to 1, where the part lies that is seen; `brightness` and `contrast`, -1 to 1, what is added to
    either; `start`, at which pixel of the longer side the square begins. What is drawn at random: `symmetries`, 1, 2 or 8,
    `degrees`, `light` and `max_zoom`, as in `Augmentation` and `transforms_for`, from the numbers of `seed`. All are traits:
    set one from Python or on the screen, and both sides show it.

    `seen` and `draws` are what the network sees of each while training, and `validated` what it sees in validation, whose
    prediction `learner.tta` averages with those for draws: colours from 0 to 1 in float64, before they are normalised.
    `transforms` are those with the limits that are on the screen.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit, and CourseError for what is no picture.

    >>> widget = Augmentations(np.zeros((60, 80, 3), np.uint8), transforms_for(None, 32, augment=top_down))
    >>> widget.seen.shape, widget.draws.shape, widget.symmetries
    ((3, 32, 32), (8, 3, 32, 32), 8)
    >>> widget.degrees = 30
    >>> widget.code
    'transforms_for(arch, 32, augment=Augmentation(symmetries=8, degrees=30, light=0.05))'
    """

    _title: ClassVar = "Augmentations"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = (*BY_HAND, *LIMITS, "seed")

    symmetry = Int(0, help="which of the eight symmetries of a square").tag(sync=True)
    turn = Float(0.0, help="degrees to the left").tag(sync=True)
    zoom = Float(1.0, help="of each side a part of 1 / zoom is seen").tag(sync=True)
    across = Float(0.0, help="where that part lies, from -1, left, to 1").tag(sync=True)
    down = Float(0.0, help="where that part lies, from -1, above, to 1").tag(sync=True)
    brightness = Float(0.0, help="what is added to the colours, which are 0 to 1").tag(sync=True)
    contrast = Float(0.0, help="what is added to 1 and multiplies the distance from the mean").tag(sync=True)
    start = Int(0, help="the pixel of the longer side at which the square begins").tag(sync=True)
    symmetries = Enum((1, 2, 8), 2, help="among how many symmetries is drawn").tag(sync=True)
    degrees = Float(10.0, help="how far is turned at most, either way").tag(sync=True)
    light = Float(0.05, help="how much brightness and contrast change at most").tag(sync=True)
    max_zoom = Float(1.1, help="how far is zoomed at most").tag(sync=True)
    seed = Int(0, help="the seed of the draws").tag(sync=True)
    # The picture, its shorter side that of the square: red, green and blue of each pixel, row by row.
    _bytes = Bytes().tag(sync=True)
    _wide = Int(help="pixels in a row of the picture").tag(sync=True)
    _side = Int(help="pixels along a side of the square that is cut out of it").tag(sync=True)
    _size = Int(help="pixels along a side of what the network sees").tag(sync=True)
    _unvaried = Bool(help="whether the transforms that were given vary nothing").tag(sync=True)
    _full = Int(help="the same before a page made it smaller; 0 where it has not").tag(sync=True)

    def __init__(self, picture: AnyPicture | None = None, transforms: Transforms | None = None, **traits: Any) -> None:
        self._take_only_settings(traits)
        self._given = transforms_for(None, SIZE) if transforms is None else _usable(transforms)
        pixels = pixels_of(_drawn_dog() if picture is None else picture, self._given.square)
        limits = _limits(self._given)
        long, side = max(pixels.shape[:2]), self._given.square
        super().__init__(
            _bytes=pixels.tobytes(), _wide=pixels.shape[1], _side=side, _size=self._given.size,
            _unvaried=self._given.augment is None,
            **{"start": (long - side) // 2, **limits, **traits},
        )  # fmt: skip

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture (height, width, 3) at the size in which it is kept for training."""
        return np.frombuffer(self._bytes, dtype=np.uint8).reshape(-1, self._wide, 3)

    @property
    def transforms(self) -> Transforms:
        """Transforms that vary pictures as the limits on the screen say."""
        augment = Augmentation(self.symmetries, self.degrees, self.light)
        never = self._unvaried and self._limits == _limits(self._given)
        return replace(self._given, augment=None if never else augment, max_zoom=self.max_zoom)

    @property
    def variation(self) -> dict[str, float]:
        """What is set by hand, by name."""
        return {name: getattr(self, name) for name in BY_HAND}

    @property
    def drawn(self) -> list[dict[str, float]]:
        """The eight draws, each by the names of what is set by hand."""
        rows = uniform(self.seed, 8 * DRAWS).reshape(DRAWS, 8).tolist()
        return [self._draw_of(*row) for row in rows]

    def _draw_of(self, which: float, turn: float, zoom: float, across: float, down: float, *more: float) -> dict[str, float]:
        brightness, contrast, start = more
        return {
            "symmetry": int(which * self.symmetries),
            "turn": self.degrees * (2 * turn - 1),
            "zoom": 1 + (self.max_zoom - 1) * zoom,
            "across": 2 * across - 1,
            "down": 2 * down - 1,
            "brightness": self.light * (2 * brightness - 1),
            "contrast": self.light * (2 * contrast - 1),
            "start": int(start * (self._spare + 1)),
        }

    @property
    def seen(self) -> Array:
        """What the network sees of what is set by hand: colours from 0 to 1, (3, size, size)."""
        return self._seen([self.variation])[0]

    @property
    def draws(self) -> Array:
        """What the network sees of the eight draws: colours from 0 to 1, (8, 3, size, size)."""
        return self._seen(self.drawn)

    @property
    def validated(self) -> Array:
        """What the network sees in validation, the middle square made smaller: colours from 0 to 1, (3, size, size).

        Training samples the square at places and reads it between its pixels, and this averages all pixels, so that the same
        picture is a little smoother here. The package rounds this one to whole bytes.
        """
        square = self._square(self._spare // 2).double() / 255
        return F.interpolate(square, (self._size, self._size), mode="bilinear", antialias=True)[0].numpy()

    @property
    def symmetric(self) -> Array:
        """The square in its eight symmetries, as it is else: colours from 0 to 1, (8, 3, size, size)."""
        plain = {**dict.fromkeys(BY_HAND, 0), "zoom": 1.0, "start": self.start}
        return self._seen([{**plain, "symmetry": which} for which in range(len(SYMMETRIES))])

    def _seen(self, variations: list[dict[str, float]]) -> Array:
        squares = torch.cat([self._square(int(one["start"])) for one in variations])
        given = _tensors(variations)
        return varied(squares, self._size, given.matrices, given.light).numpy()

    def _square(self, start: int) -> Tensor:
        """The square that begins at a pixel of the longer side, bytes (1, 3, side, side)."""
        rows, columns = self.pixels.shape[:2]
        cut = np.s_[start : start + self._side]
        square = self.pixels[cut] if rows > columns else self.pixels[:, cut]
        return torch.tensor(square).permute(2, 0, 1)[None]

    @property
    def _spare(self) -> int:
        """At how many further places the square may begin."""
        return max(self.pixels.shape[:2]) - self._side

    @property
    def _limits(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in LIMITS}

    @property
    def code(self) -> str:
        """What one types for draws with these limits."""
        augment = self.transforms.augment
        name = {side_on: "side_on", top_down: "top_down", None: "None"}.get(augment)
        if name is None:
            name = f"Augmentation(symmetries={self.symmetries}, degrees={self.degrees:g}, light={self.light:g})"
        zoom = "" if augment is None or self.max_zoom == Transforms.max_zoom else f", max_zoom={self.max_zoom:g}"
        return f"transforms_for(arch, {self._size}, augment={name}{zoom})"

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        said = f"The network sees {self._size} × {self._size} pixels: the picture {_in_words(self.variation)}."
        said += f" {self._draws_in_words()}"
        if never := self._never():
            said += f" No draw does what is set by hand here: {never}."
        if self._full:
            said += f" To keep this page small it shows fewer pixels than the {self._full} × {self._full} of the widget."
        return said

    def _draws_in_words(self) -> str:
        parts = {1: [], 2: ["swaps left and right or does not"], 8: ["takes one of the eight symmetries"]}[self.symmetries]
        if self.degrees:
            parts.append(f"turns by up to {plain_number(self.degrees)}° either way")
        if self.max_zoom > 1:
            parts.append(f"zooms up to {plain_number(self.max_zoom)} times")
        if self.light:
            parts.append(f"changes brightness and contrast by up to {plain_number(self.light)}")
        if not parts:
            return "All draws are alike but for where the square is cut out." if self._spare else "All draws are alike."
        *first, last = parts
        return f"A draw {', '.join(first)} and {last}." if first else f"A draw {last}."

    def _never(self) -> str:
        """What no draw can be, of what is set by hand."""
        beyond = []
        if self.symmetry >= self.symmetries:
            beyond.append(SYMMETRY_NAMES[self.symmetry])
        if abs(self.turn) > self.degrees:
            beyond.append(f"a turn by {plain_number(abs(self.turn))}°")
        if self.zoom > self.max_zoom:
            beyond.append(f"a zoom of {plain_number(self.zoom)}")
        if max(abs(self.brightness), abs(self.contrast)) > self.light:
            beyond.append("so much light")
        return ", ".join(beyond)

    @validate("symmetry", "start", "seed", *RANGES)
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name in RANGES:
            least, most = RANGES[name]
            if not least <= value <= most:
                raise WidgetError(f"{name} is {value:g}; expected {least:g} to {most:g}")
        elif name == "symmetry" and not 0 <= value < len(SYMMETRIES):
            raise WidgetError(f"symmetry is {value}; expected 0 to {len(SYMMETRIES) - 1}, of which 0 is {SYMMETRY_NAMES[0]}")
        elif name == "start" and not 0 <= value <= self._spare:
            raise WidgetError(f"start is {value}; a square of {self._side} pixels can begin at 0 to {self._spare}")
        elif name == "seed" and not 0 <= value < 2**32:
            raise WidgetError(f"seed is {value}; expected a whole number from 0")
        return value

    def html(self, title: str = "") -> str:
        """The widget as a page of its own, see `CourseWidget.html`; a picture too large for a page is shown smaller there."""
        if len(self._bytes) <= PAGE:
            return super().html(title)
        size = int(self._size * math.sqrt(PAGE / len(self._bytes)))
        smaller = replace(self._given, size=size)
        start = self.start * (max(self.pixels.shape[:2]) * smaller.square // self._side - smaller.square) // max(1, self._spare)
        page = Augmentations(self.pixels, smaller, **{**self.variation, **self._limits, "start": start, "seed": self.seed})
        page._full = self._size
        return page.html(title)

    @classmethod
    def example(cls) -> Self:
        """A drawn dog, at a size that a page has room for."""
        return cls(symmetry=1, turn=8.0, zoom=1.2, across=-0.3, down=-0.4)

    def _numbers(self) -> Mapping[str, Any]:
        return {"seen": self.seen, "draws": self.draws, "validated": self.validated}

    def _exported(self) -> NoReturn:
        raise WidgetError("Augmentations shows pictures and has no layers to write into a workbook; picture() gives a PNG")

    def _draw(self) -> Picture:
        large = 250
        seen = _strip(self.seen[None], large, "What the network sees", f"{self._size} × {self._size} pixels")
        validated = _strip(self.validated[None], large, "In validation", "the middle, not varied")
        draws = _strip(self.draws, 106, "Eight draws")
        symmetries = _strip(self.symmetric, 106, "Eight symmetries", framed=self.symmetry)
        return still(
            [[self._picture_panel(large), seen, validated], [draws], [symmetries]], f"{self.describe()} {to_type(self.code)}"
        )

    def _picture_panel(self, high: int) -> Panel:
        """The picture with the square that is cut out, and in it the part that is seen."""
        rows, columns = self.pixels.shape[:2]
        scale = high / max(rows, columns)
        matrix = _tensors([self.variation]).matrices[0].numpy()
        places = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) @ matrix.T
        places = (places + 1) / 2 * self._side + [self.start * (columns >= rows), self.start * (rows > columns)]

        def draw(picture: Picture, left: float, top: float) -> None:
            left, top = left + (high - scale * columns) / 2, top + (high - scale * rows) / 2
            middle = left + scale * columns / 2 - high / 2, top + scale * rows / 2 - high / 2
            picture.paste(*middle, high, Image.fromarray(self.pixels))
            x = left + scale * self.start * (columns >= rows)
            y = top + scale * self.start * (rows > columns)
            picture.frame(x, y, scale * self._side, scale * self._side, FAINT, 2)
            outline = [(left + scale * x, top + scale * y) for x, y in places.tolist()]
            picture.line([*outline, outline[0]], MARK, 2)
            picture.dot(*outline[0], 5, ORANGE)

        return Panel(high, high, draw, "The picture", "framed: what is seen; dot: its top left")


def _strip(views: Array, side: int, heading: str, subheading: str = "", framed: int | None = None) -> Panel:
    """Colours (n, 3, size, size) as pictures beside each other, one of them framed."""
    images = [Image.fromarray(np.rint(255 * view).astype(np.uint8).transpose(1, 2, 0)) for view in views]
    step = side + 14

    def draw(picture: Picture, left: float, top: float) -> None:
        for number, image in enumerate(images):
            picture.paste(left + number * step, top, side, image)
        if framed is not None:
            picture.frame(left + framed * step, top, side, side, MARK, 3)

    return Panel(len(images) * step - 14, side, draw, heading, subheading)


def _tensors(variations: list[dict[str, float]]) -> Variations:
    """Variations by name as the package computes with them, in float64."""
    column = {name: torch.tensor([one[name] for one in variations], dtype=torch.float64) for name in BY_HAND}
    return Variations(
        symmetries=column["symmetry"].long(), angles=column["turn"] * math.pi / 180, zooms=column["zoom"],
        places=torch.stack([column["across"], column["down"]], 1),
        light=torch.stack([column["brightness"], column["contrast"]], 1),
    )  # fmt: skip


def _usable(transforms: object) -> Transforms:
    """The transforms that were given, if they can be shown."""
    if not isinstance(transforms, Transforms):
        raise WidgetError(
            f"transforms is {shown(transforms)}; expected what transforms_for(arch, size) gives, or data.transforms"
        )
    if transforms.size > LARGEST:
        raise WidgetError(
            f"the network would see {transforms.size} × {transforms.size} pixels, and at most {LARGEST} a side can be "
            f"followed; give dataclasses.replace(transforms, size={LARGEST})"
        )
    return transforms


def _limits(transforms: Transforms) -> dict[str, float]:
    """How much transforms vary pictures, by the names of the widget's traits."""
    if transforms.augment is None:
        return {"symmetries": 1, "degrees": 0.0, "light": 0.0, "max_zoom": 1.0}
    augment = transforms.augment
    return {
        "symmetries": augment.symmetries,
        "degrees": abs(augment.degrees),
        "light": augment.light,
        "max_zoom": transforms.max_zoom,
    }


def _in_words(variation: Mapping[str, float]) -> str:
    """What was done to a picture."""
    parts = [SYMMETRY_NAMES[int(variation["symmetry"])]] if variation["symmetry"] else []
    if turn := variation["turn"]:
        parts.append(f"turned by {plain_number(abs(turn))}° to the {'left' if turn > 0 else 'right'}")
    if (zoom := variation["zoom"]) > 1:
        parts.append(f"zoomed {plain_number(zoom)} times")
    if brightness := variation["brightness"]:
        parts.append(f"{plain_number(abs(brightness))} {'brighter' if brightness > 0 else 'darker'}")
    if contrast := variation["contrast"]:
        parts.append(f"its contrast times {plain_number(1 + contrast)}")
    return ", ".join(parts) or SYMMETRY_NAMES[0]


def _drawn_dog() -> Image.Image:
    """One of the drawn dogs, whole and in the open."""
    from course_utils.data.samples import pets  # loads when it is asked for

    dogs = [one for one in pets.pictures(pets.SIZES) if one.species == "dog"]
    return pets.drawn(dogs[8])[0]
