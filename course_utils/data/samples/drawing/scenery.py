"""The places that the drawn animals are in: rooms and landscapes, a little out of focus, and things lying about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from course_utils.data.samples.drawing import landscapes, rooms
from course_utils.data.samples.drawing.brush import Brush
from course_utils.data.samples.drawing.noise import Array, noise_like
from course_utils.data.samples.drawing.things import THINGS, paint_thing

PAINTERS: dict[str, Callable[[Brush, int], None]] = {
    "room": rooms.room,
    "window": rooms.window,
    "sofa": rooms.sofa,
    "kitchen": rooms.kitchen,
    "rug": rooms.rug,
    "meadow": landscapes.meadow,
    "park": landscapes.park,
    "beach": landscapes.beach,
    "snow": landscapes.snow,
    "autumn": landscapes.autumn,
    "garden": landscapes.garden,
    "dusk": landscapes.dusk,
}
PAPER = (2.5, 2.5)  # the size of the grain of the paper that this is painted on, in pixels


@dataclass(frozen=True)
class Scene:
    """A place, and where the eye is in it."""

    place: str
    thing: str
    horizon: float  # where the floor or the ground ends, as a part of the height, from the top


def random_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene; which animal will be in it plays no part."""
    return Scene(str(rng.choice(list(PAINTERS))), str(rng.choice(THINGS, p=[0.4] + [0.1] * 6)), float(rng.uniform(0.42, 0.68)))


def paint_scene(scene: Scene, width: int, height: int, ground: float, rng: np.random.Generator) -> Array:
    """Paint a scene: 3 x height x width in 0..1; `ground` is the row on which the animal stands."""
    image = Image.new("RGB", (width, height))
    brush = Brush(image, rng)
    level = min(int(scene.horizon * height), int(ground) - height // 10)
    PAINTERS[scene.place](brush, max(level, height // 6))
    if scene.thing != "nothing":
        size = height * rng.uniform(0.09, 0.14)
        middle = width * (rng.uniform(0.06, 0.22) if rng.random() < 0.5 else rng.uniform(0.78, 0.94))
        paint_thing(brush, scene.thing, middle, min(ground - rng.uniform(0, 0.05) * height, 0.97 * height), size)
    soft = image.reduce(2).resize(
        (width, height), Image.Resampling.BICUBIC
    )  # the edges lose their steps, and the focus is on the animal
    pixels = np.asarray(soft).transpose(2, 0, 1) * np.float32(1 / 255)
    corner = (int(rng.integers(1024)), int(rng.integers(1024)))
    pixels += noise_like((height, width), PAPER, corner) * np.float32(0.02)
    return pixels
