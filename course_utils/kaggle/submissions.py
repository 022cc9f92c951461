"""A submission: the table that a competition asks for, checked before it is written."""

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.data.catalog import find
from course_utils.errors import CourseError
from course_utils.files import as_path, replacing
from course_utils.kaggle.errors import SubmissionError
from course_utils.kaggle.formats import FORMATS
from course_utils.kaggle.samples import in_order_of, refuse_repeated
from course_utils.names import some_of

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.training.metrics import Threshold
    from course_utils.training.predictions import Predictions

DIGITS = "%.6g"  # six significant digits, also of tiny probabilities: rounded to 0 one that comes true would cost dearly


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
        SubmissionError: predictions for pictures whose labels are known, values that are not numbers or not probabilities,
            ids that occur twice, or columns and ids that differ from the sample's; the first few are named.

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
        raise CourseError(f"{name} is not a competition, so there is nothing to submit; these are: {', '.join(FORMATS)}")
    _check(predictions)
    table = FORMATS[name](predictions, threshold)
    refuse_repeated(table.iloc[:, 0], "the predictions name")
    if sample is not None:
        table = in_order_of(as_path("sample", sample), table, dataset)
    if file is not None:
        _write(table, as_path("file", file))
    return table


def _check(predictions: "Predictions") -> None:
    from course_utils.training.predictions import Predictions

    if not isinstance(predictions, Predictions):
        raise SubmissionError(f'expected what learner.predict("test") gives; this is a {type(predictions).__name__}')
    if predictions.targets is not None:
        raise SubmissionError(
            f"these {len(predictions):,} predictions come with the right answers ({some_of(predictions.items)}): they are of "
            'the training or validation set. Submit those of the test set: learner.predict("test") or learner.tta("test").'
        )
    if len(predictions.items) != len(predictions.values) or not len(predictions.values):
        raise SubmissionError(
            f"there are {len(predictions.values):,} predictions for {len(predictions.items):,} items; expected one for each"
        )
    broken = ~predictions.values.isfinite().reshape(len(predictions), -1).all(1)
    if broken.any():
        names = [str(predictions.items[i]) for i in broken.nonzero().flatten().tolist()]
        raise SubmissionError(f"the predictions for {len(names):,} items are not numbers (NaN or infinite): {some_of(names)}")


def _write(table: "pd.DataFrame", file: Path) -> None:
    if file.suffix.lower() not in (".csv", ".gz"):
        raise SubmissionError(f"the file is called {file.name}; let it end in .csv, or in .csv.gz for a compressed one")
    content = table.to_csv(index=False, float_format=DIGITS, lineterminator="\n").encode()
    if file.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)  # without the time, so that the same table gives the same bytes
    with replacing(file) as part:
        part.write_bytes(content)
