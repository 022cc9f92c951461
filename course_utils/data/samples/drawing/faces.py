"""The faces of cats and dogs: eyes, mouths, whiskers, and the inside of the ears."""

import numpy as np

from course_utils.data.samples.drawing.animals import PINK, Animal
from course_utils.data.samples.drawing.canvas import Canvas, curve
from course_utils.data.samples.drawing.colours import Colour, Light, dimmed
from course_utils.data.samples.drawing.sculpture import Frame, rotation

DARK: Colour = (0.13, 0.10, 0.10)


def draw_ears(animal: Animal, head: Frame, canvas: Canvas) -> None:
    """The pink inside of ears that stand up."""
    if animal.ears not in ("pointed", "pricked") or animal.sheet:
        return
    e = animal.ear_size
    tone = np.array(PINK) * 0.55 + np.array(animal.coat.ground) * 0.4
    inner: Colour = (float(tone[0]), float(tone[1]), float(tone[2]))
    for side in (-1, 1):
        if animal.species == "cat":
            centre, tilt, wide, high = (side * 0.665, 0.72 + 0.2 * e, 0.26), -20, 0.26, 0.4 * e
        else:
            centre, tilt, wide, high = (side * 0.59, 0.76 + 0.28 * e, 0.2), -11, 0.2, 0.42 * e
        ear = head.inside(np.array(centre), rotation(yaw=side * 22, roll=side * tilt))
        canvas.patch(
            ear.origin, ear.direction(wide, 0, 0), ear.direction(0, high, -0.18), inner, "ear", opacity=0.85, soft=0.25
        )


def draw_face(animal: Animal, head: Frame, canvas: Canvas, light: Light) -> None:
    """Eyes, mouth and whiskers."""
    for side in (-1, 1):
        (cat_eye if animal.species == "cat" else dog_eye)(animal, head, canvas, side, light)
    if not animal.sheet:
        (cat_mouth if animal.species == "cat" else dog_mouth)(animal, head, canvas)
    draw_nose_shine(animal, head, canvas)
    if animal.wrinkles:
        draw_wrinkles(head, canvas)


def closed_eye(eye: Frame, size: float, canvas: Canvas) -> None:
    """A curve of lashes."""
    points = curve(eye.point(-size, 0.1 * size, 0), eye.point(0, -0.7 * size, 0.05), eye.point(size, 0.1 * size, 0))
    canvas.strokes([points], max(1.2, 0.07 * eye.unit), DARK, 0.9)


def cat_eye(animal: Animal, head: Frame, canvas: Canvas, side: int, light: Light) -> None:
    """A big almond with a slit pupil."""
    size = animal.eye_size
    eye = head.inside(np.array([side * 0.42, 0.06, 0.8]), rotation(yaw=side * 24, pitch=4, roll=side * 6))
    if eye.axes[2, 2] < 0.12:
        return
    if animal.asleep:
        closed_eye(eye, size, canvas)
        return
    across, up = eye.direction(size, 0, 0), eye.direction(0, size * 0.86, 0)
    near = 0.3 * eye.unit
    canvas.patch(eye.origin, across * 1.2, up * 1.16, DARK, "almond", tolerance=near)
    canvas.patch(eye.origin, across * 1.04, up, dimmed(animal.eyes, 0.72), "almond", tolerance=near)
    canvas.patch(eye.point(0, -0.22 * size, 0), across * 0.8, up * 0.66, animal.eyes, soft=0.6, tolerance=near)
    look = eye.point(animal.gaze[0] * size, animal.gaze[1] * size, 0.01)
    canvas.patch(look, across * animal.pupil, up * 0.86, (0.05, 0.04, 0.05), tolerance=near)
    glint = -0.32 if light.towards[0] < 0 else 0.32
    canvas.patch(eye.point(glint * size, 0.36 * size, 0.02), across * 0.2, up * 0.22, (1, 1, 1), tolerance=near, opacity=0.95)
    canvas.patch(
        eye.point(-glint * 0.9 * size, -0.4 * size, 0.02), across * 0.12, up * 0.12, (1, 1, 1), tolerance=near, opacity=0.5
    )


def dog_eye(animal: Animal, head: Frame, canvas: Canvas, side: int, light: Light) -> None:
    """A round dark eye under a brow."""
    size = animal.eye_size
    eye = head.inside(np.array([side * 0.37, 0.14, 0.8]), rotation(yaw=side * 22, roll=-side * 8))
    if eye.axes[2, 2] < 0.12:
        return
    if animal.asleep:
        closed_eye(eye, size * 1.2, canvas)
        return
    across, up = eye.direction(size, 0, 0), eye.direction(0, size, 0)
    near = 0.3 * eye.unit
    if animal.sheet:
        canvas.patch(eye.origin, across * 1.7, up * 1.7, DARK, tolerance=near)
    canvas.patch(eye.origin, across * 1.28, up * 1.15, DARK, "almond", tolerance=near)
    canvas.patch(eye.origin, across * 1.08, up * 0.9, (0.80, 0.76, 0.72), "almond", tolerance=near)
    look = eye.point(animal.gaze[0] * size, animal.gaze[1] * size, 0.01)
    canvas.patch(look, across * 0.94, up * 1.0, dimmed(animal.eyes, 0.5), tolerance=near)
    canvas.patch(look, across * 0.86, up * 0.9, animal.eyes, tolerance=near)
    canvas.patch(look, across * animal.pupil, up * animal.pupil, (0.05, 0.04, 0.05), tolerance=near)
    glint = -0.3 if light.towards[0] < 0 else 0.3
    canvas.patch(eye.point(glint * size, 0.36 * size, 0.02), across * 0.26, up * 0.26, (1, 1, 1), tolerance=near, opacity=0.95)


def cat_mouth(animal: Animal, head: Frame, canvas: Canvas) -> None:
    """The mouth below the nose, and long whiskers."""
    out = animal.muzzle
    line = max(1.0, 0.035 * head.unit)
    if abs(animal.head_yaw) < 62:
        under = head.point(0, -0.31, 1.0 + out)
        fork = head.point(0, -0.42, 1.0 + out)
        lips = [curve(fork, head.point(s * 0.1, -0.55, 0.98 + out), head.point(s * 0.28, -0.48, 0.9 + out)) for s in (-1, 1)]
        canvas.strokes([np.stack([under, fork]), *lips], line, DARK, 0.7)
    hairs = []
    for side in (-1, 1):
        for row in (-1, 0, 1):
            root = head.point(side * 0.26, -0.38 - 0.06 * row, 0.92 + out)
            bend = head.point(side * 0.8, -0.36 - 0.14 * row, 0.9)
            tip = head.point(side * 1.35, -0.46 - 0.3 * row, 0.62)
            if side * animal.head_yaw < 55:
                hairs.append(curve(root, bend, tip))
    pale = sum(animal.coat.ground) < 2.3
    canvas.strokes(hairs, max(0.7, 0.02 * head.unit), (0.97, 0.96, 0.94) if pale else (0.35, 0.32, 0.32), 0.75)


def dog_mouth(animal: Animal, head: Frame, canvas: Canvas) -> None:
    """The line from the nose down and round the lips."""
    out = animal.muzzle
    lips = []
    if abs(animal.head_yaw) < 55:
        fork = head.point(0, -0.5, 1.02 + out)
        lips.append(np.stack([head.point(0, -0.26, 1.08 + out), fork]))
        lips += [curve(fork, head.point(s * 0.22, -0.64, 0.95 + out), head.point(s * 0.4, -0.52, 0.7 + out)) for s in (-1, 1)]
    else:
        s = -1 if animal.head_yaw > 0 else 1
        lips.append(
            curve(head.point(s * 0.1, -0.5, 1.0 + out), head.point(s * 0.4, -0.6, 0.7 + out), head.point(s * 0.5, -0.42, 0.5))
        )
    canvas.strokes(lips, max(1.0, 0.04 * head.unit), DARK, 0.7)


def draw_wrinkles(head: Frame, canvas: Canvas) -> None:
    """Folds over the eyes and the nose."""
    folds = []
    for high, wide in ((0.34, 0.16), (0.5, 0.26), (0.66, 0.2)):
        ends = [head.point(side * wide, high + 0.06, 0.98 * (1 - (high - 0.05) ** 2) ** 0.5 - 0.08) for side in (-1, 1)]
        folds.append(curve(ends[0], head.point(0, high - 0.1, 0.9), ends[1]))
    if abs(head.axes[0, 2]) < 0.75:
        canvas.strokes(folds, max(1.0, 0.045 * head.unit), DARK, 0.45)


def draw_nose_shine(animal: Animal, head: Frame, canvas: Canvas) -> None:
    """The gleam of a wet nose."""
    size, at = (0.05, (0, -0.2, 1.02)) if animal.species == "cat" else (0.07, (0, -0.03, 1.15))
    spot = head.point(at[0], at[1], at[2] + animal.muzzle)
    canvas.patch(spot, head.direction(size, 0, 0), head.direction(0, size * 0.5, 0), (1, 1, 1), opacity=0.55, soft=0.7)
