"""Ten questions after each lesson; each choice explains itself when it is opened.

The questions are in TOML files beside this one, for those who want to add their own.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from course_utils.errors import CourseError
from course_utils.names import shortened

RIGHT, WRONG = ("✓ Right", "#0072B2"), ("○ Not this one", "#B85C00")


class Choice(NamedTuple):
    """A possible answer, why it is right or not, and whether it is."""

    text: str
    why: str
    right: bool


@dataclass(frozen=True)
class Question:
    """What is asked, the minute of the lecture (H:MM:SS) where it speaks of it or "", and the choices, by the alphabet."""

    asks: str
    at: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Questionnaire:
    """The questions of a lesson. A notebook shows them with their choices folded; `print` shows them without the reasons."""

    lesson: int
    questions: tuple[Question, ...]

    def __str__(self) -> str:
        return "\n\n".join(
            "\n".join([f"{number}. {_plain(question.asks)}", *(f"   - {_plain(choice.text)}" for choice in question.choices)])
            for number, question in enumerate(self.questions, 1)
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(_as_html(number, question) for number, question in enumerate(self.questions, 1))


def questions(lesson: int) -> Questionnaire:
    """Ten questions about a lesson. Choose an answer and click on it: it says whether it is right, and why.

    Nothing is counted or kept, and it moves without Python, also in an exported page.

    Args:
        lesson: its number, from 0 ("Start here") to 5.

    Raises:
        CourseError: there is no such lesson.

    >>> print(str(questions(1)).split(chr(10) * 2)[4])
    5. How long does fit(lr, 3, cycle_len=1, cycle_mult=2) train?
       - 3 epochs
       - 6 epochs
       - 7 epochs
    """
    file = files(__name__) / f"lesson_{lesson}.toml"
    if not isinstance(lesson, int) or not file.is_file():
        raise CourseError(
            f"there are no questions for lesson {shortened(repr(lesson), 40)}; expected: a whole number from 0 to 5"
        )
    return Questionnaire(lesson, tuple(map(_question, tomllib.loads(file.read_text(encoding="utf-8"))["question"])))


def _question(entry: Mapping[str, Any]) -> Question:
    choices = [Choice(text, why, right=False) for text, why in entry["wrong"]]
    choices.append(Choice(entry["right"][0], entry["right"][1], right=True))
    return Question(entry["asks"], entry.get("at", ""), tuple(sorted(choices)))


def _as_html(number: int, question: Question) -> str:
    lines = (
        f'<details style="margin: 0.2em 0 0.2em 1.5em"><summary style="cursor: pointer">{_code(choice.text)}</summary>'
        f'<div style="margin: 0.2em 0 0.5em 0.3em; padding-left: 0.8em; border-left: 4px solid {colour}">'
        f"<b>{verdict}.</b> {_code(choice.why)}</div></details>"
        for choice in question.choices
        for verdict, colour in (RIGHT if choice.right else WRONG,)
    )
    minute = f" <small>({question.at} in the lecture)</small>" if question.at else ""
    return f'<p style="margin: 1em 0 0.3em"><b>{number}.</b> {_code(question.asks)}{minute}</p>{"".join(lines)}'


def _code(text: str) -> str:
    """Escaped, with what is between backticks as code and what is between asterisks in italics."""
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))


def _plain(text: str) -> str:
    return re.sub(r"[`*]", "", text)
