"""Handing in predictions: the file that a competition asks for, a link to download it, and its way to Kaggle.

Lecture 0:36:10-0:39:20. The competitions' own rules are on their pages; here each is a function below `FORMATS`.
"""

import bz2
import gzip
import html
import lzma
import os
import re
import shlex
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from course_utils.data.catalog import DATASETS, Dataset, find
from course_utils.data.errors import NoNetworkError, NotOnServerError, NotSignedInError, RulesNotAcceptedError
from course_utils.errors import CourseError
from course_utils.files import reading, replacing

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML
    from torch import Tensor

    from course_utils.training.learner import Predictions
    from course_utils.training.metrics import Threshold

MAX_BYTES, MAX_CELLS = 10**8, 10**7  # of a sample submission; the largest of the course has 25 MB and 1.3 million values
DIGITS = "%.6g"  # six significant digits, also of tiny probabilities: rounded to 0 one that comes true would cost dearly


class SubmissionError(CourseError):
    """Predictions that a competition would not take; nothing was written."""


def submission(
    name: str,
    predictions: "Predictions",
    file: str | os.PathLike[str] | None = None,
    threshold: "Threshold" = 0.2,
    sample: str | os.PathLike[str] | None = None,
) -> "pd.DataFrame":
    """Make the table that the competition behind a dataset of the course asks for, and write it to `file` if that is given.

    Args:
        name: dogscats (id, probability of a dog), dogbreeds (id, a probability for each breed), planet (name, tags) or rossmann
            (Id, Sales).
        predictions: of the test set, by `learner.predict("test")` or `learner.tta("test")`. The ids are its items, without
            folder and suffix.
        file: a path that ends in .csv, or in .gz for a compressed file (lecture 0:37:32), such as
            `work_folder("planet") / "submission.csv.gz"`; a name alone lies in the current folder. Numbers have six significant
            digits. The same predictions give the same bytes.
        threshold: for planet, the probability above which a picture gets a tag: a number or one per class. A picture with no
            tag above it gets its most probable one: every picture has some tag, so that no answer is surely wrong.
        sample: the competition's sample submission (csv, csv.gz or zip; see `find_sample`). Its columns and ids must be those
            of the table, which takes their order. Without it they are not checked.

    Raises:
        SubmissionError: predictions for pictures whose labels are known, numbers that are none or no probabilities, ids that
            occur twice, or columns and ids that differ from the sample's; the first few are named.

    >>> import torch
    >>> from course_utils.training import Predictions
    >>> values = torch.tensor([[0.75, 0.25], [0.125, 0.875]])
    >>> predictions = Predictions(values, None, ["test1/10.jpg", "test1/9.jpg"], ["cats", "dogs"])
    >>> print(submission("dogscats", predictions).to_string(index=False))
     id  label
      9  0.875
     10  0.250
    """
    dataset = find(name)
    if name not in FORMATS:
        raise CourseError(f"{name} is no competition, so there is nothing to submit; these are: {', '.join(FORMATS)}")
    _check(predictions)
    table = FORMATS[name](predictions, threshold)
    _refuse_repeated(table.iloc[:, 0], "the predictions name")
    if sample is not None:
        table = _in_order_of(Path(sample), table, dataset)
    if file is not None:
        _write(table, Path(file))
    return table


# -- what each competition asks for ------------------------------------------------------------------------------------------


def _dogscats(predictions: "Predictions", threshold: "Threshold") -> "pd.DataFrame":
    import pandas as pd

    classes = list(predictions.classes or [])
    dogs = [i for i, kind in enumerate(classes) if kind.lower() in ("dog", "dogs")]
    values = _probabilities(predictions).double().numpy()
    if len(dogs) != 1 or len(classes) != 2:
        raise SubmissionError(
            f"the classes are {_some(classes)}; this competition asks for the probability of one called 'dogs'"
        )
    table = pd.DataFrame({"id": _numbers(_ids(predictions.items)), "label": values[:, dogs[0]]})
    return table.sort_values("id", ignore_index=True)


def _dogbreeds(predictions: "Predictions", threshold: "Threshold") -> "pd.DataFrame":
    import pandas as pd

    values = _probabilities(predictions).double().numpy()
    sums = values.sum(1)
    if (off := abs(sums - 1)).max() > 1e-3:
        worst = int(off.argmax())
        raise SubmissionError(
            f"the probabilities of {predictions.items[worst]} add up to {sums[worst]:.4f}; a dog has one breed, so they must "
            "add up to 1: predict with softmax (single-label data)"
        )
    table = pd.DataFrame(values, columns=pd.Index(list(predictions.classes or [])))
    table.insert(0, "id", _ids(predictions.items))
    return table


def _planet(predictions: "Predictions", threshold: "Threshold") -> "pd.DataFrame":
    import pandas as pd

    from course_utils.training.metrics import thresholds_like

    probabilities = _probabilities(predictions)
    tagged = probabilities > thresholds_like(probabilities, threshold)
    none = ~tagged.any(1)
    tagged[none, probabilities[none].argmax(1)] = True
    classes = list(predictions.classes or [])
    tags = [" ".join(tag for tag, has in zip(classes, row, strict=True) if has) for row in tagged.tolist()]
    return pd.DataFrame({"image_name": _ids(predictions.items), "tags": tags})


def _rossmann(predictions: "Predictions", threshold: "Threshold") -> "pd.DataFrame":
    import pandas as pd

    values = predictions.values.detach().cpu().double().numpy()
    if values.size != len(values):
        raise SubmissionError(f"the sales have shape {values.shape}; give one number for each row, (N,) or (N, 1)")
    ids = _numbers(predictions.items)
    if 0 in ids:
        raise SubmissionError(
            "one of the ids is 0, but this competition's begin at 1: these may be the numbers of the rows. Name the column of "
            'ids, label="Id", in TabularData.from_frame or predict_rows'
        )
    return pd.DataFrame({"Id": ids, "Sales": values.reshape(-1)})


FORMATS: dict[str, Callable[["Predictions", "Threshold"], "pd.DataFrame"]] = {
    "dogscats": _dogscats,
    "dogbreeds": _dogbreeds,
    "planet": _planet,
    "rossmann": _rossmann,
}


def _ids(items: Sequence[str]) -> list[str]:
    """File names without folder and suffix (lecture 0:36:50)."""
    return [PurePosixPath(item).stem for item in items]


def _numbers(ids: Iterable[Any]) -> list[int]:
    texts = [str(i) for i in ids]
    if others := [text for text in texts if not re.fullmatch(r"[0-9]+", text)]:
        raise SubmissionError(f"the ids of this competition are whole numbers; the predictions have {_some(others)}")
    return [int(text) for text in texts]


def _probabilities(predictions: "Predictions") -> "Tensor":
    """The values of a classifier, (N, classes) from 0 to 1, on the processor."""
    values, classes = predictions.values, predictions.classes or []
    if values.ndim != 2 or values.shape[1] != len(classes):
        raise SubmissionError(
            f"the predictions have shape {tuple(values.shape)} and {len(classes)} classes; expected (N, classes)"
        )
    if values.min() < 0 or values.max() > 1:
        raise SubmissionError(
            f"the predictions reach from {values.min():.4g} to {values.max():.4g}; expected probabilities, from 0 to 1. "
            "Logarithms become probabilities by .exp()."
        )
    return values.detach().cpu()


# -- checks ------------------------------------------------------------------------------------------------------------------


def _check(predictions: "Predictions") -> None:
    from course_utils.training.learner import Predictions

    if not isinstance(predictions, Predictions):
        raise SubmissionError(f'expected what learner.predict("test") gives; this is a {type(predictions).__name__}')
    if predictions.targets is not None:
        raise SubmissionError(
            f"these {len(predictions):,} predictions come with the right answers ({_some(predictions.items)}): they are of the "
            'training or validation set. Submit those of the test set: learner.predict("test") or learner.tta("test").'
        )
    if len(predictions.items) != len(predictions.values) or not len(predictions.values):
        raise SubmissionError(
            f"there are {len(predictions.values):,} predictions for {len(predictions.items):,} items; expected one for each"
        )
    broken = ~predictions.values.isfinite().reshape(len(predictions), -1).all(1)
    if broken.any():
        names = [str(predictions.items[i]) for i in broken.nonzero().flatten().tolist()]
        raise SubmissionError(f"the predictions for {len(names):,} items are not numbers (NaN or infinite): {_some(names)}")


def _refuse_repeated(ids: "pd.Series", who: str) -> None:
    repeated = ids[ids.duplicated()].drop_duplicates().astype(str).tolist()
    if repeated:
        raise SubmissionError(f"{who} {len(repeated):,} ids more than once: {_some(repeated)}; each may stand there once")


def _in_order_of(sample: Path, table: "pd.DataFrame", dataset: Dataset) -> "pd.DataFrame":
    """The table with the columns and rows in the order of the sample submission, which must have the same ones."""
    expected = _read_sample(sample)
    _refuse_differing("columns", list(table.columns), list(expected.columns), sample)
    if expected.columns[0] != table.columns[0]:
        raise SubmissionError(f"the first column of {sample} is {expected.columns[0]!r}; expected {table.columns[0]!r}")
    ids = expected.iloc[:, 0]
    _refuse_repeated(ids, f"{sample} names")
    table = table.set_index(table.iloc[:, 0].astype(str))
    hint = f" Of this competition: {dataset.note}" if dataset.name == "planet" else ""
    _refuse_differing("ids", table.index.tolist(), ids.tolist(), sample, hint)
    return table.loc[ids, list(expected.columns)].reset_index(drop=True)


def _refuse_differing(what: str, ours: list[str], theirs: list[str], sample: Path, hint: str = "") -> None:
    in_ours, in_theirs = set(ours), set(theirs)
    missing, extra = [i for i in theirs if i not in in_ours], [i for i in ours if i not in in_theirs]
    if not missing and not extra:
        return
    parts = []
    if missing:
        parts.append(f"{len(missing):,} of its {len(theirs):,} {what} are missing ({_some(missing)})")
    if extra:
        parts.append(f"{len(extra):,} {what} are too many ({_some(extra)})")
    raise SubmissionError(
        f"the predictions do not fit {sample}: {' and '.join(parts)}. Is it this competition's, and are these the predictions "
        f"of its whole test set?{hint if missing else ''}"
    )


def _read_sample(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not os.path.isfile(path):
        hint = f"; find_sample({str(path)!r}) looks for one in that folder" if os.path.isdir(path) else ""
        raise CourseError(f"there is no sample submission {path}{hint}")
    try:
        with reading(path):
            content = _unpacked(path)
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    except (
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise CourseError(
            f"{path} cannot be read as a sample submission, a table of comma-separated values: {error}"
        ) from error
    if len(table.columns) < 2 or table.empty:
        raise CourseError(f"{path} has {len(table)} rows of the columns {list(table.columns)}; expected an id and a prediction")
    return table


def _unpacked(path: Path) -> bytes:
    """What a file holds, unpacked, up to what a sample submission can be: a few bytes may unpack to gigabytes."""
    parts, size, cells = [], 0, 0
    with _opened(path) as file:
        while part := file.read(1 << 20):
            parts.append(part)
            size, cells = size + len(part), cells + part.count(b",") + part.count(b"\n")
            if size > MAX_BYTES or cells > MAX_CELLS:
                raise CourseError(
                    f"{path} holds more than {MAX_BYTES:,} bytes or {MAX_CELLS:,} values, unpacked; no sample submission does. "
                    "Get it again from the competition's page"
                )
    return b"".join(parts)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    packed: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if path.suffix.lower() != ".zip":
        with packed.get(path.suffix.lower(), lambda plain: plain.open("rb"))(path) as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise ValueError(f"it is a zip archive of {len(names)} files, where one was expected")
        with archive.open(names[0]) as file:
            yield file


def _some(names: Sequence[Any], limit: int = 3) -> str:
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(map(str, names[:limit])) + more


# -- files -------------------------------------------------------------------------------------------------------------------


def find_sample(folder: str | os.PathLike[str]) -> Path | None:
    """The sample submission in the folder of a dataset, the latest version if there are several, or None.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("sample_submission.csv", "sample_submission_v2.csv.gz", "train_v2.csv"):
    ...     (folder / name).touch()
    >>> find_sample(folder).name
    'sample_submission_v2.csv.gz'
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise CourseError(f"there is no folder {folder} to look for a sample submission in")
    found = {}
    with reading(folder):
        names = sorted(os.listdir(folder))
    for path in map(folder.joinpath, names):
        match = re.fullmatch(r"(sample_?submission.*?)(\.csv|\.csv\.gz|\.csv\.zip|\.zip)", path.name, re.IGNORECASE)
        if match and os.path.isfile(path):
            found[match[1], match[2] == ".csv"] = path  # plain files before compressed ones
    return found[max(found)] if found else None


def _write(table: "pd.DataFrame", file: Path) -> None:
    if file.suffix not in (".csv", ".gz"):
        raise SubmissionError(f"the file is called {file.name}; let it end in .csv, or in .csv.gz for a compressed one")
    content = table.to_csv(index=False, float_format=DIGITS, lineterminator="\n").encode()
    if file.suffix == ".gz":
        content = gzip.compress(content, mtime=0)  # without the time, so that the same table gives the same bytes
    with replacing(file) as part:
        part.write_bytes(content)


def download_link(file: str | os.PathLike[str]) -> "HTML":
    """A link for a notebook by which the browser downloads a file from the server (lecture 0:38:02).

    It is relative to the current folder. JupyterLab serves the folder that it was started in, so a file must lie in the
    notebook's folder or the one above it; of another the output says that there is no link to it.
    """
    from IPython.display import HTML

    path = Path(file)
    if not os.path.isfile(path):
        raise CourseError(f"there is no file {path} to download; submission(..., file={str(path)!r}) writes one")
    name, what = html.escape(path.name.encode("utf-8", "replace").decode()), _described(path)
    address = _relative(path)
    if address is None:
        return HTML(f"{name} ({what}) lies outside of what JupyterLab serves; write it to a folder beside the notebook")
    return HTML(f'<a href="{quote(os.fsencode(address))}" download>{name}</a> ({what})')


def _relative(path: Path) -> str | None:
    try:
        address = Path(os.path.relpath(path.absolute()))
    except ValueError:  # on another drive of Windows
        return None
    return None if address.parts[:2] == ("..", "..") else address.as_posix()


def _described(path: Path) -> str:
    size = path.stat().st_size
    text = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"
    try:
        content = _unpacked(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, zipfile.BadZipFile, RuntimeError, CourseError):
        return text
    return f"{content.count(bytes([10])) - 1:,} rows, {text}" if ".csv" in path.suffixes else text


# -- handing in --------------------------------------------------------------------------------------------------------------


def submit(name: str, file: str | os.PathLike[str], message: str) -> str:
    """Upload a submission to the competition of a dataset through the `kaggle` client, and give what Kaggle answers.

    The client is a package of its own (`pip install kaggle`). Where it is not installed, not signed in or refused, the message
    says so, and how to submit without this function.

    Raises:
        CourseError: no such file, or no client.
        NotSignedInError, RulesNotAcceptedError, NotOnServerError, NoNetworkError: as they say.
    """
    dataset, path = find(name), Path(file)
    if dataset.competition is None:
        there = ", ".join(other.name for other in DATASETS.values() if other.competition)
        raise CourseError(f"{name} is no competition, so there is nothing to submit; these are: {there}")
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
        raise NoNetworkError(f"Kaggle cannot be reached to sign in ({_first_line(error)}). {by_hand}") from error
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
        return _not_signed_in(f"Kaggle does not accept the sign-in that the client has ({_first_line(error)})", by_hand)
    if code == 403:
        return RulesNotAcceptedError(
            f"Kaggle refuses the submission: open {dataset.page}/rules in a browser as the same user, accept the rules, then "
            f"try again. {by_hand}"
        )
    if code == 404:
        return NotOnServerError(f"Kaggle has no competition {dataset.competition} that takes submissions; see {dataset.page}")
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return NoNetworkError(f"Kaggle cannot be reached ({_first_line(error)}); check the network. {by_hand}")
    return CourseError(f"Kaggle did not take the submission ({_first_line(error)}). {by_hand}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
