"""What every figure must keep to: no text on another, none cut off, none too small to read."""

import itertools

from matplotlib.axis import Tick
from matplotlib.text import Text


def texts(figure):
    """Every text that is drawn, tick labels included."""
    figure.draw_without_rendering()
    drawn = set()
    for axis in figure.axes:
        for which in (axis.xaxis, axis.yaxis) if axis.axison else ():
            drawn |= {label for tick in which._update_ticks() for label in (tick.label1, tick.label2)}
    of_ticks = {label for tick in figure.findobj(Tick) for label in (tick.label1, tick.label2)}
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    return [t for t in found if t in drawn or t not in of_ticks]


def check_legible(figure, width=9.3):
    """Assert that a figure fits a notebook and that its texts can be read."""
    assert figure.get_figwidth() <= width
    found = texts(figure)
    assert found
    assert min(t.get_fontsize() for t in found) >= 7
    boxes = [(t.get_text(), t.get_window_extent()) for t in found]
    for text, box in boxes:
        assert box.x0 >= -1, f"{text!r} is cut off on the left"
        assert box.x1 <= figure.bbox.x1 + 1, f"{text!r} is cut off on the right"
        assert box.y0 >= -1, f"{text!r} is cut off below"
        assert box.y1 <= figure.bbox.y1 + 1, f"{text!r} is cut off above"
    for (a, of_a), (b, of_b) in itertools.combinations(boxes, 2):
        across, down = min(of_a.x1, of_b.x1) - max(of_a.x0, of_b.x0), min(of_a.y1, of_b.y1) - max(of_a.y0, of_b.y0)
        assert across <= 1 or down <= 2, f"{a!r} and {b!r} are on top of each other"
