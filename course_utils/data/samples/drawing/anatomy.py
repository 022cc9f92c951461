"""Cats and dogs built from balls and cones."""

from dataclasses import replace

import numpy as np

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.bodies import POSES, neck, tail
from course_utils.data.samples.drawing.heads import cat_head, dog_head
from course_utils.data.samples.drawing.parts import Model, Part
from course_utils.data.samples.drawing.sculpture import Cone, Frame, Shape, Vector, rotation


def build(animal: Animal) -> Model:
    """Build an animal that stands on the ground at the origin."""
    camera = rotation(pitch=-animal.camera)
    body = Frame(np.zeros(3), camera @ rotation(yaw=animal.body_yaw))
    shapes, chest, head_at, tail_at = POSES[animal.pose](animal, body)
    head = Frame(body.point(*head_at), rotation(animal.head_yaw, animal.head_pitch - 0.5 * animal.camera, animal.head_roll))
    shapes += neck(animal, body, head, chest) + tail(animal, body, tail_at)
    shapes += (cat_head if animal.species == "cat" else dog_head)(animal, head)
    return Model(draped(shapes, body, head) if animal.sheet else shapes, body, head)


def draped(shapes: list[Shape], body: Frame, head: Frame) -> list[Shape]:
    """Hang a sheet over an animal: from its head and every part of its trunk down to the ground."""
    up = body.direction(0, 1, 0)

    def hanging(point: Vector, radius: float) -> Shape:
        foot = point - up * max(float((point - body.origin) @ up) - 0.15, 0.0)
        return Cone(point, foot, radius, 1.25 * radius, Part.BODY, 0.4)

    sheet: list[Shape] = [hanging(head.point(0, 0, -0.1), 0.9)]
    for shape in shapes:
        if shape.part == Part.BODY:
            sheet.append(shape)
            if isinstance(shape, Cone):
                sheet += [hanging(shape.start, shape.start_radius), hanging(shape.end, shape.end_radius)]
        elif shape.part in (Part.HEAD, Part.MUZZLE, Part.EAR):
            sheet.append(replace(shape, part=Part.HEAD, blend=max(shape.blend, 0.25)))
        elif shape.part == Part.NOSE:
            sheet.append(shape)
    return sheet
