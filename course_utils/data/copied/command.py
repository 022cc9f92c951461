"""`download_command`: a download that needs a sign-in, from the command that a browser copied."""

import getpass
import os
from pathlib import Path

from course_utils.data.copied.request import AGAIN, read_command
from course_utils.data.copied.transfer import Transfer, without_frames
from course_utils.data.places import data_folder
from course_utils.errors import CourseError
from course_utils.files import as_path


def download_command(command: str | None = None, folder: str | os.PathLike[str] | None = None, progress: bool = True) -> Path:
    """Download the file behind a sign-in that a command copied from the browser asks for, and give its path.

    In the browser, signed in, open the developer tools (F12), choose Network, start the download, right-click its line and
    choose Copy as cURL (in Chrome as bash or as cmd); what the extension CurlWget copies is taken too. Paste it between `r'''`
    and `'''`, each on a line of its own; or call `download_command()` and paste it into the field that appears: a copied
    command holds your session, and what is in a cell is kept in the notebook and in IPython's history. Signing out in the
    browser ends a session that leaked. (Lecture: 0:12:14-0:13:31)

    No shell is run. The name is the one after `-o`; else the server's, without folders and what some system refuses; else the
    address's. `folder` is by default the data folder. A file that is there is not replaced; if it has the size of the
    server's, it is given back, and a line says so. A download that breaks continues where it stopped, at once or in the next
    call, where the server can tell that its file is still the same. Headers of the connection and of the browser's cache are
    replaced by our own. To another server, cookies and all that may say who asks are not sent. No part of them or of the query
    of an address comes into a message, a log or a file.

    Raises a `CourseError` for what is not a command of curl that fetches one file (POST, forms, several addresses, options that
    are not known); `NotSignedInError` where a page to sign in comes instead of the file, or the server refuses it;
    `NotOnServerError`, `NoNetworkError`, `BrokenDownloadError`, `NoSpaceError` or a `DownloadError` with the server's answer.

    >>> download_command("curl 'https://data.org/upload' -X POST -b 'session=s3cret'")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: the command is for POST, and files are only fetched here, with GET; copy the request ...
    """
    place = data_folder() if folder is None else as_path("folder", folder, of="a folder")
    try:
        return Transfer(read_command(_asked_for() if command is None else command), place, progress).run()
    except CourseError as error:
        problem = without_frames(error)
    command = None  # a traceback may show what a name stands for
    raise problem


def _asked_for() -> str:
    try:
        return getpass.getpass("Paste the command, then press Enter: ")
    except (EOFError, NotImplementedError, OSError):  # nobody is there to be asked
        problem = CourseError(f"there is nobody to ask for the command; give it as text: {AGAIN}")
    raise problem
