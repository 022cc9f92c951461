"""The `course` command: all commands together, and what is said where one cannot go on."""

import errno
import os
import sys
import time
from typing import Annotated, NoReturn

import typer

from course_utils import __version__
from course_utils.commands.copy import copy
from course_utils.commands.data import data
from course_utils.commands.doctor import doctor
from course_utils.commands.editions import solutions, student
from course_utils.commands.html import html
from course_utils.commands.lab import lab
from course_utils.commands.lessons import lessons
from course_utils.commands.predict import predict
from course_utils.commands.present import present
from course_utils.commands.terminal import say
from course_utils.commands.train import train
from course_utils.commands.widgets import export_widgets
from course_utils.commands.workbooks import export, grade
from course_utils.errors import CourseError
from course_utils.system_errors import OTHER, WRITING, system_error

app = typer.Typer(
    help="The lessons, their data, and whether this machine is ready for them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
for command in (
    *(lab, lessons, copy, present, student, solutions, html),
    *(data, train, predict, export, grade, export_widgets, doctor),
):
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        say(f"course_utils {__version__}")
        raise typer.Exit


@app.callback()
def _course(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    pass


REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EMFILE, errno.EIO}
"""What a system refuses though the program is right: said in a sentence; other errors show where they come from."""


def main() -> None:
    """Run the command; an error made on purpose, or one of the system, is its message alone."""
    try:
        if any(argument == "" or (argument.startswith("--") and argument.endswith("=")) for argument in sys.argv[1:]):
            raise CourseError(
                "an argument is empty, as one from a variable of the shell that is not set; the folder that you are in is ."
            )
        app()
    except CourseError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = _refusal(error)
        if message is None:
            raise
        _fail(message)


def _refusal(error: Exception) -> str | None:
    """In words, an error that says that this machine has no more to give or does not let us; None for any other.

    >>> _refusal(OSError(errno.ENOSPC, "No space left on device", "/data/dogs.zip"))
    '/data/dogs.zip: the disk is full; make room, or choose another folder'
    >>> _refusal(KeyError("a mistake in the program"))
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return "there is not enough memory; close other programs and notebooks, or lower --batch-size where there is one"
    number = system_error(error)
    if number == errno.ENOENT and not _folder_is_there():
        return "the folder that you are in was deleted; go to another one"
    if number not in REFUSALS:
        return None
    if number == errno.EACCES:
        reason, advice = "you may not read or write there, or another program has the file open", WRITING[number][1]
    else:
        reason, advice = OTHER.get(number) or WRITING[number]
    return f"{getattr(error, 'filename', None) or 'a file'}: {reason}; {advice}"


def _folder_is_there() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _fail(message: str) -> NoReturn:
    if os.environ.get("RANK", "0") != "0":
        time.sleep(2)  # process 0 may be saying the same; then this one is ended before it can
    try:
        say(message, "red")
    except OSError:  # what cannot be printed there can be elsewhere
        print(message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
