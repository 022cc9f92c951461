"""A command for wget, as browser extensions copy one (the lecture's was CurlWget), in curl's words."""

import re
from collections.abc import Iterator

from course_utils.errors import CourseError

_VALUED = {
    "--header": "-H",
    "--output-document": "-o",
    "-O": "-o",
    "--user-agent": "-A",
    "-U": "-A",
    "--referer": "-e",
}
_ALONE = {"-c", "--continue", "-q", "--quiet", "-nv", "--no-verbose", "--show-progress", "--content-disposition"}
_REFUSED = {
    "--no-check-certificate": "--insecure",
    "--post-data": "--data",
    "--post-file": "--data",
    "--body-data": "--data",
    "--body-file": "--data",
    "--password": "--user",
    "--user": "--user",
}


def as_curl(words: list[str]) -> Iterator[str]:
    """Give the words after `wget` as curl's; a `CourseError` names an option that is not known.

    >>> list(as_curl(["--header=Cookie: a=b", "https://data.org/x.zip", "-O", "train.zip", "-c"]))
    ['-H', 'Cookie: a=b', 'https://data.org/x.zip', '-o', 'train.zip']
    """
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if option in _VALUED:
            found = value if equals else next(rest, None)
            yield _VALUED[option]
            if found is not None:
                yield found
        elif option in _REFUSED:
            yield _REFUSED[option]
        elif not option.startswith("-"):
            yield word
        elif option not in _ALONE or equals:
            shown = (re.match("--?[a-zA-Z-]{1,24}", option) or [option[:2]])[0]  # what is glued to it may be secret
            raise CourseError(
                f"the option {shown} of wget is not known here; leave it out, or if the file needs it, run the command in a "
                "terminal"
            )
