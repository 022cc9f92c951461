"""The heads of cats and dogs; the skull has the radius 1, x is to its left, y up, z forward."""

import numpy as np

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.parts import Part, ball, cone
from course_utils.data.samples.drawing.sculpture import Frame, Shape, rotation


def cat_head(animal: Animal, head: Frame) -> list[Shape]:
    """A round head with a flat face, two pads for the whiskers and pointed ears."""
    wide, out, e = animal.muzzle_width, animal.muzzle, animal.ear_size
    shapes: list[Shape] = [ball(head, (0, 0, 0), (1.0, 0.87, 0.86), Part.HEAD)]
    for side in (-1, 1):
        shapes.append(ball(head, (side * 0.52, -0.3, 0.3), (0.5 * wide, 0.42, 0.45), Part.HEAD, 0.25))
        shapes.append(ball(head, (side * 0.18 * wide, -0.38, 0.78 + out), (0.25 * wide, 0.2, 0.22), Part.MUZZLE, 0.07))
        if animal.ears == "folded":
            shapes.append(cone(head, (side * 0.6, 0.55, 0), (side * 0.72, 0.88, 0.1), 0.36, 0.2, Part.EAR))
            shapes.append(cone(head, (side * 0.7, 0.86, 0.1), (side * 0.82, 0.62, 0.5), 0.2, 0.07, Part.EAR, 0.05))
        else:
            shapes.append(
                cone(head, (side * 0.54, 0.48, -0.02), (side * 0.82, 0.55 + 0.78 * e, 0.0), 0.42, 0.035, Part.EAR, 0.12)
            )
    shapes.append(ball(head, (0, -0.17, 0.62 + out), (0.24, 0.3, 0.3), Part.HEAD, 0.2))
    shapes.append(ball(head, (0, -0.58, 0.62 + out), (0.22, 0.16, 0.2), Part.MUZZLE, 0.08))
    shapes.append(ball(head, (0, -0.24, 0.93 + out), (0.12, 0.075, 0.09), Part.NOSE, 0))
    return shapes


def dog_head(animal: Animal, head: Frame) -> list[Shape]:
    """A longer head with a muzzle that stands out, a big nose, and ears of several kinds."""
    wide, out = animal.muzzle_width, animal.muzzle
    shapes: list[Shape] = [
        ball(head, (0, 0.05, 0), (0.88, 0.86, 0.86), Part.HEAD),
        cone(head, (0, -0.22, 0.4), (0, -0.3, 0.78 + out), 0.5 * wide, 0.32 * wide, Part.MUZZLE, 0.2),
        ball(head, (0, -0.1, 1.03 + out), (0.2, 0.14, 0.14), Part.NOSE, 0),
        ball(head, (0, -0.6, 0.55 + 0.75 * out), (0.24 * wide, 0.17, 0.36), Part.MUZZLE, 0.06),
    ]
    for side in (-1, 1):
        shapes.append(ball(head, (side * 0.45, -0.25, 0.2), (0.42, 0.42, 0.45), Part.HEAD, 0.25))
        shapes.append(ball(head, (side * 0.17 * wide, -0.4, 0.72 + out), (0.22 * wide, 0.22, 0.3), Part.MUZZLE, 0.08))
        shapes += dog_ear(animal, head, side)
    if animal.mouth_open:
        shapes.append(ball(head, (0, -0.66, 0.6 + 0.8 * out), (0.22 * wide, 0.22, 0.34), Part.MOUTH, 0))
        shapes.append(ball(head, (0, -0.78, 0.78 + 0.85 * out), (0.15 * wide, 0.24, 0.12), Part.TONGUE, 0))
    if animal.cap is not None:
        shapes += cap(head)
    if animal.crest:
        shapes.append(ball(head, (0, 0.62, -0.08), (0.66, 0.32 + animal.crest, 0.62), Part.HEAD, 0.12))
    if animal.beard:
        for side in (-1, 1):
            whisker = (0.3 * wide, 0.3 + 0.3 * animal.beard, 0.3)
            shapes.append(ball(head, (side * 0.26, -0.5, 0.62 + out), whisker, Part.MUZZLE, 0.1))
        shapes.append(ball(head, (0, -0.66, 0.6 + 0.8 * out), (0.3 * wide, 0.2 + animal.beard, 0.32), Part.MUZZLE, 0.1))
    return shapes


def cap(head: Frame) -> list[Shape]:
    """A woollen cap with a bobble, pulled over the ears."""
    return [
        ball(head, (0, 0.42, -0.1), (0.97, 0.78, 0.92), Part.CAP, 0.05),
        ball(head, (0, 0.4, -0.06), (1.04, 0.2, 1.0), Part.BOBBLE, 0),
        ball(head, (0, 1.3, -0.12), (0.3, 0.3, 0.3), Part.BOBBLE, 0),
    ]


def dog_ear(animal: Animal, head: Frame, side: int) -> list[Shape]:
    """One ear: hanging, with a folded tip, or standing."""
    e = animal.ear_size
    match animal.ears:
        case "floppy":
            hang = head.inside(np.array([side * 0.82, 0.42, -0.05]), rotation(roll=side * 14))
            return [
                ball(hang, (0, -0.05, 0), (0.24, 0.26, 0.34), Part.EAR, 0.12),
                ball(hang, (side * 0.06, -0.52 * e, 0.06), (0.2, 0.62 * e, 0.36), Part.EAR, 0.1),
            ]
        case "folded":
            return [
                cone(head, (side * 0.6, 0.5, 0), (side * 0.8, 0.92, 0.02), 0.34, 0.22, Part.EAR),
                cone(head, (side * 0.8, 0.94, 0.04), (side * 0.98, 0.94 - 0.5 * e, 0.42), 0.24, 0.06, Part.EAR, 0.04),
            ]
        case "hidden":
            return []
        case _:
            return [cone(head, (side * 0.5, 0.5, -0.05), (side * 0.68, 0.7 + 0.85 * e, -0.02), 0.36, 0.07, Part.EAR)]
