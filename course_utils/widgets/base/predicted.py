"""Predictions that a widget with pictures takes, looked at: probabilities with targets, an item and a name for each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.widgets.base.arrays import as_array, as_names, shown
from course_utils.widgets.base.errors import WidgetError

Array = NDArray[Any]


def values_and_targets(predictions: Any) -> tuple[Array, Array]:
    """Both as they are; WidgetError for what is not predictions, or those of a test set."""
    if not all(hasattr(predictions, part) for part in ("values", "targets", "items")):
        raise WidgetError(f"predictions is {shown(predictions)}; expected what learner.predict() gives")
    if predictions.targets is None:
        raise WidgetError(
            "these predictions have no targets, as those of a test set; give learner.predict() of the validation set"
        )
    return as_array(predictions.values), as_array(predictions.targets)


def checked_probabilities(values: Array, items: Sequence[str], most: int) -> NDArray[np.float32]:
    """The values (pictures, classes); WidgetError for more than `most`, for logits, or where items are more or fewer."""
    if values.size > most:
        raise WidgetError(
            f"{values.shape[0]:,} × {values.shape[1]:,} probabilities are more than the {most:,} that can be shown"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise WidgetError(
            f"the predictions' values lie between {values.min():g} and {values.max():g}; expected probabilities, 0 to 1, as "
            "learner.predict() gives, and not logits"
        )
    if len(items) != len(values):
        raise WidgetError(f"the predictions have {len(items)} items and {len(values)} rows; expected one item for each")
    return values.astype(np.float32)


def names_of(classes: Sequence[str] | None, count: int, kind: str) -> list[str]:
    """A name of its own for each class (or tag, as `kind` calls them); WidgetError where some are missing or alike."""
    if classes is None:
        raise WidgetError(f"the predictions do not name their {count} {kind}; give classes=data.classes")
    names = as_names(classes, "classes")
    if len(names) != count or len(set(names)) < count or not all(names):
        raise WidgetError(f"classes is {shown(names)}; expected a name of its own for each of the {count} {kind}")
    return names
