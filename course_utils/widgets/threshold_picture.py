"""The still picture of a threshold: F-beta over the whole range, the mistakes tag by tag, and pictures with their tags."""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from course_utils.training import f_beta_curve
from course_utils.widgets.picture import BLUE, FAINT, MARK, ORANGE, Picture, text_width, wrap

if TYPE_CHECKING:
    from course_utils.widgets.threshold_explorer import ThresholdExplorer

WIDTH = 860
GAP = 22
PLOT = (GAP + 26, 44, 350, 230)  # left, top, width and height
BARS = 440  # where the tags' names begin
HALF = 110  # how long the longest bar may be, to either side
ROW = 15
SIDE = 126  # of the pictures
MOST_TAGS = 40
MARKS = {"right": "✓", "missed": "○", "wrong": "✗"}


def draw_thresholds(explorer: "ThresholdExplorer") -> Picture:
    """Draw what is on the screen of a ThresholdExplorer, with its words in the middle."""
    tags = explorer.classes[:MOST_TAGS]
    words = wrap(explorer.describe(), WIDTH - 2 * GAP, 12)
    panels = max(PLOT[1] + PLOT[3] + 44, 44 + ROW * len(tags) + 24)
    verdicts = [explorer.verdicts(row) for row in explorer.examples]
    pictures = panels + 17 * len(words) + 14
    height = pictures + SIDE + 10 + 15 * max(len(verdict) for verdict in verdicts) + 12
    picture = Picture(WIDTH, height)
    _draw_curve(picture, explorer)
    _draw_bars(picture, explorer, tags)
    picture.text(GAP, panels, "\n".join(words), size=12)
    for number, (row, verdict) in enumerate(zip(explorer.examples, verdicts, strict=True)):
        jpeg = explorer.thumbnail(row)
        left = GAP + number * (SIDE + 12)
        if jpeg is None:
            picture.text(left + SIDE / 2, pictures + SIDE / 2, "cannot be read", size=10, anchor="mm")
        else:
            picture.paste(left, pictures, SIDE, Image.open(io.BytesIO(jpeg)))
        picture.frame(left, pictures, SIDE, SIDE, FAINT, 1)
        for line, (tag, kind) in enumerate(verdict.items()):
            bold, after = (False, "") if kind == "right" else (True, f" ({kind})")
            name = _fitting(tag, SIDE + 6 - text_width(f"{MARKS[kind]} {after}", 10, bold), bold)
            picture.text(left, pictures + SIDE + 8 + 15 * line, f"{MARKS[kind]} {name}{after}", size=10, bold=bold)
    return picture


def _draw_curve(picture: Picture, explorer: "ThresholdExplorer") -> None:
    left, top, width, height = PLOT
    thresholds = np.arange(101) / 100
    scores = f_beta_curve(explorer.values, explorer.actual, thresholds, explorer.beta).numpy()
    picture.text(GAP, 12, f"F{explorer.beta:g} at each threshold", bold=True)
    for value in (0, 0.2, 0.4, 0.6, 0.8, 1):
        y = top + (1 - value) * height
        picture.line([(left, y), (left + width, y)], FAINT, 0.5)
        picture.text(left - 6, y, f"{value:g}", size=10, anchor="rm")
        picture.text(left + value * width, top + height + 6, f"{value:g}", size=10, anchor="ma")
    picture.text(left + width / 2, top + height + 20, "threshold", size=10, anchor="ma")
    at = left + explorer.threshold * width
    picture.line([(at, top), (at, top + height)], MARK)
    picture.line([(left + t * width, top + (1 - s) * height) for t, s in zip(thresholds, scores, strict=True)], thickness=2)
    y = top + (1 - explorer.f_beta) * height
    picture.rectangle(at - 4, y - 4, 8, 8, MARK)


def _draw_bars(picture: Picture, explorer: "ThresholdExplorer", tags: list[str]) -> None:
    missed, wrong = explorer.false_negatives, explorer.false_positives
    most = max(missed.max(), wrong.max(), 1)
    names = min(130, max(text_width(tag, 10) for tag in tags))
    middle = BARS + names + 34 + HALF
    half = min(HALF, WIDTH - GAP - 34 - middle)
    picture.text(middle - 6, 12, f"{missed.sum():,} missed", bold=True, anchor="ra")
    picture.text(middle + 6, 12, f"{wrong.sum():,} wrong", bold=True)
    for number, tag in enumerate(tags):
        top = 38 + number * ROW
        picture.text(BARS, top + 6, _fitting(tag, names, tag == explorer.tag), size=10, bold=tag == explorer.tag, anchor="lm")
        for count, colour, side, anchor in ((missed[number], BLUE, -1, "rm"), (wrong[number], ORANGE, 1, "lm")):
            length = half * count / most
            picture.rectangle(middle - length if side < 0 else middle, top + 1, length, 11, colour)
            picture.text(middle + side * (length + 5), top + 6, f"{count:,}", size=9, anchor=anchor)
    picture.line([(middle, 36), (middle, 38 + ROW * len(tags))], FAINT, 1)
    if len(explorer.classes) > len(tags):
        picture.text(BARS, 38 + ROW * len(tags) + 4, f"and {len(explorer.classes) - len(tags)} more tags", size=10)


def _fitting(text: str, width: float, bold: bool) -> str:
    """The text, cut short where it is wider than `width`."""
    while len(text) > 2 and text_width(text, 10, bold) > width:
        text = text.removesuffix("…")[:-1] + "…"
    return text
