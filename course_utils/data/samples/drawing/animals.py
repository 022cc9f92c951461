"""What a drawn cat or dog is like: its pose, its build, its coat."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from course_utils.data.samples.drawing.coats import Coat, random_coat
from course_utils.data.samples.drawing.colours import Colour

Species = Literal["cat", "dog"]

COLLARS: tuple[Colour, ...] = (
    (0.80, 0.22, 0.22),
    (0.20, 0.42, 0.72),
    (0.22, 0.58, 0.42),
    (0.92, 0.68, 0.20),
    (0.55, 0.32, 0.62),
    (0.9, 0.5, 0.55),
)
CAT_EYES: tuple[Colour, ...] = (
    (0.55, 0.72, 0.30),
    (0.85, 0.72, 0.22),
    (0.80, 0.52, 0.16),
    (0.42, 0.66, 0.82),
    (0.42, 0.68, 0.52),
)
DOG_EYES: tuple[Colour, ...] = (
    (0.36, 0.22, 0.12),
    (0.28, 0.17, 0.10),
    (0.46, 0.29, 0.14),
    (0.58, 0.40, 0.18),
    (0.50, 0.68, 0.84),
)
PINK: Colour = (0.90, 0.58, 0.56)


@dataclass(frozen=True)
class Animal:
    """All that is to be known to draw one animal; lengths are in radii of its head, angles in degrees."""

    species: Species
    pose: Literal["sit", "stand", "lie", "rest"]
    body_yaw: float  # 0 faces the viewer, 90 looks to the right
    head_yaw: float
    head_pitch: float
    head_roll: float
    camera: float  # how steeply the viewer looks down
    girth: float
    legs: float
    length: float
    neck: float
    stride: float
    ears: Literal["pointed", "folded", "floppy", "pricked", "hidden"]  # hidden: under a woollen cap
    ear_size: float
    muzzle: float  # how far it stands out of the face
    muzzle_width: float
    tail: float
    tail_lift: float
    fluff: float
    coat: Coat
    eyes: Colour
    eye_size: float
    pupil: float  # the width of a cat's, the radius of a dog's, as a part of the eye
    nose: Colour
    asleep: bool
    mouth_open: bool
    collar: Colour | None
    gaze: tuple[float, float]
    # what only some breeds of dogs have
    tail_kind: Literal["plain", "stub", "curled", "plumed", "pompom"] = "plain"
    curls: bool = False  # of the whole coat
    crest: float = 0.0  # how far the hair on the head stands up
    beard: float = 0.0  # how far the hair of the chin hangs down
    cap: Colour | None = None
    wrinkles: bool = False  # on the forehead
    sheet: bool = False  # over all of it, with holes for the eyes


def random_animal(rng: np.random.Generator, species: Species) -> Animal:
    """Draw an animal of this species; pose and coat come from the same distributions for both."""
    pose = rng.choice(["sit", "stand", "lie", "rest"], p=[0.42, 0.28, 0.22, 0.08])
    body_yaw = float(rng.choice([-1, 1]) * min(abs(rng.normal(0, 45)), 92))
    if pose == "stand":
        body_yaw = float(rng.choice([-1, 1]) * rng.uniform(25, 92))
    head_yaw = float(np.clip(rng.normal(0.45 * body_yaw, 22), body_yaw - 75, body_yaw + 75))
    coat = random_coat(rng)
    shared = {
        "pose": pose,
        "body_yaw": body_yaw,
        "head_yaw": float(np.clip(head_yaw, -55, 55)),
        "head_pitch": float(rng.normal(-2, 7)),
        "head_roll": float(rng.normal(0, 8)),
        "camera": float(rng.uniform(4, 20)),
        "girth": float(rng.uniform(0.74, 1.02)) * (0.95 if species == "cat" else 1.05),
        "legs": float(rng.uniform(0.75, 1.25)) * (0.92 if species == "cat" else 1.1),
        "length": float(rng.uniform(1.7, 2.4)),
        "neck": float(rng.uniform(0.0, 0.3)),
        "stride": float(rng.normal(0, 0.3)),
        "tail_lift": float(rng.uniform(0, 1)),
        "fluff": float(rng.choice([0.012, 0.025, 0.045])),
        "coat": coat,
        "asleep": bool(rng.random() < (0.25 if pose == "rest" else 0.02)),
        "collar": COLLARS[rng.integers(len(COLLARS))] if rng.random() < 0.35 else None,
        "gaze": (float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.08, 0.1))),
    }
    pale = sum(coat.ground) > 1.6
    if species == "cat":
        return Animal(
            species="cat",
            ears=rng.choice(["pointed", "folded"], p=[0.97, 0.03]),
            ear_size=float(rng.uniform(0.85, 1.2)),
            muzzle=float(rng.uniform(0.0, 0.12)),
            muzzle_width=float(rng.uniform(0.9, 1.15)),
            tail=float(rng.uniform(2.2, 3.0)),
            eyes=CAT_EYES[rng.integers(len(CAT_EYES))],
            eye_size=float(rng.uniform(0.25, 0.31)),
            pupil=float(rng.choice([0.16, 0.26, 0.42, 0.6], p=[0.3, 0.35, 0.25, 0.1])),
            nose=PINK if pale or rng.random() < 0.3 else (0.36, 0.24, 0.24),
            mouth_open=False,
            **shared,
        )
    ears = rng.choice(["floppy", "folded", "pricked"], p=[0.54, 0.26, 0.2])
    return Animal(
        species="dog",
        ears=ears,
        ear_size=float(rng.uniform(0.85, 1.25)),
        muzzle=float(rng.uniform(0.55 if ears == "pricked" else 0.35, 0.9)),
        muzzle_width=float(rng.uniform(0.85, 1.15)),
        tail=float(rng.uniform(1.2, 2.4)),
        eyes=DOG_EYES[rng.choice(len(DOG_EYES), p=[0.32, 0.26, 0.22, 0.16, 0.04])],
        eye_size=float(rng.uniform(0.15, 0.2)),
        pupil=float(rng.uniform(0.5, 0.65)),
        nose=(0.15, 0.13, 0.14) if rng.random() < 0.85 else (0.40, 0.27, 0.24),
        mouth_open=bool(rng.random() < 0.45) and not shared["asleep"],
        **shared,
    )
