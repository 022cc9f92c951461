"""How an answer is marked, and how that is said."""

import importlib
import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from course_utils.errors import CourseError
from course_utils.names import shortened

BLANK = ...  # what stands in a cell that is still to be filled: `answer = ...  # your code here`


class Part(NamedTuple):
    """A property of a right answer: its marks, how far it is there (from 0, or False, to 1), and what to say below 1."""

    marks: float
    share: float
    otherwise: str


class NotYet(Exception):  # noqa: N818 - no error, a verdict
    """The answer cannot be looked at: it is of another kind than the exercise asks for. The text says why."""


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks for, in words, its hints in the order in which they are given, and its properties."""

    asks: str
    hints: tuple[str, ...]
    parts: Callable[..., Iterator[Part]]


class Marks(float):
    """Marks from 0 to 1: a number to programs that mark notebooks, and words to whoever reads the cell."""

    def _repr_html_(self) -> str:
        return f'<span style="padding-left: 1em">Marks: {self:g} of 1</span>'


_EXERCISES: dict[str, Exercise] = {}
_tries: Counter[str] = Counter()


def exercise(number: str, asks: str, *hints: str) -> Callable[[Callable[..., Iterator[Part]]], Callable[..., Iterator[Part]]]:
    """Register the check of an exercise: a generator of its parts, whose marks add up to 1."""

    def register(parts: Callable[..., Iterator[Part]]) -> Callable[..., Iterator[Part]]:
        _EXERCISES[number] = Exercise(asks, hints, parts)
        return parts

    return register


def check(number: str, *answer: Any) -> float:
    """Say whether the answer to an exercise is right, and give its marks, from 0 to 1.

    Args:
        number: lesson and exercise, as in "1.4".
        answer: your answer, and what it is looked at with; the cell below each exercise has the call ready.

    A cell that ends with this call shows the marks, which is what programs that mark notebooks read. Each further try
    brings one more hint.

    Raises:
        CourseError: there is no such exercise, or the call has too few or too many values.

    >>> from course_utils.lessons import check
    >>> check("1.1", ...)
    1.1  Not yet: there is no answer. Put yours where the three dots are.
         Looked for: a function of two whole numbers, the pictures and the batch size, that gives two
    0.0
    """
    entry = _asked(number, answer)
    share, reason = _marked(entry, answer)
    if share == 1:
        _tries.pop(number, None)
        _say(number, "Right.", [])
        return Marks(1)
    blank = any(part is BLANK for part in answer)
    hints = [f"Hint: {hint}" for hint in entry.hints[: 0 if blank else _tries[number]]]
    if not blank and _tries[number] > len(entry.hints):
        hints.append("There are no more hints.")
    _tries[number] += not blank
    partly = f"Partly, {share:.0%}" if share else "Not yet"
    _say(number, f"{partly}: {reason}", [f"Looked for: {entry.asks}", *hints])
    return Marks(share)


def marks(number: str, *answer: Any) -> float:
    """Give the marks of an answer, from 0 to 1, as `check` does, and say nothing: for programs that mark notebooks.

    No try is counted. Raises a CourseError as `check` does.

    >>> marks("1.1", ...)
    0.0
    """
    return _marked(_asked(number, answer), answer)[0]


def _asked(number: str, answer: tuple[Any, ...]) -> Exercise:
    """The exercise of this number, which takes as many values as were given."""
    entry = _find(number)
    try:
        inspect.signature(entry.parts).bind(*answer)
    except TypeError:
        wanted = ", ".join(inspect.signature(entry.parts).parameters)
        raise CourseError(f"check({number!r}) was called with {len(answer)} values; expected: {wanted}") from None
    return entry


def _find(number: str) -> Exercise:
    if not isinstance(number, str):
        raise CourseError(
            f'number is {shortened(repr(number), 60)}; expected the exercise in quotes, as in check("1.4", answer)'
        )
    lesson = re.fullmatch(r"(\d)\.\d+", number)
    if lesson:
        try:
            importlib.import_module(f"course_utils.lessons.checks.lesson_{lesson[1]}")
        except ModuleNotFoundError:
            raise CourseError(f"there is no lesson {lesson[1]} with checks") from None
    if number not in _EXERCISES:
        there = sorted(key for key in _EXERCISES if lesson and key.startswith(lesson[1]))
        named = f"; lesson {there[0][0]} has {', '.join(there)}" if there else ', as in check("1.4", answer)'
        raise CourseError(f"there is no exercise {number!r}{named}")
    return _EXERCISES[number]


def _marked(entry: Exercise, answer: tuple[Any, ...]) -> tuple[float, str]:
    """The marks, and the first thing that is not as it should be."""
    if any(part is BLANK for part in answer):
        return 0.0, "there is no answer. Put yours where the three dots are."
    marks, reasons = 0.0, []
    try:
        for part in entry.parts(*answer):
            marks += part.marks * part.share
            reasons += [] if part.share == 1 else [part.otherwise]
    except NotYet as not_yet:
        reasons.append(str(not_yet))
    except Exception as error:  # an answer of a kind that nobody foresaw
        reasons.append(f"your answer could not be looked at ({type(error).__name__}: {error}).")
    return (min(round(marks, 2), 0.99), reasons[0]) if reasons else (1.0, "")


def _say(number: str, verdict: str, more: list[str]) -> None:
    """Show the verdict: in colour where a notebook is open, as plain lines elsewhere."""
    plain = "\n".join([f"{number}  {verdict}", *(f"{'':5}{line}" for line in more)])
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        in_notebook = get_ipython() is not None
    except ImportError:
        in_notebook = False
    if not in_notebook:
        print(plain)
        return
    right = not more
    mark, colour = ("✓", "#0072B2") if right else ("○", "#B85C00")
    lines = "".join(f"<br>{escape(line)}" for line in more)
    html = (
        f'<div style="border-left: 4px solid {colour}; padding: 0.3em 0.8em">'
        f"<b>{mark} {escape(number)}</b>&ensp;{escape(verdict)}{lines}</div>"
    )
    display({"text/plain": plain, "text/html": html}, raw=True)


def given(value: Any) -> str:
    """The value as it is shown in a reason: short, and with its shape where it has one."""
    shape = getattr(value, "shape", None)
    if shape is not None and tuple(shape):
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return shortened(repr(value), 60)


def called(function: Any, *arguments: Any) -> Any:
    """What the student's function gives for these; if it fails, or is not a function, a NotYet that says so."""
    if not callable(function):
        raise NotYet(f"{given(function)} is not a function.")
    shown = ", ".join(given(argument) for argument in arguments)
    try:
        return function(*arguments)
    except Exception as error:
        raise NotYet(f"called with {shown}, your function stopped with {type(error).__name__}: {error}") from None


def one_number(value: Any, where: str = "") -> float:
    """The value as one number; a NotYet that says `where` it was given for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"{where} it gave {given(value)}; expected one number.".strip()) from None


def scored(metric: Callable[[Any, Any], Any], predictions: Any) -> float:
    """The metric of what `learner.predict()` or `learner.tta()` gave; a NotYet for anything else."""
    values, targets = (getattr(predictions, name, None) for name in ("values", "targets"))
    if values is None or targets is None:
        raise NotYet(f"{given(predictions)} holds no values and targets; learner.predict() and learner.tta() give such.")
    return float(metric(values, targets))


def of_the_way(reached: float, start: float, best: float, lower_is_better: bool = False) -> float:
    """How much of the way from `start` to `best` was gone, from 0 to 1; where there is no way left, whether `best` was reached.

    >>> of_the_way(0.97, 0.95, 0.99), of_the_way(0.7, 0.9, 0.5, lower_is_better=True), of_the_way(0.9, 0.95, 0.99)
    (0.5, 0.5, 0.0)
    """
    if lower_is_better:
        reached, start, best = -reached, -start, -best
    if not math.isfinite(reached):
        return 0.0
    if start >= best:  # by chance a validation set may be easier than what is expected
        return float(reached >= best)
    return round(min(max((reached - start) / (best - start), 0.0), 1.0), 6)
