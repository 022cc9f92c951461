"""From a model of an animal to its picture: the colours of the coat, light and shade, and the face."""

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.breed_coats import BREED_COATS
from course_utils.data.samples.drawing.canvas import Canvas
from course_utils.data.samples.drawing.coats import Coat, body_markings, head_markings, soft_step
from course_utils.data.samples.drawing.colours import Colour, Light
from course_utils.data.samples.drawing.faces import DARK, draw_ears, draw_face
from course_utils.data.samples.drawing.noise import Array, noise_like
from course_utils.data.samples.drawing.parts import Model, Part
from course_utils.data.samples.drawing.sculpture import Frame, Sculpture, creases, facing

THIRD: Colour = (0.20, 0.18, 0.19)  # of a tricolour coat


def paint(animal: Animal, model: Model, pixels: Array, light: Light, rng: np.random.Generator) -> None:
    """Draw a model, scaled to pixels, into a picture (3 x height x width, 0..1) in place."""
    height, width = pixels.shape[1:]
    unit = model.head.unit
    corner = (int(rng.integers(1024)), int(rng.integers(1024)))
    hair = noise_like((height, width), (CURLS if animal.curls else HAIRS)[int(unit > 70)], corner)
    sculpture = Sculpture(width, height, hair * np.float32(unit * animal.fluff))
    for shape in model.shapes:
        sculpture.add(shape)
    window = sculpture.crop()
    depth, part, alpha = sculpture.depth[window], sculpture.part[window], sculpture.coverage()[window]
    colours = coat_colours(animal, model, depth, part, window)
    shade(colours, depth, alpha, hair[window] * np.float32(0.04 + animal.fluff), light, unit)
    for channel, colour in zip(pixels, colours, strict=True):
        channel[window] += alpha * (colour - channel[window])
    canvas = Canvas(pixels, sculpture.depth)
    draw_ears(animal, model.head, canvas)
    draw_face(animal, model.head, canvas, light)


HAIRS = ((6.0, 2.0), (11.0, 3.0))  # height and width in pixels, for animals that are small and large in the picture
CURLS = ((4.0, 4.0), (8.0, 8.0))


def local(frame: Frame, depth: Array, window: tuple[slice, slice]) -> tuple[Array, Array, Array]:
    """Give where on the animal each pixel of a window lies: x, y and z in a frame of the model."""
    rows, columns = window
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] + np.float32(0.5 - frame.origin[0])
    y = -np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(0.5 + frame.origin[1])
    z = depth - np.float32(frame.origin[2])
    found = []
    for wx, wy, wz in (frame.axes.T / frame.unit).tolist():
        coordinate = z * wz
        coordinate += x * wx + y * wy
        found.append(coordinate)
    return found[0], found[1], found[2]


def coat_colours(animal: Animal, model: Model, depth: Array, part: NDArray[np.uint8], window: tuple[slice, slice]) -> Array:
    """Give the colour of each pixel of a window in an even light: 3 x height x width."""
    coat = animal.coat
    colours = body_colours(animal, part, *local(model.body, depth, window))
    of_head = (part >= Part.HEAD) & (part <= Part.EAR)
    if of_head.any():
        rows, columns = np.flatnonzero(of_head.any(axis=1)), np.flatnonzero(of_head.any(axis=0))
        inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        top, left = window[0].start, window[1].start
        place = np.s_[top + rows[0] : top + rows[-1] + 1, left + columns[0] : left + columns[-1] + 1]
        face = head_colours(coat, part[inner], *local(model.head, depth[inner], place))
        for channel, values in zip(colours, face, strict=True):
            np.copyto(channel[inner], values, where=of_head[inner])
    fixed = {
        Part.NOSE: animal.nose,
        Part.COLLAR: animal.collar or DARK,
        Part.TAG: (0.95, 0.80, 0.35),
        Part.TONGUE: (0.92, 0.50, 0.52),
        Part.MOUTH: (0.32, 0.12, 0.13),
        Part.CAP: animal.cap or DARK,
        Part.BOBBLE: (0.94, 0.92, 0.86),
    }
    others = np.flatnonzero(part.ravel() >= Part.NOSE)
    table = np.array([fixed[which] for which in Part if which >= Part.NOSE], dtype=np.float32)
    colours.reshape(3, -1)[:, others] = table[part.ravel()[others] - Part.NOSE].T
    return colours


def dyed(coat: Coat, marking: Array, third: Array | None, pale: Array | None) -> Array:
    """Lay marking, third colour and white over the ground colour of a coat."""
    colours = np.empty((3, *marking.shape), dtype=np.float32)
    for channel, ground, mark, dark, white in zip(colours, coat.ground, coat.marking, THIRD, coat.white, strict=True):
        np.multiply(marking, np.float32(mark - ground), out=channel)
        channel += np.float32(ground)
        if third is not None:
            channel += third * (np.float32(dark) - channel)
        if pale is not None:
            channel += pale * (np.float32(white) - channel)
    return colours


def body_colours(animal: Animal, part: NDArray[np.uint8], x: Array, y: Array, z: Array) -> Array:
    """Give the coat's colour for points of the body, the legs and the tail."""
    coat = animal.coat
    if coat.pattern in BREED_COATS:
        return dyed(coat, *BREED_COATS[coat.pattern][0](animal, part, x, y, z))
    marking, third = body_markings(coat, x, y, z, animal.girth)
    pale = None
    if coat.bib:
        pale = soft_step(0.42 * animal.girth - np.abs(x), 0.15) * soft_step(z - 0.2 * animal.length, 0.3) * (part == Part.BODY)
    if coat.socks:
        socks = soft_step(coat.socks - y, 0.1) * (part == Part.LEG)
        pale = socks if pale is None else np.maximum(pale, socks)
    if coat.pattern == "pointed":
        marking = np.maximum((part == Part.TAIL).astype(np.float32), soft_step(0.7 - y, 0.5) * (part == Part.LEG))
    return dyed(coat, marking, third, pale)


def head_colours(coat: Coat, part: NDArray[np.uint8], x: Array, y: Array, z: Array) -> Array:
    """Give the coat's colour for points of the head and the ears."""
    if coat.pattern in BREED_COATS:
        return dyed(coat, *BREED_COATS[coat.pattern][1](coat, part, x, y, z))
    marking, third = head_markings(coat, x, y, z)
    pale = None
    if coat.blaze:
        stripe = soft_step(np.float32(coat.blaze) + 0.18 * np.maximum(-y, 0) - np.abs(x), 0.06) * soft_step(0.75 - y, 0.2)
        pale = np.maximum(stripe, part == Part.MUZZLE) * (part != Part.EAR)
    elif coat.pattern == "striped":
        pale = (part == Part.MUZZLE) * np.float32(0.45)
    if coat.pattern == "pointed":
        marking = np.maximum(marking, part == Part.EAR)
    return dyed(coat, marking, third, pale)


def shade(colours: Array, depth: Array, alpha: Array, fur: Array, light: Light, unit: float) -> None:
    """Light the colours in place: soft from the side of the light, darker in creases, a bright rim, and a little fur."""
    nx, ny, nz = facing(depth)
    lx, ly, lz = (np.array(light.towards, dtype=np.float32) / np.float32(np.linalg.norm(light.towards))).tolist()
    facing_light = nx * lx + ny * ly + nz * lz
    bright = np.clip(0.42 + 0.62 * facing_light, 0, 1)
    bright *= 1 - 0.6 * creases(depth, alpha > 0, unit)
    fur = fur + np.float32(1)
    rim = 1 - nz
    rim *= rim * np.clip(ny + 0.3, 0, 1)
    # black fur shows its shape by its shine
    shine = (np.float32(0.04) + np.float32(0.16) * rim) * np.clip(facing_light, 0, 1)
    for channel, sun, dark in zip(colours, light.sun, light.shade, strict=True):
        tone = bright * np.float32(sun - dark)
        tone += np.float32(dark)
        tone *= fur
        channel *= tone
        channel += shine
