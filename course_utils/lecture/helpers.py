"""What a cell of the lecture calls in place of what newer libraries removed; `cells` rewrites it so.

Each takes a `Note` of what was written, the object before the dot (or the function) and the name behind it, then what the cell
passes. What can do it itself does it: an older library, or an object that is no table.
"""

import warnings
import weakref
from typing import Any, NamedTuple

from course_utils.lecture.messages import LectureError


class Note(NamedTuple):
    """What a cell says, and what one writes today."""

    kind: str
    written: str
    today: str


replaced: dict[str, Note] = {}
"""What was replaced since the cell began, the first of each kind."""


def note(kind: str, written: str, today: str) -> None:
    """Remember that something was replaced."""
    replaced.setdefault(kind, Note(kind, written, today))


_views: dict[int, Any] = {}  # what TTA averaged, by the id of the mean, for as long as that is there


def remember_views(mean: Any, views: Any) -> None:
    """Keep the views of a mean; both are arrays, (n, c) and (views, n, c)."""
    _views[id(mean)] = views
    weakref.finalize(mean, _views.pop, id(mean), None)


def views(told: tuple[str, str, str], array: Any) -> Any:
    """The views that TTA averaged, to be averaged again; any other array as it is."""
    if id(array) in _views:
        note(*told)
    return _views.get(id(array), array)


def _function(owner: Any, name: str) -> Any:
    return getattr(owner, name) if name else owner


def _is_table(value: Any) -> bool:
    import pandas as pd

    return isinstance(value, pd.DataFrame | pd.Series)


def drop(told: tuple[str, str, str], table: Any, name: str, labels: Any, axis: int, **options: Any) -> Any:
    """Drop columns or rows by their axis; a key that groupby().rolling() once left among the columns is only in the index."""
    from pandas.api.types import is_list_like

    if not _is_table(table):
        return table.drop(labels, axis, **options)
    wanted = list(labels) if is_list_like(labels) and not isinstance(labels, tuple) else [labels]
    in_index = [
        one for one in wanted if axis == 1 and table.ndim == 2 and one in table.index.names and one not in table.columns
    ]
    wanted = [label for label in wanted if label not in in_index]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        dropped = table.drop(wanted, axis=axis, **options)
    note(*told[:2], f"nothing for {', '.join(map(repr, in_index))}, which is in the index alone" if in_index else told[2])
    return dropped


def in_place(told: tuple[str, str, str], table: Any, name: str, *args: Any, **options: Any) -> Any:
    """Change a table in its place, without the warning that one day this will not be possible."""
    if not _is_table(table):
        return _function(table, name)(*args, **options)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        result = _function(table, name)(*args, **options)
    for warning in warned:
        if issubclass(warning.category, DeprecationWarning) and "inplace" in str(warning.message):
            note(*told)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return result


def merge(told: tuple[str, str, str], table: Any, name: str, *args: Any, **options: Any) -> Any:
    """Join tables; where that makes columns of one name twice, both stay, as was possible once."""
    import pandas as pd

    try:
        return _function(table, name)(*args, **options)
    except pd.errors.MergeError:
        mark = "\0again"
        marked = [suffix if suffix is None else f"{suffix}{mark}" for suffix in options["suffixes"]]
        try:
            joined = _function(table, name)(*args, **{**options, "suffixes": marked})
        except Exception:
            joined = None
        if joined is None:
            raise
        note(*told)
        return joined.set_axis([str(c).removesuffix(mark) if str(c).endswith(mark) else c for c in joined.columns], axis=1)


def as_dates(told: tuple[str, str, str], values: Any, name: str) -> Any:
    """Dates as they are: pandas.to_datetime, which the cell calls next, takes them so."""
    import datetime

    if not _is_table(values):
        return _function(values, name)(datetime.datetime)
    note(*told)
    return values


def append(told: tuple[str, str, str], table: Any, name: str, other: Any, **options: Any) -> Any:
    """Put the rows of one table below those of another."""
    import pandas as pd

    if not _is_table(table) or hasattr(table, name):
        return _function(table, name)(other, **options)
    parts = other if isinstance(other, list) else [other]
    rows = [isinstance(part, dict | pd.Series) and table.ndim == 2 for part in parts]
    tables = [pd.DataFrame([part]) if row else part for part, row in zip(parts, rows, strict=True)]
    joined = pd.concat([table, *tables], **options)
    note(*told[:2], "pd.concat([df, pd.DataFrame([row])])" if any(rows) else told[2])
    return joined


def fit_generator(
    told: tuple[str, str, str], model: Any, name: str, generator: Any, steps: int | None = None, **options: Any
) -> Any:
    """Fit a Keras model to what a generator gives; how many work at once is the generator's own matter now."""
    if hasattr(model, name):
        return _function(model, name)(generator, steps, **options)
    note(*told)
    for option in ("workers", "use_multiprocessing", "max_queue_size"):
        value = options.pop(option, None)
        if value is not None and hasattr(generator, option):
            setattr(generator, option, value)
    return model.fit(generator, steps_per_epoch=steps if steps is not None else options.pop("steps_per_epoch", None), **options)


def imagenet_weights(told: tuple[str, str, str], network: Any, name: str, *args: Any, **options: Any) -> Any:
    """Build a Keras application; a sentence says what to do where its weights cannot be fetched."""
    function = _function(network, name)
    try:
        return function(*args, **options)
    except Exception as error:
        if "fetch failure" not in str(error) and not isinstance(error, OSError):
            raise
        title = getattr(function, "__name__", "the network")
        raise LectureError(
            f"Keras could not fetch the ImageNet weights of {title} ({error}). Connect to the internet once, copy the file "
            f"into ~/.keras/models, or write {title}(weights=None, ...) for one that has learnt nothing; course_utils.vision."
            "image_learner(data) has pretrained weights without a download"
        ) from error


def set_device(told: tuple[str, str, str], cuda: Any, name: str, device: Any) -> None:
    """Choose a GPU where networks compute on one."""
    from course_utils.training import default_device

    if default_device().type == "cuda":
        cuda.set_device(device)
    else:
        note(*told)


def to_gpu(told: tuple[str, str, str], value: Any, name: str) -> Any:
    """Move a tensor or a network to where networks compute, as `V` does."""
    import torch

    from course_utils.training import default_device

    if not isinstance(value, torch.Tensor | torch.nn.Module):
        return _function(value, name)()
    device = default_device()
    if device.type != "cuda":
        note(*told)
    return value.to(device)


def fbeta_score(
    told: tuple[str, str, str], function: Any, name: str, targets: Any, predictions: Any, beta: float, **options: Any
) -> Any:
    """scikit-learn's F-beta, whose beta has to be named."""
    score = _function(function, name)
    if not str(getattr(score, "__module__", "")).startswith("sklearn."):  # a function of the reader's own
        return score(targets, predictions, beta, **options)
    note(*told)
    return score(targets, predictions, beta=beta, **options)
