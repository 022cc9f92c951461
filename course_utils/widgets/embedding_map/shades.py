"""The colours of numbers from low to high: viridis, which everybody can tell apart and which is darker the lower they are."""

import math

from course_utils.widgets.base.colours import Colour

SHADES = ((68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37))


def shade(share: float) -> Colour:
    """The colour of a share from 0 to 1; `shade` in numbers.js gives the same.

    >>> shade(0), shade(0.5), shade(1)
    ((68, 1, 84), (38, 144, 137), (253, 231, 37))
    """
    place = min(max(share, 0.0), 1.0) * (len(SHADES) - 1)
    low = min(math.floor(place), len(SHADES) - 2)
    red, green, blue = (
        math.floor(under + (place - low) * (over - under) + 0.5)
        for under, over in zip(SHADES[low], SHADES[low + 1], strict=True)
    )
    return red, green, blue
