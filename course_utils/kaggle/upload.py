"""A submission's way to Kaggle, through the `kaggle` client where that is installed."""

import os
import shlex
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from course_utils.data.catalog import DATASETS, Dataset, find
from course_utils.data.errors import NoNetworkError, NotOnServerError, NotSignedInError, RulesNotAcceptedError
from course_utils.data.network_errors import first_line
from course_utils.errors import CourseError
from course_utils.files import as_path


def submit(name: str, file: str | os.PathLike[str], message: str) -> str:
    """Upload a submission to the competition of a dataset through the `kaggle` client, and give what Kaggle answers.

    The client is a package of its own (`pip install kaggle`). Where it is not installed, not signed in or refused, the message
    says so, and how to submit without this function.

    Raises:
        CourseError: no such file, or no client.
        NotSignedInError, RulesNotAcceptedError, NotOnServerError, NoNetworkError: as they say.
    """
    dataset, path = find(name), as_path("file", file)
    if dataset.competition is None:
        there = ", ".join(other.name for other in DATASETS.values() if other.competition)
        raise CourseError(f"{name} is not a competition, so there is nothing to submit; these are: {there}")
    if not os.path.isfile(path):
        raise CourseError(
            f"there is no file {path} to submit; submission({name!r}, predictions, file={str(path)!r}) writes one"
        )
    command = shlex.join(["kaggle", "competitions", "submit", "-c", dataset.competition, "-f", str(path), "-m", message])
    by_hand = f"In a terminal the same is\n    {command}\nand without any client it is the page {dataset.page}/submissions"
    client = _signed_in_client(by_hand)
    try:
        answer = client.competition_submit(str(path), message, dataset.competition, quiet=True)
    except (Exception, SystemExit) as error:
        raise _explained(error, dataset, by_hand) from error
    text = str(getattr(answer, "message", answer))
    if text == getattr(client, "COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE", None):
        raise CourseError(f"{path} did not arrive at Kaggle ({text}); try again. {by_hand}")
    return text


def _signed_in_client(by_hand: str) -> Any:
    """The kaggle client's interface, signed in; some versions of it do that when imported, and end Python where they cannot."""
    import requests

    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
    except ImportError as error:
        raise CourseError(f"the kaggle client is not installed; `pip install kaggle` does that. {by_hand}") from error
    except requests.RequestException as error:
        raise NoNetworkError(f"Kaggle cannot be reached to sign in ({first_line(error)}). {by_hand}") from error
    except (Exception, SystemExit) as error:
        raise _not_signed_in("the kaggle client is not signed in", by_hand) from error
    return client


def _not_signed_in(what: str, by_hand: str) -> NotSignedInError:
    return NotSignedInError(
        f"{what}: make a token at https://www.kaggle.com/settings/api, then either put it into the environment variable "
        f"KAGGLE_API_TOKEN, or save kaggle.json in ~/.kaggle. {by_hand}"
    )


def _explained(error: BaseException, dataset: Dataset, by_hand: str) -> CourseError:
    import requests

    response = getattr(error, "response", None)
    code = response.status_code if response is not None else getattr(error, "status", None)
    if code == 401:
        return _not_signed_in(f"Kaggle does not accept the sign-in that the client has ({first_line(error)})", by_hand)
    if code == 403:
        return RulesNotAcceptedError(
            f"Kaggle refuses the submission: open {dataset.page}/rules in a browser as the same user, accept the rules, then "
            f"try again. {by_hand}"
        )
    if code == 404:
        return NotOnServerError(f"Kaggle has no competition {dataset.competition} that takes submissions; see {dataset.page}")
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return NoNetworkError(f"Kaggle cannot be reached ({first_line(error)}); check the network. {by_hand}")
    return CourseError(f"Kaggle did not take the submission ({first_line(error)}). {by_hand}")
