"""Cats and dogs built from balls and cones."""

import numpy as np

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.bodies import POSES, neck, tail
from course_utils.data.samples.drawing.heads import cat_head, dog_head
from course_utils.data.samples.drawing.parts import Model
from course_utils.data.samples.drawing.sculpture import Frame, rotation


def build(animal: Animal) -> Model:
    """Build an animal that stands on the ground at the origin."""
    camera = rotation(pitch=-animal.camera)
    body = Frame(np.zeros(3), camera @ rotation(yaw=animal.body_yaw))
    shapes, chest, head_at, tail_at = POSES[animal.pose](animal, body)
    head = Frame(body.point(*head_at), rotation(animal.head_yaw, animal.head_pitch - 0.5 * animal.camera, animal.head_roll))
    shapes += neck(animal, body, head, chest) + tail(animal, body, tail_at)
    shapes += (cat_head if animal.species == "cat" else dog_head)(animal, head)
    return Model(shapes, body, head)
