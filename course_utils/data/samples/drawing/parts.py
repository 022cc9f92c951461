"""The parts of a drawn animal, and the model that they make."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from course_utils.data.samples.drawing.sculpture import Ball, Cone, Frame, Shape, Vector

Point = tuple[float, float, float]


class Part(IntEnum):
    """What a pixel of the animal belongs to; the coat and the fixed colours go by it."""

    BODY = 0
    LEG = 1
    TAIL = 2
    HEAD = 3
    MUZZLE = 4
    EAR = 5
    NOSE = 6
    COLLAR = 7
    TAG = 8
    TONGUE = 9
    MOUTH = 10
    CAP = 11
    BOBBLE = 12


@dataclass
class Model:
    """An animal's shapes, with the frames of its body and its head."""

    shapes: list[Shape]
    body: Frame
    head: Frame

    def zoomed(self, scale: float, shift: Vector) -> "Model":
        """Give this model after the viewer's frame is scaled and then shifted."""
        return Model(
            [shape.zoomed(scale, shift) for shape in self.shapes],
            self.body.zoomed(scale, shift),
            self.head.zoomed(scale, shift),
        )

    def bounds(self, parts: set[Part] | None = None) -> tuple[float, float, float, float]:
        """Give left, right, bottom, top of these parts (default: all)."""
        boxes = np.array([shape.bounds() for shape in self.shapes if parts is None or shape.part in parts])
        return float(boxes[:, 0].min()), float(boxes[:, 1].max()), float(boxes[:, 2].min()), float(boxes[:, 3].max())


def ball(frame: Frame, centre: Point, radii: Point, part: Part, blend: float = 0.1) -> Ball:
    """Put an ellipsoid into a frame, its axes along those of the frame."""
    return Ball(frame.point(*centre), frame.axes @ np.diag(radii) * frame.unit, part, blend * frame.unit, part <= Part.EAR)


def cone(
    frame: Frame,
    start: Point,
    end: Point,
    r0: float,
    r1: float,
    part: Part,
    blend: float = 0.1,
) -> Cone:
    """Put a cone with round ends into a frame."""
    return Cone(frame.point(*start), frame.point(*end), r0 * frame.unit, r1 * frame.unit, part, blend * frame.unit)
