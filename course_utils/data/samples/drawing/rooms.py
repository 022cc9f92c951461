"""Rooms: what the drawn animals have behind them indoors; `level` is the row where the wall meets the floor."""

from course_utils.data.samples.drawing.brush import CLOTH, Brush, bytes_of
from course_utils.data.samples.drawing.colours import Colour, lighter, mix

WALLS: tuple[Colour, ...] = (
    (0.86, 0.80, 0.70),
    (0.72, 0.80, 0.80),
    (0.80, 0.74, 0.80),
    (0.90, 0.86, 0.80),
    (0.62, 0.70, 0.66),
    (0.85, 0.68, 0.60),
    (0.55, 0.62, 0.72),
    (0.93, 0.82, 0.58),
)
FLOORS: tuple[Colour, ...] = (
    (0.66, 0.50, 0.36),
    (0.55, 0.40, 0.30),
    (0.76, 0.64, 0.50),
    (0.62, 0.60, 0.60),
    (0.70, 0.56, 0.52),
)


def wall_and_floor(brush: Brush, level: int) -> tuple[Colour, Colour]:
    """A wall, plain or papered, a skirting board, and a floor of boards or carpet."""
    wall, floor = brush.pick(WALLS), brush.pick(FLOORS)
    w, h = brush.width, brush.height
    brush.gradient(0, level, lighter(wall, 0.05), lighter(wall, -0.05))
    paper = brush.rng.integers(4)
    if paper == 0:
        step = w / brush.rng.uniform(7, 14)
        for i in range(0, int(w / step) + 1, 2):
            brush.box(i * step, 0, (i + 1) * step, level, lighter(wall, -0.035))
    elif paper == 1:
        step = max(w, h) / brush.rng.uniform(9, 13)
        for row in range(int(level / step) + 1):
            for column in range(int(w / step) + 2):
                brush.blob((column - 0.5 * (row % 2)) * step, (row + 0.5) * step, step * 0.13, step * 0.13, lighter(wall, 0.06))
    brush.gradient(level, h, lighter(floor, -0.08), lighter(floor, 0.06))
    if brush.rng.random() < 0.6:
        for i in range(-8, 9):  # boards run towards a point above the horizon
            x = w * (0.5 + i * 0.16)
            brush.pen.line(
                (w * 0.5 + (x - w * 0.5) * 0.55, level, x, h), fill=bytes_of(lighter(floor, -0.1)), width=max(1, h // 200)
            )
    skirting = lighter(wall, 0.09)
    brush.box(0, level - h * 0.035, w, level, skirting)
    brush.box(0, level - 2, w, level, lighter(floor, -0.16))
    return wall, floor


def room(brush: Brush, level: int) -> None:
    """Pictures on the wall, and often a lamp."""
    wall, _ = wall_and_floor(brush, level)
    w, h = brush.width, brush.height
    for _ in range(int(brush.rng.integers(1, 3))):
        x, y, s = brush.rng.uniform(0.05, 0.75) * w, brush.rng.uniform(0.05, 0.4) * level, brush.rng.uniform(0.14, 0.24) * h
        brush.box(x, y, x + s * 1.1, y + s, (0.42, 0.32, 0.25))
        brush.box(x + s * 0.07, y + s * 0.07, x + s * 1.03, y + s * 0.93, (0.93, 0.91, 0.86))
        brush.blob(x + s * 0.55, y + s * 0.55, s * 0.25, s * 0.22, brush.pick(CLOTH))
    lamp = brush.rng.uniform(0.05, 0.95) * w
    if brush.rng.random() < 0.5:
        brush.box(lamp - 2, level * 0.5, lamp + 2, level, (0.3, 0.26, 0.24))
        brush.polygon(
            [
                (lamp - h * 0.05, level * 0.32),
                (lamp + h * 0.05, level * 0.32),
                (lamp + h * 0.09, level * 0.52),
                (lamp - h * 0.09, level * 0.52),
            ],
            mix((1, 0.93, 0.74), wall, 0.15),
        )


def window(brush: Brush, level: int) -> None:
    """A window with curtains."""
    wall_and_floor(brush, level)
    w, h = brush.width, brush.height
    x, wide = brush.rng.uniform(0.05, 0.5) * w, brush.rng.uniform(0.35, 0.5) * w
    top, bottom = level * 0.08, level * 0.72
    sky: Colour = (0.70, 0.84, 0.93) if brush.rng.random() < 0.7 else (0.95, 0.76, 0.60)
    brush.box(x - h * 0.025, top - h * 0.025, x + wide + h * 0.025, bottom + h * 0.03, (0.95, 0.93, 0.90))
    brush.box(x, top, x + wide, bottom, sky)
    brush.blob(x + wide * 0.3, bottom - (bottom - top) * 0.1, wide * 0.3, (bottom - top) * 0.22, (0.52, 0.66, 0.46))
    brush.blob(x + wide * 0.75, bottom - (bottom - top) * 0.05, wide * 0.25, (bottom - top) * 0.28, (0.44, 0.60, 0.42))
    brush.box(x - h * 0.025, bottom, x + wide + h * 0.025, bottom + h * 0.035, (0.95, 0.93, 0.90))
    brush.box(x + wide * 0.49, top, x + wide * 0.51, bottom, (0.95, 0.93, 0.90))
    brush.box(x, (top + bottom) * 0.48, x + wide, (top + bottom) * 0.48 + h * 0.012, (0.95, 0.93, 0.90))
    cloth = brush.pick(CLOTH)
    for left, right in ((x - wide * 0.16, x + wide * 0.1), (x + wide * 0.9, x + wide * 1.16)):
        brush.box(left, top - h * 0.04, right, bottom + h * 0.12, cloth)
        for fold in (0.3, 0.62):
            brush.box(
                left + (right - left) * fold,
                top - h * 0.04,
                left + (right - left) * (fold + 0.12),
                bottom + h * 0.12,
                lighter(cloth, -0.06),
            )


def sofa(brush: Brush, level: int) -> None:
    """A sofa with a pillow."""
    wall_and_floor(brush, level)
    w, h = brush.width, brush.height
    cloth = brush.pick(CLOTH)
    left, right = brush.rng.uniform(-0.2, 0.1) * w, brush.rng.uniform(0.9, 1.2) * w
    seat = level + h * 0.06
    brush.box(left, level - h * 0.34, right, h * 0.9, lighter(cloth, -0.05), h * 0.06)
    third = (right - left) / 3
    for i in range(3):
        brush.box(
            left + i * third + w * 0.01,
            level - h * 0.31,
            left + (i + 1) * third - w * 0.01,
            seat,
            lighter(cloth, 0.02),
            h * 0.05,
        )
    brush.box(left, seat, right, h * 0.92, lighter(cloth, 0.06), h * 0.05)
    brush.box(left, h * 0.8, right, h * 0.93, lighter(cloth, -0.06), h * 0.04)
    pillow, x = brush.pick(CLOTH), brush.rng.uniform(0.08, 0.7) * w
    brush.box(x, level - h * 0.2, x + h * 0.22, seat + h * 0.01, lighter(pillow, 0.03), h * 0.05)


def kitchen(brush: Brush, level: int) -> None:
    """Cupboards and a tiled floor."""
    w, h = brush.width, brush.height
    front, floor = brush.pick(WALLS), brush.pick(FLOORS)
    brush.gradient(0, level, (0.93, 0.92, 0.88), (0.84, 0.83, 0.80))
    top = level * 0.35
    brush.box(0, top - h * 0.03, w, top, (0.50, 0.38, 0.30))
    brush.box(0, top, w, level, front)
    step = w / brush.rng.uniform(2.2, 3.6)
    for i in range(-1, 4):
        x = (i + 0.4) * step
        brush.box(x + step * 0.05, top + h * 0.02, x + step * 0.95, level - h * 0.03, lighter(front, 0.05), h * 0.012)
        brush.blob(x + step * 0.85, top + (level - top) * 0.4, h * 0.01, h * 0.01, (0.55, 0.45, 0.32))
    brush.gradient(level, h, lighter(floor, 0.02), lighter(floor, 0.1))
    tile, rows = w / 4, 5
    for row in range(rows):
        y0, y1 = (level + (h - level) * (row / rows) ** 1.4 for row in (row, row + 1))
        for column in range(-3, 8):
            if (row + column) % 2:
                spread0, spread1 = 0.6 + 0.5 * row / rows, 0.6 + 0.5 * (row + 1) / rows
                left, right = (column - 2) * tile, (column - 1) * tile
                corners = [
                    (w / 2 + left * spread0, y0),
                    (w / 2 + right * spread0, y0),
                    (w / 2 + right * spread1, y1),
                    (w / 2 + left * spread1, y1),
                ]
                brush.polygon(corners, lighter(floor, -0.06))


def rug(brush: Brush, level: int) -> None:
    """A round rug and a bookcase."""
    wall_and_floor(brush, level)
    w, h = brush.width, brush.height
    cloth = brush.pick(CLOTH)
    middle = (level + h) / 2 + h * 0.08
    for i, by in enumerate((0, 0.10, -0.03, 0.06)):
        size = 1 - 0.17 * i
        brush.blob(w * 0.5, middle, w * 0.62 * size, (h - level) * 0.46 * size, lighter(cloth, by))
    x = brush.rng.uniform(0.1, 0.8) * w  # a bookcase
    brush.box(x, level * 0.2, x + w * 0.3, level, (0.48, 0.36, 0.27))
    for shelf in (0.26, 0.6):
        at = x + w * 0.015
        while at < x + w * 0.27:
            wide = w * brush.rng.uniform(0.014, 0.03)
            brush.box(at, level * (shelf + brush.rng.uniform(0, 0.1)), at + wide, level * (shelf + 0.31), brush.pick(CLOTH))
            at += wide + 1
