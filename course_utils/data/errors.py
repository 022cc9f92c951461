"""What can go wrong between a dataset's name and its folder, each with its own name."""

from course_utils.errors import CourseError


class DownloadError(CourseError):
    """A dataset could not be fetched or unpacked; nothing half unpacked is left behind."""


class NotSignedInError(DownloadError):
    """The server does not know who is asking, or does not believe it any more."""


class RulesNotAcceptedError(DownloadError):
    """Kaggle gives a competition's data only to those who have accepted its rules."""


class NotOnServerError(DownloadError):
    """The server answers, but it has no such file."""


class NoNetworkError(DownloadError):
    """The server cannot be reached."""


class BrokenDownloadError(DownloadError):
    """The connection broke on the way; what has arrived is kept and the next call continues from there."""


class NoSpaceError(DownloadError):
    """The disk is too full."""


class WrongHashError(DownloadError):
    """A file is not the one that was asked for: its hash differs."""


class ArchiveError(DownloadError):
    """An archive was not unpacked."""


class UnknownArchiveError(ArchiveError):
    """The file is not a zip, tar or 7z archive."""


class DamagedArchiveError(ArchiveError):
    """The archive is half finished or damaged."""


class EncryptedArchiveError(ArchiveError):
    """The archive asks for a password."""


class UnsafeArchiveError(ArchiveError):
    """The archive holds something that could be written outside its folder: a path out of it, a link, a device."""


class ArchiveTooLargeError(ArchiveError):
    """The archive unpacks to more than was allowed."""
