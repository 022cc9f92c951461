"""What went wrong between here and a server, in words."""

import errno

from course_utils.data.errors import BrokenDownloadError, DownloadError, NoNetworkError, NoSpaceError


def explained_network(error: Exception, what: str, server: str) -> Exception:
    """The error to raise where `what` did not come from `server`; one that is not the network's comes back as it is."""
    import requests

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return NoNetworkError(
            f"{server} cannot be reached for {what} ({first_line(error)}); check the network (a proxy?), then try again"
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokenDownloadError(f"the connection broke while {what} was downloaded; try again: it continues from there")
    astray = requests.exceptions
    if isinstance(error, astray.InvalidSchema | astray.InvalidURL | astray.MissingSchema | astray.TooManyRedirects):
        return DownloadError(
            f"{server} did not give {what}, but redirects to an address that is not a file on a web server "
            f"({first_line(error)}); try the address in a browser"
        )
    if isinstance(error, requests.RequestException):
        return DownloadError(f"{server} did not give {what}: {first_line(error)}; try again later")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"the disk was full before {what} had arrived; make room, then try again: it continues from there")
    return error


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or else its kind; without the full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
