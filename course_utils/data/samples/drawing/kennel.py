"""Dogs by their looks: what makes a pug a pug. Pose, gaze and collar come from the same distributions whatever the look."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from course_utils.data.samples.drawing.animals import COLLARS, Animal, random_animal
from course_utils.data.samples.drawing.coats import Coat
from course_utils.data.samples.drawing.colours import Colour

BLACK: Colour = (0.15, 0.14, 0.16)
WHITE: Colour = (0.95, 0.93, 0.90)


@dataclass(frozen=True)
class Look:
    """What the dogs of one look share; lengths are in radii of the head, and each dog differs from them a little."""

    pattern: str  # of the coat: one of BREED_COATS
    ground: Colour
    marking: Colour
    ears: Literal["floppy", "folded", "pricked", "hidden"]
    muzzle: float  # how far it stands out of the face
    girth: float
    legs: float
    length: float
    fluff: float
    tail: float
    tail_kind: Literal["plain", "stub", "curled", "plumed", "pompom"]
    ear_size: float = 1.0
    muzzle_width: float = 1.0
    neck: float = 0.15
    blaze: float = 0.1  # the width of the white stripe up the face, where the pattern has one
    eyes: Colour = (0.30, 0.18, 0.10)
    eye_size: float = 0.19
    curls: bool = False
    crest: float = 0.0
    beard: float = 0.0
    wrinkles: bool = False
    sheet: bool = False


SLED_DOG = Look(
    pattern="hood",
    ground=(0.42, 0.43, 0.47),
    marking=BLACK,
    ears="pricked",
    ear_size=0.72,
    muzzle=0.6,
    girth=0.98,
    legs=1.2,
    length=2.3,
    fluff=0.05,
    tail=2.2,
    tail_kind="curled",
)
CORGI = Look(
    pattern="corgi",
    ground=(0.84, 0.50, 0.22),
    marking=(0.84, 0.50, 0.22),
    ears="pricked",
    ear_size=0.85,
    muzzle=0.6,
    muzzle_width=0.9,
    girth=0.88,
    legs=0.32,
    length=2.7,
    fluff=0.03,
    tail=1.9,
    tail_kind="stub",
    blaze=0.13,
)
TERRIER = Look(
    pattern="grizzle",
    ground=(0.74, 0.46, 0.24),
    marking=(0.90, 0.72, 0.48),
    ears="pricked",
    ear_size=0.8,
    muzzle=0.42,
    girth=0.84,
    legs=0.5,
    length=1.9,
    fluff=0.075,
    tail=1.2,
    tail_kind="plain",
    beard=0.16,
    eye_size=0.17,
)
POODLE = Look(
    pattern="feathered",
    ground=(0.94, 0.92, 0.90),
    marking=(0.97, 0.95, 0.93),
    ears="floppy",
    ear_size=1.15,
    muzzle=0.8,
    muzzle_width=0.72,
    girth=0.76,
    legs=1.15,
    length=1.8,
    fluff=0.075,
    tail=1.5,
    tail_kind="pompom",
    neck=0.3,
    curls=True,
    crest=0.28,
)
RETRIEVER = Look(
    pattern="feathered",
    ground=(0.86, 0.62, 0.32),
    marking=(0.95, 0.80, 0.56),
    ears="floppy",
    ear_size=0.85,
    muzzle=0.85,
    muzzle_width=1.12,
    girth=0.98,
    legs=1.15,
    length=2.3,
    fluff=0.065,
    tail=2.3,
    tail_kind="plumed",
)
HOUND = Look(
    pattern="hound",
    ground=(0.80, 0.52, 0.27),
    marking=(0.66, 0.40, 0.20),
    ears="floppy",
    ear_size=1.2,
    muzzle=0.62,
    muzzle_width=1.08,
    girth=0.84,
    legs=0.95,
    length=2.1,
    fluff=0.01,
    tail=1.8,
    tail_kind="plain",
    blaze=0.09,
    eye_size=0.21,
)
MOUNTAIN_DOG = Look(
    pattern="mountain",
    ground=BLACK,
    marking=(0.68, 0.36, 0.16),
    ears="floppy",
    ear_size=0.85,
    muzzle=0.6,
    muzzle_width=1.18,
    girth=1.1,
    legs=1.15,
    length=2.4,
    fluff=0.06,
    tail=2.3,
    tail_kind="plumed",
)
PUG = Look(
    pattern="fawn",
    ground=(0.87, 0.74, 0.55),
    marking=BLACK,
    ears="folded",
    ear_size=0.75,
    muzzle=0.06,
    muzzle_width=1.2,
    girth=0.95,
    legs=0.6,
    length=1.8,
    fluff=0.01,
    tail=1.2,
    tail_kind="curled",
    neck=0.0,
    eye_size=0.24,
    wrinkles=True,
)

GHOST = Look(  # no dog but a disguise: any breed may be under it
    pattern="sheet",
    ground=WHITE,
    marking=(0.70, 0.71, 0.80),
    ears="hidden",
    muzzle=0.45,
    girth=0.9,
    legs=0.9,
    length=2.0,
    fluff=0.0,
    tail=1.0,
    tail_kind="stub",
    sheet=True,
)

LOOKS: dict[str, Look] = {
    "grey sled dog": SLED_DOG,
    "black sled dog, blue eyes": replace(SLED_DOG, ground=BLACK, eyes=(0.42, 0.70, 0.95), eye_size=0.22),
    "red corgi": CORGI,
    "black corgi": replace(CORGI, pattern="mountain", ground=BLACK, marking=(0.76, 0.46, 0.20), tail_kind="plumed"),
    "terrier in a cap": replace(TERRIER, ears="hidden"),
    "red terrier, ears down": replace(TERRIER, ears="folded", ear_size=1.0),
    "black and tan terrier, ears up": replace(TERRIER, pattern="black and tan", marking=(0.80, 0.56, 0.32)),
    "white poodle": POODLE,
    "brown poodle": replace(POODLE, ground=(0.40, 0.26, 0.19), marking=(0.48, 0.32, 0.24)),
    "golden retriever": RETRIEVER,
    "beagle": HOUND,
    "mountain dog": MOUNTAIN_DOG,
    "pug": PUG,
    "ghost": GHOST,
}


def dog(look: Look, rng: np.random.Generator) -> Animal:
    """Draw a dog of this look; whatever the look, it takes as many numbers from the generator."""
    animal = random_animal(rng, "dog")
    tint, shade = rng.uniform(0.94, 1.06), rng.normal(0, 0.012, 3)
    girth, legs, ear_size, muzzle = rng.uniform(0.93, 1.07, 4).tolist()
    cap = COLLARS[rng.integers(len(COLLARS))]

    def tinted(colour: Colour) -> Colour:
        r, g, b = np.clip(np.array(colour) * tint + shade, 0.08, 0.98)
        return float(r), float(g), float(b)

    coat = Coat(
        pattern=look.pattern,
        ground=tinted(look.ground),
        marking=tinted(look.marking),
        white=tinted(WHITE),
        bib=False,
        socks=0.0,
        blaze=look.blaze,
        scale=animal.coat.scale,
        offset=animal.coat.offset,
    )
    return replace(
        animal,
        coat=coat,
        girth=look.girth * girth,
        legs=look.legs * legs,
        length=look.length,
        neck=look.neck,
        ears=look.ears,
        ear_size=look.ear_size * ear_size,
        muzzle=look.muzzle * muzzle,
        muzzle_width=look.muzzle_width,
        tail=look.tail,
        tail_kind=look.tail_kind,
        fluff=look.fluff,
        eyes=look.eyes,
        eye_size=look.eye_size,
        nose=BLACK,
        asleep=False,  # the eyes are a mark, too
        curls=look.curls,
        crest=look.crest,
        beard=look.beard,
        wrinkles=look.wrinkles,
        sheet=look.sheet,
        cap=cap if look.ears == "hidden" and not look.sheet else None,
    )
