"""A picture that cannot be read: which, why, and what to do about it."""

import contextlib
import os
import re
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from course_utils.errors import CourseError
from course_utils.names import printable
from course_utils.vision.decoding.formats import has_picture_suffix, needs_plug_in

IN_DATA = "or remove it; ImageData(..., damaged='skip') leaves such pictures out"
GIVEN = "or give another picture"
FETCH = "Fetch it again"
SMALLER = "Save it smaller"
CHECK = "Check the path"


class ImageError(CourseError):
    """A picture that cannot be read; `path` is the file, the message names it, the `cause` and the next step, its `advice`.

    What else can be done depends on where the picture is: one of a data set (`in_data`) can be left out of it, in the place of
    one that was given to a call another can be given.
    """

    def __init__(self, path: str | os.PathLike[str], cause: str = "", advice: str = FETCH, in_data: bool = False) -> None:
        """Make it from its parts, or from one text: with that a DataLoader raises again what a worker raised."""
        message = f"{printable(os.fspath(path))} {cause}. {advice}, {IN_DATA if in_data else GIVEN}."
        super().__init__(message if cause else str(path))
        self.path, self.cause, self.advice, self.in_data = path, cause, advice, in_data

    def of_data(self) -> "ImageError":
        """The same error of a picture in a data set."""
        return type(self)(self.path, self.cause, self.advice, in_data=True)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """So that it can come back from another process, such as a worker of a DataLoader."""
        return type(self), (self.path, self.cause, self.advice, self.in_data)


class UndecodableError(CourseError):
    """A picture that is not decoded; the message is the cause alone, to which `in_words` adds the name and the `advice`."""

    def __init__(self, cause: str, advice: str) -> None:
        super().__init__(cause)
        self.advice = advice


@contextlib.contextmanager
def in_words(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever opening or decoding a picture's file raises into an ImageError that names it."""
    try:
        yield
    except UndecodableError as error:
        raise ImageError(path, str(error), error.advice) from error
    except CourseError:
        raise
    except Exception as error:  # a damaged file makes decoders fail in every way there is
        raise ImageError(path, *cause_and_advice(path, error)) from error


def cause_and_advice(path: str | os.PathLike[str], error: Exception) -> tuple[str, str]:
    """Why a picture could not be decoded, and what to do about it."""
    name = os.fspath(path)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"is too large: {error}", SMALLER
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if re.match("[a-z][a-z0-9+.-]+:/+[^/]", name, re.IGNORECASE):
            return "is an address, not the path of a file", "Download it first"
        return "does not exist", CHECK
    if isinstance(error, UnidentifiedImageError):
        with contextlib.suppress(OSError):  # it may have been removed in the meantime
            if not os.path.getsize(path):
                return "is empty (0 bytes)", FETCH
        if plug_in := needs_plug_in(name):
            return "is of a kind that Pillow cannot read without a plug-in", f"{plug_in}; or save it as JPEG"
        kinds = "of a kind that Pillow reads and is safe to open (JPEG, PNG, WebP, GIF, TIFF and others)"
        return f"is not an image, or not {kinds}", FETCH if has_picture_suffix(name) else "Save it as one of these"
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return "takes more memory to decode than this computer has left", SMALLER
    if isinstance(error, PermissionError):
        return "cannot be opened: you do not have permission", "Ask its owner for access"
    if isinstance(error, OSError) and error.errno is not None:  # the system, not a decoder, says no
        return f"cannot be opened ({error.strerror})", CHECK
    if isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "null" in str(error)):
        return "cannot be opened: no file can have this name", CHECK
    return f"cannot be decoded, so it is damaged or cut short ({error or type(error).__name__})", FETCH
