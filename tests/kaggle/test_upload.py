"""Handing in through a stand-in for the kaggle client."""

import sys
import types

import pytest
import requests

from course_utils import kaggle
from course_utils.data.errors import NoNetworkError, NotOnServerError, NotSignedInError, RulesNotAcceptedError
from course_utils.errors import CourseError


def http_error(code):
    response = requests.Response()
    response.status_code = code
    return requests.HTTPError(f"{code} Client Error: no\nmore", response=response)


@pytest.fixture
def client(monkeypatch):
    """A stand-in for the kaggle client, which remembers what it was given."""

    class KaggleApi:
        COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE = "Could not submit to competition"
        given: tuple = ()
        sign_in_error = submit_error = None
        answer = "Successfully submitted to Rossmann Store Sales"

        def authenticate(self):
            if self.sign_in_error:
                print("a page of advice")
                raise self.sign_in_error

        def competition_submit(self, file_name, message, competition, quiet=False):
            if self.submit_error:
                raise self.submit_error
            type(self).given = (file_name, message, competition)
            return types.SimpleNamespace(message=self.answer)

    modules = {name: types.ModuleType(name) for name in ("kaggle", "kaggle.api", "kaggle.api.kaggle_api_extended")}
    modules["kaggle.api.kaggle_api_extended"].KaggleApi = KaggleApi
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return KaggleApi


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my sales.csv"
    path.write_text("Id,Sales\n1,2\n")
    return path


def test_a_file_is_handed_to_the_client_and_its_answer_given(client, file):
    assert kaggle.submit("rossmann", file, "first try") == "Successfully submitted to Rossmann Store Sales"
    assert client.given == (str(file), "first try", "rossmann-store-sales")


@pytest.mark.parametrize("error", [SystemExit(1), OSError("Could not find kaggle.json"), ValueError("broken")])
def test_who_is_not_signed_in_is_told_how_and_what_to_do_without(client, file, error, capfd):
    client.sign_in_error = error
    with pytest.raises(NotSignedInError, match="not signed in: make a token at https://") as caught:
        kaggle.submit("rossmann", file, "first try")
    assert f"kaggle competitions submit -c rossmann-store-sales -f '{file}' -m 'first try'" in str(caught.value)
    assert "https://www.kaggle.com/competitions/rossmann-store-sales/submissions" in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_client_that_is_not_installed_is_named(monkeypatch, file):
    monkeypatch.setitem(sys.modules, "kaggle", None)
    monkeypatch.delitem(sys.modules, "kaggle.api.kaggle_api_extended", raising=False)
    monkeypatch.delitem(sys.modules, "kaggle.api", raising=False)
    with pytest.raises(
        CourseError, match=r"(?s)pip install kaggle.*kaggle competitions submit -c dog-breed-ident.*/submissions"
    ):
        kaggle.submit("dogbreeds", file, "x")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (http_error(401), NotSignedInError, "does not accept the sign-in"),
        (http_error(403), RulesNotAcceptedError, "rossmann-store-sales/rules"),
        (http_error(404), NotOnServerError, "takes submissions"),
        (requests.ConnectionError("no route"), NoNetworkError, "no route"),
        (http_error(400), CourseError, "400 Client Error: no[)]"),
        (SystemExit(1), CourseError, "did not take"),
    ],
)
def test_what_kaggle_refuses_is_explained(client, file, error, kind, message):
    client.submit_error = error
    with pytest.raises(kind, match=message):
        kaggle.submit("rossmann", file, "x")


def test_no_network_is_not_taken_for_no_sign_in(client, file):
    client.sign_in_error = requests.ConnectionError("no route")
    with pytest.raises(NoNetworkError, match="no route"):
        kaggle.submit("rossmann", file, "x")


def test_an_upload_that_failed_is_no_submission(client, file):
    client.answer = client.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE
    with pytest.raises(CourseError, match="did not arrive"):
        kaggle.submit("rossmann", file, "x")


def test_only_files_that_are_there_go_to_competitions(client, tmp_path, file):
    with pytest.raises(CourseError, match=r"no file .*gone\.csv"):
        kaggle.submit("rossmann", tmp_path / "gone.csv", "x")
    with pytest.raises(CourseError, match="digits is not a competition"):
        kaggle.submit("digits", file, "x")
    assert client.given == ()
