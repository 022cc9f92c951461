"""The table that each competition asks for, made of predictions; the rules are on the competitions' pages."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from course_utils.kaggle.errors import SubmissionError
from course_utils.names import some_of

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from course_utils.training.metrics import Threshold
    from course_utils.training.predictions import Predictions


def _dogscats(predictions: "Predictions", threshold: "Threshold") -> "pd.DataFrame":
    import pandas as pd

    classes = list(predictions.classes or [])
    dogs = [i for i, kind in enumerate(classes) if kind.lower() in ("dog", "dogs")]
    values = _probabilities(predictions).double().numpy()
    if len(dogs) != 1 or len(classes) != 2:
        raise SubmissionError(
            f"the classes are {some_of(classes)}; this competition asks for the probability of one called 'dogs'"
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
    if several := [tag for tag in classes if len(tag.split()) != 1]:
        raise SubmissionError(f"the tag {several[0]!r} is not one word, and this competition divides tags by blanks; rename it")
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
        raise SubmissionError(f"the ids of this competition are whole numbers; the predictions have {some_of(others)}")
    return [int(text) for text in texts]


def _probabilities(predictions: "Predictions") -> "Tensor":
    """The values of a classifier, (N, classes) from 0 to 1, on the CPU."""
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
