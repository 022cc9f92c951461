"""The still picture of a schedule: its rates, and the network of one weight."""

import math

import numpy as np
from numpy.typing import NDArray

from course_utils.training.schedules import Schedule
from course_utils.widgets.base.axes import Axes, round_ticks
from course_utils.widgets.base.colours import BLUE, ORANGE, WHITE, mixed
from course_utils.widgets.base.numbers import plain_number, significant
from course_utils.widgets.base.picture import FAINT, MARK, TEXT, Picture
from course_utils.widgets.base.still import Panel
from course_utils.widgets.learning_rate_schedule import valleys

WIDTH, HEIGHT = 420, 240
DECADES = 3  # below the lowest rate, on a logarithmic axis

Array = NDArray[np.float64]


def curves_panel(schedule: Schedule, rates: Array, done: float, logarithmic: bool) -> Panel:
    """The rate of each layer group over the epochs of a fit, those of earlier groups paler, and where the fit stands."""
    top, epochs = float(rates.max()), schedule.epochs
    across = [at for at in round_ticks(0, epochs, 8) if at.is_integer()]

    def draw(picture: Picture, left: float, above: float) -> None:
        if logarithmic:
            low = math.floor(math.log10(rates.min())) - DECADES + 1
            axes = Axes(left + 60, above + 6, WIDTH, HEIGHT, (0, epochs), (low, math.log10(top) + 0.15))
            ticks = [float(power) for power in range(low, math.floor(math.log10(top) + 1e-9) + 1)]
            axes.draw(picture, across, ticks, "epochs", (plain_number, lambda power: significant(10.0**power)))
        else:
            axes = Axes(left + 60, above + 6, WIDTH, HEIGHT, (0, epochs), (0, top * 1.08))
            axes.draw(picture, across, round_ticks(0, top, 4), "epochs", (plain_number, significant))
        picture.line([(axes.x(done), above + 6), (axes.x(done), above + 6 + HEIGHT)], MARK)
        for group, rate in enumerate(rates):
            colour = mixed(BLUE, WHITE, 1 - 0.3 * min(len(rates) - 1 - group, 2))
            _cycles(picture, axes, schedule, rate, logarithmic, colour)
            here = rate * schedule.rate(schedule.position(done))
            if not logarithmic or here > 10.0 ** axes.up[0]:
                x, y = axes.x(done), axes.y(math.log10(here) if logarithmic else here)
                picture.rectangle(x - 4, y - 4, 8, 8, colour)

    return Panel(WIDTH + 66, HEIGHT + 46, draw, "The learning rate", "a line for each layer group, the darkest for the last")


def _cycles(
    picture: Picture, axes: Axes, schedule: Schedule, rate: float, logarithmic: bool, colour: tuple[int, int, int]
) -> None:
    """The curve of one rate; where it falls below a logarithmic axis it ends."""
    start, points = 0, list[tuple[float, float]]()
    for length in schedule.cycle_lengths:
        for position in np.linspace(0, 1, 60):
            value = rate * schedule.rate(float(position))
            high = math.log10(max(value, 1e-300)) if logarithmic else value
            points.append((axes.x(start + position * length), axes.y(high)))
        start += length
    picture.line(points, colour, 2)


def valleys_panel(weights: Array, step: int) -> Panel:
    """The loss of the network of one weight, where that weight is and where it was, and the loss on the validation data."""

    def draw(picture: Picture, left: float, above: float) -> None:
        axes = Axes(left + 30, above + 6, WIDTH, HEIGHT, valleys.EDGES, (0, 1.75))
        axes.draw(picture, [], [0, 0.5, 1, 1.5], "the weight")
        x = np.linspace(*valleys.EDGES, 300)
        axes.curve(picture, x.tolist(), valleys.loss(x - valleys.SHIFT).tolist(), ORANGE, 1.5)
        axes.curve(picture, x.tolist(), valleys.loss(x).tolist(), TEXT, 2)
        for age, weight in enumerate(weights[max(0, step - 14) : step][::-1]):
            y = axes.y(float(valleys.loss(weight))) - 6
            picture.rectangle(axes.x(weight) - 2, y - 2, 4, 4, mixed(BLUE, WHITE, 0.7 - 0.04 * age))
        weight = float(weights[step])
        validation = axes.y(float(valleys.loss(weight - valleys.SHIFT)))
        picture.line([(axes.x(weight), axes.y(float(valleys.loss(weight)))), (axes.x(weight), validation)], FAINT, 1.5)
        picture.rectangle(axes.x(weight) - 4, validation - 4, 8, 8, ORANGE)
        picture.rectangle(axes.x(weight) - 6, axes.y(float(valleys.loss(weight))) - 12, 12, 12, BLUE)
        for at, name in ((valleys.NARROW, "narrow valley"), (valleys.WIDE, "wide valley")):
            picture.text(axes.x(at), axes.y(0) - 6, name, anchor="ms")

    return Panel(
        WIDTH + 40,
        HEIGHT + 46,
        draw,
        "A network of one weight",
        "its loss on training data, black, and on validation data, orange",
    )
