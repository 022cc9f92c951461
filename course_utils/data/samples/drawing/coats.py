"""The coats of the drawn animals: colours and patterns, the same for cats and for dogs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.drawing.colours import Colour
from course_utils.data.samples.drawing.noise import Array, noise

COLOURS: dict[str, Colour] = {
    "black": (0.17, 0.16, 0.18),
    "charcoal": (0.31, 0.30, 0.33),
    "grey": (0.53, 0.55, 0.60),
    "silver": (0.76, 0.77, 0.79),
    "white": (0.95, 0.93, 0.90),
    "cream": (0.93, 0.84, 0.70),
    "sand": (0.82, 0.66, 0.46),
    "ginger": (0.86, 0.54, 0.25),
    "russet": (0.66, 0.36, 0.19),
    "brown": (0.47, 0.33, 0.23),
    "chocolate": (0.33, 0.22, 0.17),
}

# the pattern, and the pairs (ground, marking) that it comes in
PATTERNS: dict[str, tuple[tuple[str, str], ...]] = {
    "plain": tuple((name, name) for name in COLOURS),
    "striped": (
        ("silver", "charcoal"),
        ("ginger", "russet"),
        ("sand", "brown"),
        ("grey", "charcoal"),
        ("brown", "black"),
        ("cream", "ginger"),
    ),
    "patched": (
        ("white", "ginger"),
        ("white", "black"),
        ("white", "brown"),
        ("white", "grey"),
        ("cream", "russet"),
        ("white", "sand"),
    ),
    "spotted": (("white", "black"), ("sand", "chocolate"), ("silver", "charcoal"), ("cream", "brown"), ("white", "russet")),
    "pointed": (("cream", "chocolate"), ("cream", "brown"), ("white", "grey"), ("sand", "black"), ("silver", "charcoal")),
    "two-tone": (
        ("black", "russet"),
        ("grey", "white"),
        ("ginger", "cream"),
        ("brown", "sand"),
        ("charcoal", "silver"),
        ("black", "cream"),
    ),
    "tricolour": (("white", "ginger"), ("white", "sand"), ("cream", "russet")),
}


@dataclass(frozen=True)
class Coat:
    """One animal's coat."""

    pattern: str
    ground: Colour
    marking: Colour
    white: Colour  # of bib, socks and blaze
    bib: bool
    socks: float  # their height, 0 for none
    blaze: float  # the width of the stripe up the face, 0 for none
    scale: float  # of stripes, spots and patches
    offset: tuple[int, int]  # where in the noise this animal's spots are


def random_coat(rng: np.random.Generator) -> Coat:
    """Draw a coat; which animal will wear it plays no part."""
    pattern = str(rng.choice(list(PATTERNS)))
    pairs = PATTERNS[pattern]
    ground, marking = pairs[rng.integers(len(pairs))]
    tuxedo = rng.random() < (0.3 if pattern in ("plain", "striped", "two-tone") else 0.1)

    def tinted(name: str) -> Colour:
        r, g, b = np.clip(np.array(COLOURS[name]) * rng.uniform(0.92, 1.06) + rng.normal(0, 0.012, 3), 0.08, 0.98)
        return float(r), float(g), float(b)

    return Coat(
        pattern=pattern,
        ground=tinted(ground),
        marking=tinted(marking),
        white=tinted("white"),
        bib=tuxedo or rng.random() < 0.2,
        socks=float(rng.uniform(0.35, 0.8)) if tuxedo or rng.random() < 0.15 else 0.0,
        blaze=float(rng.uniform(0.08, 0.22)) if tuxedo or rng.random() < 0.15 else 0.0,
        scale=float(rng.uniform(0.75, 1.35)),
        offset=(int(rng.integers(512)), int(rng.integers(512))),
    )


def soft_step(value: NDArray[np.floating[Any]], edge: float) -> Array:
    """Rise from 0 to 1 while `value` goes from -edge to edge."""
    scaled = value * np.float32(0.5 / edge)
    scaled += np.float32(0.5)
    return np.clip(scaled, 0, 1, out=scaled)


def mottle(coat: Coat, u: Array, v: Array, grain: float, shift: int = 0) -> Array:
    """Give noise in [-1, 1] that sticks to the animal: one blob per `grain` units of length."""
    field = noise((24.0, 24.0), 512)
    per_unit = 24.0 / (grain * coat.scale)
    rows = (v * per_unit).astype(np.int32) + (coat.offset[0] + shift)
    columns = (u * per_unit).astype(np.int32) + coat.offset[1]
    return field.ravel().take(((rows & 511) << 9) | (columns & 511))


def body_markings(coat: Coat, x: Array, y: Array, z: Array, girth: float) -> tuple[Array, Array | None]:
    """Give, for points of the body, how far the marking and a third colour cover the ground colour, 0 to 1."""
    match coat.pattern:
        case "striped":
            wave = np.sin(z * np.float32(7.5 / coat.scale) + 2.4 * mottle(coat, z, y, 1.1) + y * np.float32(1.3))
            return soft_step(wave - 0.15, 0.45) * soft_step(y - 0.3 * girth, 0.7) * np.float32(0.85), None
        case "patched" | "tricolour":
            here = soft_step(mottle(coat, z + 0.5 * x, y + 0.6 * x, 1.7) - 0.12, 0.06)
            if coat.pattern == "patched":
                return here, None
            return here, soft_step(mottle(coat, z - 0.5 * x, y - 0.4 * x, 1.4, shift=250) - 0.2, 0.06)
        case "spotted":
            return soft_step(mottle(coat, z + 0.7 * x, y + 0.7 * x, 0.42) - 0.28, 0.08), None
        case "two-tone":
            return soft_step(0.95 * girth - y + 0.25 * mottle(coat, z, x, 0.8), 0.35), None
    return np.zeros_like(x), None


def head_markings(coat: Coat, x: Array, y: Array, z: Array) -> tuple[Array, Array | None]:
    """Give the same for points of the head, whose radius is 1."""
    match coat.pattern:
        case "striped":
            brow = soft_step(np.sin(np.abs(x) * 11 + 1.9 + 0.6 * y) - 0.1, 0.45) * soft_step(y - 0.32, 0.18)
            cheek = soft_step(np.sin(y * 8 + np.abs(x) * 4) - 0.2, 0.5) * soft_step(np.abs(x) - 0.62, 0.1)
            return np.maximum(brow, cheek) * np.float32(0.85), None
        case "patched" | "tricolour":
            side = x if coat.offset[0] % 2 else -x
            here = soft_step(side - 0.12 + 0.3 * mottle(coat, x, y, 0.8), 0.05) * soft_step(y + 0.22, 0.08)
            if coat.pattern == "patched":
                return here, None
            return here, soft_step(-side - 0.2, 0.05) * soft_step(y - 0.1, 0.06)
        case "spotted":
            return soft_step(mottle(coat, x + 0.7 * z, y + 0.7 * z, 0.34) - 0.36, 0.1) * soft_step(y + 0.1, 0.2), None
        case "two-tone":
            return soft_step(-0.12 - y + 0.35 * np.abs(x) + 0.1 * mottle(coat, x, y, 0.6), 0.12), None
        case "pointed":
            return soft_step(0.62 - np.sqrt(x * x + 1.2 * (y + 0.3) ** 2), 0.3), None
    return np.zeros_like(x), None
