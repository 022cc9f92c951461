"""The coats that tell breeds of dogs: where on the animal a breed wears its marking, its dark saddle and its white."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.coats import Coat, mottle, soft_step
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.parts import Part

Parts = NDArray[np.uint8]
Layers = tuple[Array, Array | None, Array | None]  # how far marking, dark and white cover the ground colour, 0 to 1


def back(animal: Animal, y: Array, z: Array) -> Array:
    """How far points lie above the middle of the trunk, towards the back, in radii of the head."""
    g = animal.girth
    if animal.pose == "sit":  # the trunk leans: up is also backwards
        rise = 0.55 * g + 0.45 * animal.legs
        return (0.67 * (y - 0.95 * g) - rise * (z + 0.45)) * np.float32(1 / np.hypot(rise, 0.67))
    return y - np.float32(animal.legs + 0.75 * g if animal.pose == "stand" else 0.85 * g)


def spot(x: Array, y: Array, across: float, up: float, radius: float) -> Array:
    """Two round spots at either side of the face."""
    return soft_step(radius - np.hypot(np.abs(x) - np.float32(across), y - np.float32(up)), 0.06)


def stripe(coat: Coat, x: Array, y: Array) -> Array:
    """The white stripe up the face, wider below."""
    return soft_step(np.float32(coat.blaze) + 0.22 * np.maximum(-y, 0) - np.abs(x), 0.06) * soft_step(0.72 - y, 0.15)


def feathered_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A breast and a tail a little paler, in the marking's colour."""
    pale = np.maximum(soft_step(-back(animal, y, z) - 0.25, 0.5), part == Part.TAIL)
    return pale * np.float32(0.6), None, None


def feathered_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A muzzle a little paler, in the marking's colour, and ears a little darker."""
    return (part == Part.MUZZLE) * np.float32(0.6), (part == Part.EAR) * np.float32(0.14), None


def hood_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A coloured back; breast, belly and legs are white."""
    g = animal.girth
    edge = np.float32(0.18 * g) * mottle(animal.coat, z, x, 0.5)
    white = soft_step(-0.1 * g - back(animal, y, z) + edge, 0.14)
    white = np.maximum(white, soft_step(0.55 * g - np.abs(x), 0.15) * soft_step(z - 0.2 * animal.length, 0.25))
    white = np.where(part == Part.LEG, np.float32(1), white) * (part != Part.TAIL)
    return np.zeros_like(x), None, white


def hood_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A coloured hood that comes to a point between the eyes; a white face with white spots for brows."""
    edge = 0.34 - 0.5 * np.exp(-((x * np.float32(1 / 0.17)) ** 2)) - 1.4 * np.maximum(np.abs(x) - 0.62, 0)
    white = np.maximum(soft_step(edge - y, 0.06), spot(x, y, 0.32, 0.46, 0.13)) * soft_step(z + 0.05, 0.1)
    return np.zeros_like(x), None, np.maximum(white, part == Part.MUZZLE) * (part != Part.EAR)


def fawn_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """One colour."""
    return np.zeros_like(x), None, None


def fawn_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A black mask over muzzle and eyes, and black ears."""
    mask = soft_step(0.6 - np.hypot(x * np.float32(0.95), y + 0.22), 0.14) * soft_step(z - 0.2, 0.2)
    mask = np.maximum(mask, spot(x, y, 0.36, 0.1, 0.3) * np.float32(0.85))
    return np.maximum(mask, (part == Part.EAR) | (part == Part.MUZZLE)), None, None


def hound_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A black saddle, tan sides, and white from the breast down to the paws."""
    g = animal.girth
    up = back(animal, y, z) + np.float32(0.15) * mottle(animal.coat, z, x, 0.9)
    on_body = part == Part.BODY
    saddle = soft_step(up + 0.05 * g, 0.1) * on_body * soft_step(0.42 * animal.length - z, 0.12)
    white = soft_step(-0.4 * g - up, 0.1) * on_body
    white = np.maximum(white, soft_step(0.6 * g - np.abs(x), 0.12) * soft_step(z - 0.28 * animal.length, 0.2) * on_body)
    white = np.maximum(white, soft_step(1.1 - y, 0.12) * (part == Part.LEG))
    return np.zeros_like(x), saddle, white


def hound_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Tan, with darker ears, a white stripe and a white muzzle."""
    white = np.maximum(stripe(coat, x, y), part == Part.MUZZLE) * (part != Part.EAR)
    return (part == Part.EAR) * np.float32(1), None, white


def mountain_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Black; the legs are tan, breast and paws are white."""
    g = animal.girth
    tan = soft_step(1.15 - y, 0.2) * (part == Part.LEG)
    breast = soft_step(0.4 * g - np.abs(x), 0.1) * soft_step(z - 0.22 * animal.length, 0.2) * (part == Part.BODY)
    return tan, None, np.maximum(breast, soft_step(0.42 - y, 0.08) * (part == Part.LEG))


def mountain_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Black, with tan cheeks and spots over the eyes, a white stripe and a white muzzle."""
    cheeks = soft_step(np.abs(x) - 0.32, 0.08) * soft_step(-0.08 - y, 0.08) * soft_step(z - 0.1, 0.1)
    tan = np.maximum(cheeks, spot(x, y, 0.34, 0.44, 0.13) * (z > 0)) * (part != Part.EAR)
    return tan, None, np.maximum(stripe(coat, x, y), part == Part.MUZZLE) * (part != Part.EAR)


def corgi_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Coloured, with a white breast, belly and paws."""
    _, _, white = hound_body(animal, part, x, y, z)
    return np.zeros_like(x), None, white


def corgi_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Coloured, with a white stripe and a white muzzle."""
    return np.zeros_like(x), None, np.maximum(stripe(coat, x, y), part == Part.MUZZLE) * (part != Part.EAR)


def grizzle_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """A dark back, as if singed, and paler below."""
    up = back(animal, y, z) + np.float32(0.3) * mottle(animal.coat, z, x, 0.4)
    return soft_step(-up - 0.2, 0.5) * np.float32(0.6), soft_step(up - 0.3, 0.4) * (part == Part.BODY) * np.float32(0.6), None


def grizzle_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Dark ears and a pale muzzle."""
    return (part == Part.MUZZLE) * np.float32(0.7), (part == Part.EAR) * np.float32(0.65), None


def black_and_tan_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Black down to the legs."""
    dark = np.maximum(soft_step(back(animal, y, z) + 0.5, 0.25) * (part == Part.BODY), part == Part.TAIL)
    return np.zeros_like(x), dark * np.float32(0.85), None


def black_and_tan_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """Black on the skull and the ears."""
    dark = np.maximum(soft_step(y - 0.42, 0.15), part == Part.EAR)
    return (part == Part.MUZZLE) * np.float32(0.7), dark * np.float32(0.8), None


def sheet_body(animal: Animal, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """White, with folds in the marking's colour that deepen towards the ground."""
    folds = np.sin(11 * np.arctan2(x, np.abs(z) + 0.6) + 4 * z + 1.5 * mottle(animal.coat, x, z, 1.5))
    return soft_step(folds - 0.1, 0.8) * np.clip(1.25 - 0.35 * y, 0.1, 1), None, None


def sheet_head(coat: Coat, part: Parts, x: Array, y: Array, z: Array) -> Layers:
    """White."""
    return np.zeros_like(x), None, None


Body = Callable[[Animal, Parts, Array, Array, Array], Layers]
Head = Callable[[Coat, Parts, Array, Array, Array], Layers]

BREED_COATS: dict[str, tuple[Body, Head]] = {
    "hood": (hood_body, hood_head),
    "corgi": (corgi_body, corgi_head),
    "sheet": (sheet_body, sheet_head),
    "mountain": (mountain_body, mountain_head),
    "hound": (hound_body, hound_head),
    "feathered": (feathered_body, feathered_head),
    "grizzle": (grizzle_body, grizzle_head),
    "black and tan": (black_and_tan_body, black_and_tan_head),
    "fawn": (fawn_body, fawn_head),
}
