"""What to write today for what is not here: names that were removed, or that the lessons do not use, and wrong keywords."""

import difflib
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cache, wraps
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

from course_utils.errors import CourseError

P = ParamSpec("P")
R = TypeVar("R")


class LectureError(CourseError):
    """A line of the lecture that cannot run; the message says what to write today."""


class NotHereError(LectureError, ImportError):
    """A name or module of the lecture's library that nothing stands in for."""


class NoSuchAttributeError(LectureError, AttributeError):
    """A method or attribute that the lecture's objects do not have."""


_said: set[str] = set()


def say(line: str) -> None:
    """Print a line, once in a session."""
    if line not in _said:
        _said.add(line)
        print(line)


@cache
def table() -> dict[str, list[Any]]:
    """What the lecture writes and what one writes today, as translation.toml has it; read when it is first needed."""
    return tomllib.loads(Path(__file__).with_name("translation.toml").read_text(encoding="utf-8"))


@cache
def gone() -> dict[str, str]:
    """Names and keywords of the lecture's library that are not here, and what does today what they did."""
    return {name: entry["today"] for entry in table()["gone"] for name in entry["names"].split()}


EXPLAINED = (
    "accuracy_thresh ArraysIndexDataset BaseDataset BasicModel CenterCrop CircularLR CollabFilterDataset "
    "ColumnarDataset ConvnetBuilder CosAnneal CropType csv_source DataFrameMapper FilesDataset FilesNhotArrayDataset "
    "folder_source ImageModelResults LanguageModelData LR_Finder MixedInputModel parse_csv_labels RandomCrop "
    "RandomDihedral RandomFlip RandomLighting RandomRotate RandomScale RNN_Learner SaveBestModel Scale Stepper "
    "StructuredLearner TextData Variable VV"
)
"""Those that `import *` brings too, to say so when they are used."""


def unknown(name: str) -> str:
    """What to write today for a name of the library that is not here."""
    today = gone().get(name.rpartition(".")[2])
    return f"{name} is not among the names of the lecture's lessons 1 to 3, which is all that course_utils.lecture has. " + (
        f"Today: {today}." if today else "docs/lecture.md says what one writes today for those that cells use."
    )


class Explained:
    """What a name stands for that is not here: whatever is done with it, the error says what to write today."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Say what to write today."""
        raise LectureError(unknown(self._name))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NoSuchAttributeError(unknown(self._name))

    def __repr__(self) -> str:
        return unknown(self._name)


def _missing(owner: type, name: str, own: Iterable[str] = ()) -> NoReturn:
    if name.startswith("_"):  # asked for by Python, IPython and editors
        raise AttributeError(f"{owner.__name__} has no attribute {name!r}")
    today, names = gone().get(name), sorted({n for n in (*dir(owner), *own) if n[0] != "_" and n != "VALID_BATCHES"})
    close = difflib.get_close_matches(name, names, 1)
    advice = f"Today: {today}." if today else f"Did you mean {close[0]}?" if close else f"It has {', '.join(names)}."
    raise NoSuchAttributeError(f"{owner.__name__} has no {name} here. {advice}")


class _ExplainsClass(type):
    def __getattr__(cls, name: str) -> Any:
        _missing(cls, name)


class Explains(metaclass=_ExplainsClass):
    """A class of the lecture that says of names it lacks what to write today."""

    def __getattr__(self, name: str) -> Any:
        _missing(type(self), name, vars(self))


THEN = {"val_idxs": "valid_idx", "bs": "batch_size", "wds": "weight_decay", "n_cycle": "cycles", "sz": "size", "targ": "size"}
"""What the lecture calls the arguments of which this package's messages speak."""


def keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function of the lecture say what it takes where it is called in another way, and speak of its own arguments."""
    takes = inspect.signature(function)

    @wraps(function)
    def inside(*args: P.args, **options: P.kwargs) -> R:
        try:
            takes.bind(*args, **options)
        except TypeError as error:
            names = [name for name in takes.parameters if name not in ("self", "cls")]
            wrong = [name for name in options if name not in names]
            close = difflib.get_close_matches(wrong[0], names, 1) if wrong else []
            today = gone().get(wrong[0]) if wrong else None
            advice = f" Today: {today}." if today else f" Did you mean {close[0]}?" if close else ""
            raise LectureError(f"{function.__name__}(): {error}; it takes {', '.join(names)}.{advice}") from error
        try:
            return function(*args, **options)
        except CourseError as error:
            message = str(error)
            for then, today in THEN.items():
                if then in takes.parameters and message.startswith(f"{today} "):
                    error.args = (re.sub(rf"\b{today}\b", then, message), *error.args[1:])
            raise

    return inside
