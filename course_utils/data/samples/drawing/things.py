"""Things that lie about: the same beside cats and beside dogs."""

import numpy as np

from course_utils.data.samples.drawing.brush import CLOTH, Brush, bytes_of
from course_utils.data.samples.drawing.colours import Colour, lighter, mix

THINGS = ("nothing", "ball", "bowl", "plant", "cushion", "yarn", "box")


def paint_thing(brush: Brush, thing: str, x: float, foot: float, size: float) -> None:
    """Paint a thing that stands at (x, foot) and is about `size` pixels high."""
    colour, other = brush.pick(CLOTH), brush.pick(CLOTH)
    ground = brush.image.getpixel((int(np.clip(x, 0, brush.width - 1)), int(np.clip(foot, 0, brush.height - 1))))
    assert isinstance(ground, tuple)
    shadow = mix((ground[0] / 255, ground[1] / 255, ground[2] / 255), (0.12, 0.10, 0.14), 0.35)
    brush.blob(x, foot, size * 0.75, size * 0.16, shadow)
    r = size / 2
    match thing:
        case "ball":
            brush.blob(x, foot - r, r, r, lighter(colour, -0.06))
            brush.blob(x - r * 0.08, foot - r * 1.08, r * 0.9, r * 0.9, lighter(colour, 0.04))
            brush.blob(x, foot - r, r * 0.32, r * 0.97, lighter(other, 0.08))
            brush.blob(x - r * 0.35, foot - r * 1.45, r * 0.22, r * 0.16, (0.98, 0.97, 0.95))
        case "bowl":
            brush.polygon(
                [(x - r * 1.1, foot - r * 0.8), (x + r * 1.1, foot - r * 0.8), (x + r * 1.35, foot), (x - r * 1.35, foot)],
                colour,
            )
            brush.blob(x, foot, r * 1.35, r * 0.2, lighter(colour, -0.06))
            brush.blob(x, foot - r * 0.8, r * 1.1, r * 0.28, lighter(colour, 0.1))
            brush.blob(x, foot - r * 0.76, r * 0.92, r * 0.2, (0.45, 0.32, 0.24))
        case "plant":
            for lean in (-0.9, -0.5, -0.15, 0.2, 0.55, 0.95):
                leaf: Colour = lighter((0.38, 0.54, 0.34), 0.06 * lean)
                brush.polygon(
                    [
                        (x - r * 0.2, foot - r * 1.1),
                        (x + lean * r * 0.5 - r * 0.28, foot - r * 2.2),
                        (x + lean * r * 1.5, foot - r * 3.1),
                        (x + lean * r * 0.5 + r * 0.28, foot - r * 2),
                        (x + r * 0.2, foot - r * 1.1),
                    ],
                    leaf,
                )
            brush.polygon(
                [(x - r * 0.8, foot - r * 1.2), (x + r * 0.8, foot - r * 1.2), (x + r * 0.55, foot), (x - r * 0.55, foot)],
                (0.74, 0.46, 0.34),
            )
            brush.box(x - r * 0.9, foot - r * 1.35, x + r * 0.9, foot - r * 1.05, (0.80, 0.52, 0.40))
        case "cushion":
            brush.box(x - r * 1.5, foot - r * 0.95, x + r * 1.5, foot + r * 0.1, lighter(colour, -0.05), r * 0.5)
            brush.box(x - r * 1.4, foot - r * 0.95, x + r * 1.4, foot - r * 0.1, lighter(colour, 0.04), r * 0.45)
        case "yarn":
            brush.blob(x, foot - r * 0.85, r * 0.9, r * 0.85, lighter(colour, 0.02))
            for turn in np.linspace(-0.6, 0.6, 5):
                box = (x - r * 0.8, foot - r * (0.95 + turn) - r * 0.4, x + r * 0.8, foot - r * (0.95 + turn) + r * 0.4)
                brush.pen.arc(
                    box, 200, 340, fill=bytes_of(lighter(colour, 0.12 if turn > 0 else -0.08)), width=max(1, int(r * 0.1))
                )
        case "box":
            brush.box(x - r, foot - r * 1.3, x + r, foot, (0.74, 0.58, 0.40))
            brush.box(x - r * 0.15, foot - r * 1.3, x + r * 0.15, foot, (0.82, 0.68, 0.50))
            brush.polygon(
                [
                    (x - r, foot - r * 1.3),
                    (x - r * 0.75, foot - r * 1.65),
                    (x + r * 1.25, foot - r * 1.65),
                    (x + r, foot - r * 1.3),
                ],
                (0.66, 0.50, 0.34),
            )
