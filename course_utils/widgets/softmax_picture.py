"""The still picture of softmax and sigmoid: a row of numbers and two bars for each class, and their sums."""

from typing import TYPE_CHECKING

from course_utils.widgets.picture import BLUE, FAINT, ORANGE, Picture, plain_number, text_width, wrap

if TYPE_CHECKING:
    from course_utils.widgets.softmax_sigmoid import SoftmaxSigmoid

GAP = 22
ROW = 26
BAR = 150


def draw_softmax(widget: "SoftmaxSigmoid") -> Picture:
    """Draw what is on the screen of a SoftmaxSigmoid, with its words below."""
    divided = "exp(z)" if widget.temperature == 1 else f"exp(z / {plain_number(widget.temperature)})"
    names = max(text_width(name, bold=True) for name in (*widget.classes, "Class"))
    logits = GAP + names + 70  # the right edges of the columns of numbers, and the left edges of the bars
    powers = logits + 90
    softmax = powers + GAP
    sigmoid = softmax + BAR + 130
    width = sigmoid + BAR + 112
    lines = wrap(widget.describe(), width - 2 * GAP, 11)
    bottom = 54 + len(widget.classes) * ROW
    picture = Picture(width, bottom + 42 + 15 * len(lines))
    for x, heading, anchor in (
        (GAP, "Class", "la"),
        (logits, "Logit z", "ra"),
        (powers, divided, "ra"),
        (softmax, "Softmax", "la"),
        (sigmoid, "Sigmoid", "la"),
    ):
        picture.text(x, 10, heading, bold=True, anchor=anchor)
    picture.text(softmax, 27, f"{divided} / sum", size=10)
    picture.text(sigmoid, 27, "1 / (1 + exp(−z)), line at 0.5", size=10)
    for number, name in enumerate(widget.classes):
        top = 48 + number * ROW
        logit = widget.logits[number]
        picture.text(GAP, top + 9, name, bold=True, anchor="lm")
        picture.text(logits, top + 9, plain_number(logit), anchor="rm")
        picture.text(powers, top + 9, plain_number(widget.powers[number]), anchor="rm")
        tied = (widget.logits == widget.logits.max()).sum() > 1
        chosen = "" if logit < widget.logits.max() else "= tied" if tied else "✓ picked"
        for left, share, colour, mark in (
            (softmax, widget.softmax[number], BLUE, chosen),
            (sigmoid, widget.sigmoid[number], ORANGE, "✓ yes" if logit > 0 else ""),
        ):
            picture.rectangle(left, top, BAR * share, 18, colour)
            picture.frame(left, top, BAR, 18, FAINT, 1)
            picture.text(left + BAR + 8, top + 9, f"{share:.3f}", anchor="lm")
            picture.text(left + BAR + 50, top + 9, mark, size=10, bold=True, anchor="lm")
        picture.line([(sigmoid + BAR / 2, top - 3), (sigmoid + BAR / 2, top + 21)], thickness=1)
    picture.line([(GAP, bottom), (width - GAP, bottom)], FAINT, 1)
    picture.text(GAP, bottom + 14, "Sum", bold=True, anchor="lm")
    picture.text(powers, bottom + 14, plain_number(widget.powers.sum()), anchor="rm")
    picture.text(softmax + BAR + 8, bottom + 14, f"{widget.softmax.sum():.3f}", bold=True, anchor="lm")
    picture.text(sigmoid + BAR + 8, bottom + 14, f"{widget.sigmoid.sum():.3f}", bold=True, anchor="lm")
    picture.text(GAP, bottom + 32, "\n".join(lines), size=11)
    return picture
