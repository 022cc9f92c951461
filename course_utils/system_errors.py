"""What the system says when it does not let a file be read or written: found in any library's error, and told in words."""

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path

Words = dict[int, tuple[str, str]]  # the reason, and what to do

WRITING: Words = {
    errno.EACCES: (
        "you may not write there, or another program has the file open",
        "close it there, or choose a folder of your own",
    ),
    errno.EPERM: ("the system does not allow it", "choose a folder of your own"),
    errno.ENOENT: ("the folder is not there and cannot be made", "check the path"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "check the path"),
    errno.EISDIR: ("there is a folder of that name", "choose another name"),
    errno.EEXIST: ("something of that name is in the way", "choose another name"),
    errno.EINVAL: (
        "the system takes no such name, or another program has the file open",
        "choose another name, or close it there",
    ),
}

READING: Words = {
    errno.EACCES: ("you may not read it, or another program has it open", "close it there, or ask its owner for access"),
    errno.EPERM: ("the system does not allow it to be read", "ask its owner for access"),
    errno.ENOENT: ("it is not there", "check the path"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "check the path"),
    errno.EISDIR: ("it is a folder, not a file", "name a file in it"),
    errno.EINVAL: ("the system takes no such name", "check the path"),
}

OTHER: Words = {  # the same, whatever was tried
    errno.ENOSPC: ("the disk is full", "make room, or choose another folder"),
    errno.EDQUOT: ("your share of the disk is used up", "delete what you no longer need, or choose another folder"),
    errno.EFBIG: ("the file would be larger than the system allows", "choose another folder, or write less"),
    errno.EROFS: ("the folder is read-only", "choose a folder of your own"),
    errno.ELOOP: ("a link in the path leads back to itself", "remove the link, or choose another path"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.EMFILE: ("this program has too many files open", "restart it"),
    errno.ENFILE: ("the machine has too many files open", "close other programs"),
    errno.EBUSY: ("another program is using it", "close it there, then try again"),
    errno.EIO: ("the drive reports an error", "check the drive, or choose another folder"),
    errno.ENODEV: ("the drive is not there any more", "connect it again, or choose another folder"),
    errno.ENOMEM: ("the memory is full", "close other programs or restart the kernel, then try again"),
}
if hasattr(errno, "ESTALE"):
    OTHER[errno.ESTALE] = ("the network drive has lost it", "open the folder again, then try again")

_NEVER_A_PROBE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOMEM}
_ON_WINDOWS = {32: errno.EACCES, 33: errno.EACCES, 1224: errno.EACCES, 39: errno.ENOSPC, 112: errno.ENOSPC, 123: errno.EINVAL}


def system_error(error: BaseException | None) -> int | None:
    """The number of the system's error behind `error` (0 where it is one without a number), or None where it is no such thing.

    What an error came from counts; what merely happened before it, only where that is never a harmless look (a full disk).

    >>> system_error(OSError(errno.EACCES, "Permission denied")) == errno.EACCES
    True
    >>> system_error(RuntimeError("I/O error: No space left on device (os error 28)"))
    28
    >>> system_error(ValueError("a wrong value")) is None
    True
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        number = _of_this_one(error)
        if number is not None:
            return number
        if error.__cause__ is not None:
            error = error.__cause__
        else:
            before = system_error(error.__context__)
            return before if before in _NEVER_A_PROBE else None
    return None


def was_interrupted(error: BaseException | None) -> bool:
    """Whether an error is what a library made of Ctrl-C: PyTorch's writer fails on its way out, for a reason of its own.

    >>> try:
    ...     try:
    ...         raise KeyboardInterrupt
    ...     finally:
    ...         raise RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 64 vs 0")
    ... except RuntimeError as error:
    ...     was_interrupted(error)
    True
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _of_this_one(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    inner = next((a for a in error.args if isinstance(a, OSError)), None)  # as in XlsxWriter's FileCreateError
    if isinstance(error, OSError) and error.errno:
        return _ON_WINDOWS.get(getattr(error, "winerror", 0) or 0, error.errno)
    if inner is not None:
        return system_error(inner)
    if isinstance(error, SyntaxError | LookupError | UnicodeError):  # their texts quote what they met
        return None
    if number := _number_in(str(error)):
        return number
    if isinstance(error, RuntimeError) and re.search("iostream error|inline_container", str(error)):  # PyTorch: the reason is
        return system_error(error.__context__) or 0  # in what went before it, or is kept to itself
    plain = type(error) is OSError  # others without a number are libraries': not an image, not a zip file, no connection
    return 0 if plain else None


def _number_in(text: str) -> int | None:
    known = dict.fromkeys([*OTHER, *WRITING])
    if found := re.search(r"(?:os error|errno)[ :]*(\d+)", text, re.IGNORECASE):
        return int(found[1]) if int(found[1]) in known else None  # a number of the network's is another thing
    return next((number for number in known if os.strerror(number).lower() in text.lower()), None)


def other_file(error: BaseException | None, own: Sequence[Path]) -> str | None:
    """The file that the system complains of; None where it names none, or one of `own`, or one above or below these.

    A full disk is never the fault of a file that was read.
    """
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__cause__
    if not isinstance(error, OSError) or error.errno in _NEVER_A_PROBE:
        return None
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes | os.PathLike)]
    ours = [Path(os.path.abspath(path)) for path in own]
    for name in names:
        named = Path(os.path.abspath(name))
        if any(named == path or named in path.parents or path in named.parents for path in ours):
            return None
    return names[0] if names else None
