"""The bodies of cats and dogs in four poses; lengths are in radii of the head, z is forward, the ground is y = 0."""

import numpy as np

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.canvas import curve
from course_utils.data.samples.drawing.parts import Part, Point, ball, cone
from course_utils.data.samples.drawing.sculpture import Ball, Cone, Frame, Shape

Posed = tuple[list[Shape], Point, Point, Point]


def leg(frame: Frame, x: float, top: float, z: float, foot_z: float, thick: float, lean: float = 0.0) -> list[Shape]:
    """A leg from its top to a paw on the ground; `lean` bends the joint forward (front legs) or backward (hind legs)."""
    knee = (x, 0.5 * top, 0.5 * (z + foot_z) + lean)
    return [
        cone(frame, (x, top, z), knee, thick * 1.25, thick * 0.95, Part.LEG, 0.2),
        cone(frame, knee, (x, 0.22, foot_z), thick * 0.95, thick * 0.8, Part.LEG, 0.12),
        *paw(frame, x, foot_z + 0.1, thick),
    ]


def paw(frame: Frame, x: float, z: float, thick: float) -> list[Shape]:
    """A paw with a hint of toes."""
    toes = [
        ball(frame, (x + side * thick * 0.55, 0.13, z + 0.24), (thick * 0.45, 0.13, 0.16), Part.LEG, 0) for side in (-1, 0, 1)
    ]
    return [ball(frame, (x, 0.17, z), (thick * 1.1, 0.18, 0.3), Part.LEG, 0.06), *toes]


def stand(animal: Animal, body: Frame) -> Posed:
    """On four legs."""
    g, half = animal.girth, animal.length / 2
    height = animal.legs + 0.75 * g
    thick = 0.27 * g + 0.04
    shapes: list[Shape] = [
        cone(body, (0, height, half * 0.8), (0, height - 0.05, -half * 0.75), g * 0.92, g * 0.85, Part.BODY, 0.2),
        ball(body, (0, height + 0.02, half * 0.8), (g * 0.86, g * 1.02, g * 0.9), Part.BODY, 0.2),
        ball(body, (0, height - 0.05, -half * 0.85), (g * 0.86, g * 0.95, g * 0.85), Part.BODY, 0.2),
    ]
    for side in (-1, 1):
        swing = animal.stride * side
        shapes += leg(body, side * 0.5 * g, height - 0.35 * g, half * 0.85, half * 0.85 + swing, thick)
        shapes += leg(body, side * 0.5 * g, height - 0.3 * g, -half * 0.9, -half - swing, thick * 1.1, lean=-0.12)
        shapes.append(
            ball(body, (side * 0.55 * g, height - 0.35 * g, -half * 0.9), (0.4 * g, 0.72 * g, 0.6 * g), Part.BODY, 0.2)
        )
    chest = (0.0, height + 0.3 * g, half * 0.9)
    return shapes, chest, (0, height + 1.15 * g + 0.3 + animal.neck, half + 0.55), (0, height + 0.35 * g, -half - 0.45 * g)


def sit(animal: Animal, body: Frame) -> Posed:
    """On its haunches, front legs straight."""
    g = animal.girth
    tall = 1.5 * g + 0.45 * animal.legs
    thick = 0.27 * g + 0.02
    shapes: list[Shape] = [
        ball(body, (0, 0.92 * g, -0.6), (1.08 * g, 0.95 * g, 1.0 * g), Part.BODY, 0.3),
        cone(body, (0, 0.95 * g, -0.45), (0, tall, 0.22), g, 0.8 * g, Part.BODY, 0.3),
        ball(body, (0, tall - 0.15, 0.3), (0.78 * g, 0.9 * g, 0.72 * g), Part.BODY, 0.25),
    ]
    for side in (-1, 1):
        shapes += leg(body, side * 0.42 * g, tall - 0.25, 0.5, 0.62, thick)
        shapes.append(ball(body, (side * 0.82 * g, 0.62 * g, -0.25), (0.4 * g, 0.62 * g, 0.72), Part.BODY, 0.15))
        shapes += paw(body, side * 0.88 * g, 0.42, thick * 1.05)
    return shapes, (0, tall, 0.3), (0, tall + 0.85 * g + 0.38 + animal.neck, 0.55), (0, 0.3, -0.6 - 0.8 * g)


def lie(animal: Animal, body: Frame) -> Posed:
    """On its belly, head up, front legs stretched out."""
    g, half = animal.girth, animal.length / 2
    thick = 0.27 * g + 0.02
    shapes: list[Shape] = [
        cone(body, (0, 0.85 * g, half * 0.7), (0, 0.85 * g, -half * 0.7), g * 0.88, g * 0.95, Part.BODY, 0.3),
        ball(body, (0, 0.95 * g, half * 0.75), (0.85 * g, 0.95 * g, 0.85 * g), Part.BODY, 0.3),
    ]
    for side in (-1, 1):
        out = side * 0.5 * g
        shapes.append(cone(body, (out, 0.6, half * 0.8), (out, 0.24, half + 1.1), thick * 1.25, thick * 0.9, Part.LEG, 0.15))
        shapes += paw(body, out, half + 1.2, thick)
        shapes.append(ball(body, (side * 0.8 * g, 0.62 * g, -half * 0.7), (0.42 * g, 0.62 * g, 0.78), Part.BODY, 0.15))
        shapes += paw(body, side * 1.0 * g, -half * 0.7 + 0.75, thick * 1.05)
    return shapes, (0, 1.1 * g, half * 0.8), (0, 1.7 * g + 0.5 + animal.neck, half + 0.35), (0, 0.35, -half * 0.7 - 0.85 * g)


def rest(animal: Animal, body: Frame) -> Posed:
    """Lie with the head on the front paws."""
    shapes, chest, _, tail_at = lie(animal, body)
    return shapes, chest, (0, 0.95, animal.length / 2 + 0.95), tail_at


POSES = {"sit": sit, "stand": stand, "lie": lie, "rest": rest}


def neck(animal: Animal, body: Frame, head: Frame, chest: Point) -> list[Shape]:
    """The neck from the chest to the back of the head, and the collar round it."""
    bottom, top = body.point(*chest), head.point(0, -0.2, -0.35)
    thick = 0.66 * (0.5 + 0.5 * animal.girth)
    shapes: list[Shape] = [Cone(bottom, top, thick * 1.12, thick * 0.95, Part.BODY, 0.25)]
    if animal.collar is not None:
        along = (top - bottom) / max(float(np.linalg.norm(top - bottom)), 1e-6)
        side = body.direction(1, 0, 0)
        side -= along * (side @ along)
        side /= np.linalg.norm(side)
        ahead = np.cross(side, along)
        middle = bottom + 0.5 * (top - bottom)
        ring = np.stack([side * thick * 1.2, along * 0.17, ahead * thick * 1.2], axis=1)
        shapes.append(Ball(middle, ring, Part.COLLAR, furry=False))
        front = ahead if ahead @ body.direction(0, 0, 1) > 0 else -ahead
        shapes.append(Ball(middle + front * thick * 1.2 - along * 0.2, np.eye(3) * 0.15, Part.TAG, furry=False))
    return shapes


TAILS = {  # how thick it is along its way
    "plain": (1, 1.1, 0.95, 0.6),
    "curled": (1, 1.35, 1.3, 0.8),
    "plumed": (1, 1.6, 1.7, 0.7),
    "pompom": (0.7, 0.6, 0.6, 0.6),
}


def tail(animal: Animal, body: Frame, at: Point) -> list[Shape]:
    """A tail along a curve: up in the air where the animal stands, else round it on the ground."""
    x, y, z = at
    reach, lift = animal.tail, animal.tail_lift
    if animal.tail_kind == "stub":
        return [ball(body, (x, y + 0.05, z - 0.05), (0.3, 0.28, 0.3), Part.TAIL, 0.1)]
    side = 1.0 if animal.gaze[0] > 0 else -1.0
    if animal.tail_kind == "curled":
        up = max(y, 0.9)
        turns = ((0.0, 0.25, -0.5), (0.1 * side, 0.95, -0.1), (0.35 * side, 0.2, 0.25))
        corners = [(x, y, z), *((x + dx * reach, up + dy * reach, z + dz * reach) for dx, dy, dz in turns)]
    elif animal.pose == "stand" or (animal.species == "dog" and lift > 0.5):
        rise = 0.2 + lift
        corners = [
            (x, y, z),
            (x, y + 0.1, z - 0.4 * reach),
            (x, y + rise * reach * 0.6, z - 0.55 * reach),
            (x + side * 0.3, y + rise * reach * 0.8, z - 0.25 * reach),
        ]
    else:
        corners = [
            (x, y, z),
            (side * 0.6 * reach, 0.1, z - 0.5),
            (side * 0.75 * reach, 0.15, z + 0.6),
            (side * 0.5 * reach, 0.2, z + 0.4 * reach + 0.4),
        ]
    points = curve(*(np.array(corner) for corner in corners), steps=5)
    thick = 0.17 + 2.2 * animal.fluff + (0.04 if animal.species == "dog" else 0.0)
    radii = thick * np.interp(np.linspace(0, 1, 6), [0, 0.5, 0.85, 1], TAILS[animal.tail_kind])
    pompom = [ball(body, tuple(points[-1]), (0.42, 0.42, 0.42), Part.TAIL, 0.05)] if animal.tail_kind == "pompom" else []
    return pompom + [
        cone(body, tuple(p), tuple(q), r0, r1, Part.TAIL, 0.08)
        for p, q, r0, r1 in zip(points, points[1:], radii, radii[1:], strict=False)
    ]
