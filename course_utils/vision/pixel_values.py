"""What the numbers in an array mean as colours: bytes from 0 to 255, or fractions of white.

One rule for pictures to learn from and pictures to predict, so that what trained a network can be given to it later.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from course_utils.errors import CourseError
from course_utils.vision.decoding.grey import DEPTHS

WANTED = "give bytes (uint8) from 0 to 255, or floats from 0 to 1 or from 0 to 255"
HALF = 0.5  # of a byte: what is no further outside of 0 to 255 is rounded into it
DIM = 127  # where no number is larger, 255 may not be what they call white
DARK = 16  # where no byte is larger, it most likely is not


def scale_of(arrays: Iterable[NDArray], of: str) -> float:
    """What the floats in arrays are multiplied by to run from 0 to 255: 255 where they are fractions, else 1.

    All that is given together has one scale, so that the same number is the same colour everywhere; the brightest of all
    pictures tells which. Bytes, True and False need none. `of` is what a message calls the pictures.

    Raises CourseError where the numbers may be on another scale (0 to 16, normalised), are on several, or are not numbers.

    >>> scale_of([np.array([[0.0, 0.5]])], "x"), scale_of([np.array([[0.0, 200.0]])], "x")
    (255, 1)
    """
    floats, whole = list[tuple[float, float]](), list[tuple[float, float]]()
    kinds = set[str]()
    for array in arrays:
        if not array.size or array.dtype == np.uint8 or array.dtype.kind not in "iuf":
            continue
        low, high = float(array.min()), float(array.max())
        if not np.isfinite((low, high)).all():
            raise CourseError(f"there are NaN or infinite values in {of}; {WANTED}")
        kinds.add(str(array.dtype))
        (floats if array.dtype.kind == "f" else whole).append((low, high))
    for ranges in (whole, floats):
        if ranges:
            low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
            fractions = ranges is floats and high * 255 < 255 + HALF
            outside = -HALF / 255 if fractions else -HALF
            if low <= outside or high >= 255 + HALF or (not fractions and 0 < high <= DIM):
                found = f"the values of {of} run from {low:.4g} to {high:.4g} ({', '.join(sorted(kinds))})"
                raise CourseError(f"{found}; {WANTED}{_hint(low, high)}")
    if floats and max(high for _, high in floats) > DIM and any(0 < high <= 1 for _, high in floats):
        raise CourseError(
            f"some of {of} are floats from 0 to 1 and others up to {max(high for _, high in floats):.4g}, so that the former "
            "would be black; give all on one scale, or those that are so dark as bytes (uint8)"
        )
    return 1 if floats and max(high for _, high in floats) > DIM else 255


def _hint(low: float, high: float) -> str:
    """What to do about numbers on another scale."""
    if low < 0:
        signed = ", or (x + 1) / 2 where -1 is black and 1 white" if low >= -1 and high <= 1 else ""
        return f". If they were normalised, undo that, since the transforms do it: transforms.denormalise(x){signed}."
    if high <= DIM:
        white = f"{high:.4g}"
        return f". Where {white} is white, give x / {white}; where 255 is, give them as uint8."
    white = str(next((2**depth - 1 for depth in DEPTHS if high < 2**depth), f"{high:.6g}"))
    return f". Where {white} is white, give x / {white}."


def as_bytes(array: NDArray, scale: float, of: str) -> NDArray[np.uint8]:
    """The colours in an array as bytes of its own, floats multiplied by the `scale` that `scale_of` found.

    >>> as_bytes(np.array([0.0, 0.2, 1.0]), 255, "x").tolist(), as_bytes(np.array([True, False]), 1, "x").tolist()
    ([0, 51, 255], [255, 0])
    """
    if array.dtype == np.uint8:
        return np.array(array, order="C")
    if array.dtype.kind == "b":
        return np.multiply(array, np.uint8(255), order="C")
    if array.dtype.kind == "f":
        scaled = np.multiply(array, scale, dtype=np.float64 if array.dtype.itemsize > 4 else np.float32, order="C")
        return np.rint(scaled, out=scaled).clip(0, 255, out=scaled).astype(np.uint8)
    if array.dtype.kind in "iu":
        return array.astype(np.uint8, order="C")
    raise CourseError(f"{of} have values of type {array.dtype}, which cannot be colours; {WANTED}")


def said_of_dark(brightest: int) -> str | None:
    """What to say of pictures whose brightest byte is this; None where it may well be that of pictures."""
    if not 0 < brightest <= DARK:
        return None
    return (
        f"The brightest value of all pictures is {brightest}, where white is 255, so that they are nearly black. If "
        f"{brightest} is white, give x / {brightest}."
    )
