"""A drawn photograph: an animal in a place, framed, lit, and a little imperfect."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from course_utils.data.samples.drawing.anatomy import build
from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.colours import Light
from course_utils.data.samples.drawing.noise import Array, noise_like
from course_utils.data.samples.drawing.parts import Model, Part
from course_utils.data.samples.drawing.portraits import paint
from course_utils.data.samples.drawing.scenery import Scene, paint_scene, random_scene

ASPECTS = ((4, 3), (3, 2), (5, 4), (1, 1), (4, 5), (3, 4), (2, 3))
SHORTEST, LONGEST = 180, 500  # sides of a picture, in pixels


@dataclass(frozen=True)
class Shot:
    """All of a photograph but the animal."""

    width: int
    height: int
    closeness: Literal["whole", "bust", "face"]
    fill: float  # how much of the picture the animal takes, 0..1
    place: tuple[float, float]  # where it is in the room that is left, 0..1 from left and top
    scene: Scene
    light: Light
    exposure: float
    warmth: float
    vignette: float
    blur: float  # in pixels
    noise: float
    quality: int  # of the JPEG


def random_shot(rng: np.random.Generator) -> Shot:
    """Draw a shot; which animal will be in it plays no part."""
    wide, high = ASPECTS[rng.integers(len(ASPECTS))]
    scale = rng.triangular(200, 220, LONGEST) / max(wide, high)
    closeness = rng.choice(["whole", "bust", "face"], p=[0.46, 0.32, 0.22])
    warmth = float(rng.normal(0, 0.05))
    towards = (float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.8)), 0.75, 0.75)
    return Shot(
        width=max(SHORTEST, round(wide * scale)),
        height=max(SHORTEST, round(high * scale)),
        closeness=closeness,
        fill=float(rng.uniform(0.82, 0.98)),
        place=(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.4, 0.9) if closeness == "whole" else rng.uniform(0.3, 0.7))),
        scene=random_scene(rng),
        light=Light(towards, (1.1 + warmth, 1.06, 1.02 - warmth), (0.47, 0.44, 0.54)),
        exposure=float(np.clip(np.exp(rng.normal(0.0, 0.14)), 0.7, 1.12)),
        warmth=float(rng.normal(0, 0.05)),
        vignette=float(rng.uniform(0.05, 0.25)) if rng.random() < 0.5 else 0.0,
        blur=float(rng.uniform(0.4, 0.9)) if rng.random() < 0.12 else 0.0,
        noise=float(rng.uniform(2, 5)) if rng.random() < 0.3 else 0.0,
        quality=int(rng.integers(78, 95)),
    )


def take(shot: Shot, animal: Animal, rng: np.random.Generator) -> Image.Image:
    """Draw one photograph, RGB, of the shot's width and height."""
    model = framed(build(animal), shot)
    ground = float(np.clip(-model.body.origin[1], 0.5 * shot.height, 1.3 * shot.height))
    pixels = paint_scene(shot.scene, shot.width, shot.height, ground, rng)
    cast_shadow(pixels, model)
    paint(animal, model, pixels, shot.light, rng)
    return developed(pixels, shot)


def framed(model: Model, shot: Shot) -> Model:
    """Scale and move a model so that what the shot is of lies in the picture."""
    if shot.closeness == "whole":
        left, right, bottom, top = model.bounds(set(Part) - {Part.TAIL})
    else:
        left, right, bottom, top = model.bounds({Part.HEAD, Part.EAR, Part.MUZZLE, Part.NOSE, Part.CAP})
    if shot.closeness == "bust":
        left, right, bottom = left - 0.3, right + 0.3, bottom - 1.4
    scale = shot.fill * min(shot.width / (right - left), shot.height / (top - bottom))
    room_x, room_y = shot.width - scale * (right - left), shot.height - scale * (top - bottom)
    return model.zoomed(scale, np.array([room_x * shot.place[0] - scale * left, -room_y * shot.place[1] - scale * top, 0.0]))


def cast_shadow(pixels: Array, model: Model) -> None:
    """Darken the ground under an animal, in place."""
    height, width = pixels.shape[1:]
    left, right, bottom, _ = model.bounds({Part.BODY, Part.LEG})
    wide, high = 0.58 * (right - left), max(0.12 * (right - left), 0.45 * model.head.unit)
    x, y = (left + right) / 2, -bottom - 0.6 * high
    x0, x1 = np.clip([x - 1.1 * wide, x + 1.1 * wide], 0, width).astype(int)
    y0, y1 = np.clip([y - 1.1 * high, y + 1.1 * high], 0, height).astype(int)
    across = (np.arange(x0, x1, dtype=np.float32)[None] - np.float32(x)) / np.float32(wide)
    down = (np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(y)) / np.float32(high)
    pixels[:, y0:y1, x0:x1] *= np.minimum(np.float32(0.45) + np.float32(0.5) * (across * across + down * down), 1)


def developed(pixels: Array, shot: Shot) -> Image.Image:
    """Give the picture the exposure, tint, vignette, noise and blur of its shot."""
    height, width = pixels.shape[1:]
    gains = 255 * shot.exposure * np.array([1 + shot.warmth, 1, 1 - shot.warmth], dtype=np.float32)
    pixels *= gains[:, None, None]
    if shot.vignette:
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        pixels *= 1 - np.float32(shot.vignette) * (x * x + y * y)
    if shot.noise:
        pixels += noise_like((height, width), (1.5, 1.5), (round(40 * shot.fill), round(700 * shot.exposure))) * np.float32(
            shot.noise
        )
    np.clip(pixels, 0, 255, out=pixels)
    image = Image.merge("RGB", [Image.fromarray(channel) for channel in pixels.astype(np.uint8)])
    return image.filter(ImageFilter.GaussianBlur(shot.blur)) if shot.blur else image
