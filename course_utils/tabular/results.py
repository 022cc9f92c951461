"""Looking at what a model of a table has learnt: its embeddings, its predictions, and where they are wrong."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from course_utils.errors import CourseError
from course_utils.figures import BLUE, new_figure, plain
from course_utils.tabular.checks import in_list
from course_utils.tabular.exploring import in_pandas
from course_utils.training.arguments import whole
from course_utils.training.metrics import rmspe
from course_utils.training.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMED = 40  # points of an embedding that get their name written beside them; more would hide each other


def principal_components(weights: "pd.DataFrame", n: int = 2) -> "pd.DataFrame":
    """Put the rows of `weights` (things, dimensions) into the n directions in which they differ most, (things, n).

    By the singular value decomposition of the centred rows; the sign of each direction makes its largest weight positive.
    Where there are fewer than n directions, the other columns are zeros. Raises a `CourseError` where weights are no numbers.

    >>> import pandas as pd
    >>> line = pd.DataFrame([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], index=["a", "b", "c"])
    >>> principal_components(line, n=1)[0].round(3).tolist()
    [-5.0, 0.0, 5.0]
    """
    import pandas as pd

    n = whole("n", n, of=", the directions to keep")
    try:
        rows = weights.to_numpy(dtype=float)
    except (TypeError, ValueError, AttributeError) as error:
        raise CourseError(f"weights should hold numbers alone, with the categories as its index: {error}") from None
    if not rows.size or not np.isfinite(rows).all():
        raise CourseError(
            f"weights {rows.shape} are empty, or some are not finite; did training diverge? Lower its learning rate"
        )
    centred = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:n]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    places = np.zeros((len(rows), n))
    places[:, : len(directions)] = centred @ directions.T
    return pd.DataFrame(places, index=weights.index)


def show_embedding(
    weights: "pd.DataFrame", colour_by: "pd.Series[Any] | None" = None, label: str = "", title: str = ""
) -> "Figure":
    """Draw an embedding from the side on which its points differ most: `weights` has a row for each category, by name.

    `colour_by` gives a number for each category, which `label` explains; those without one are grey. (Guo and Berkhahn, 2016,
    draw the German states so.)
    """
    places = principal_components(weights)
    if weights.shape[1] < 2:
        raise CourseError("this embedding has 1 dimension; two or more can be drawn")
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    size = 36 if len(places) <= NAMED else 18
    if colour_by is None:
        axes.scatter(places[0], places[1], color=BLUE, s=size)
    else:
        colours = _colours(colour_by, weights.index)
        known = colours.notna()
        points = axes.scatter(places[0][known], places[1][known], c=colours[known], cmap="viridis", s=size)
        figure.colorbar(points, label=plain(label))
        if not known.all():
            axes.scatter(places[0][~known], places[1][~known], color="0.7", s=size, label="not known")
            legend = axes.legend(fontsize=8, loc="upper right")
            legend.get_texts()[0].set_text(f"{plain(label) or 'colour'} not known")  # a legend hides labels that begin with _
    if len(places) <= NAMED:
        for name, x, y in zip(places.index, places[0], places[1], strict=True):
            axes.annotate(plain(name), (x, y), (4, 3), textcoords="offset points", fontsize=8)
    axes.set(xlabel="first principal component", ylabel="second principal component", title=plain(title, longest=None))
    axes.grid(alpha=0.3)
    axes.margins(0.12)
    return figure


def _colours(colour_by: "pd.Series[Any]", names: "pd.Index[Any]") -> "pd.Series[float]":
    """The number of each name, NaN where there is none."""
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(colour_by):
        raise CourseError(f"colour_by holds {colour_by.dtype}; give a number for each category, such as its mean sales")
    if not colour_by.index.is_unique:
        twice = colour_by.index[colour_by.index.duplicated()][0]
        raise CourseError(
            f"colour_by has {twice!r} twice; give one number for each category, as table.groupby(column).mean() has"
        )
    colours = colour_by.reindex(names).astype(float)
    if colours.isna().all():
        raise CourseError(f"colour_by has no number for any category, such as {names[0]!r}; its index should have their names")
    return colours


def show_predictions(predictions: Predictions) -> "Figure":
    """Draw predicted against actual values on logarithmic scales, and how the errors in per cent are spread.

    Raises a `CourseError` where a value is not above 0, as then it has no logarithm.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    actual, predicted = _actual_and_predicted(predictions)
    if number := int(((actual <= 0) | (predicted <= 0)).sum()):
        raise CourseError(
            f"{number:,} of {len(actual):,} rows have an actual or predicted value of 0 or less, which logarithmic scales "
            "cannot show; draw those above 0, or train with log_target=True"
        )
    figure = new_figure(10, 3.8)
    left, right = figure.subplots(1, 2)
    cells = left.hexbin(actual, predicted, xscale="log", yscale="log", gridsize=60, mincnt=1, bins="log", cmap="viridis")
    figure.colorbar(cells).ax.set_title("rows", fontsize="medium")  # beside it stands the other axes' label
    ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
    left.plot(ends, ends, color="black", lw=1)
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:,.12g}")
        axis.set_minor_locator(NullLocator())
    left.tick_params("x", rotation=45)
    left.set(xlabel="actual", ylabel="predicted", title="each row once; on the line: right")
    errors = 100 * (predicted - actual) / actual
    right.hist(errors.clip(-50, 50), bins=100, color=BLUE)
    right.axvline(0, color="black", lw=1)
    within = float((np.abs(errors) <= 10).mean())
    right.set(xlabel="error, % of the actual value (those beyond 50 at the ends)", ylabel="rows")
    right.set_title(f"{within:.0%} of rows within 10%")
    return figure


def errors_by(predictions: Predictions, frame: Any, column: str) -> "pd.DataFrame":
    """Give rows, RMSPE and mean error (as a fraction; positive: predicted too high) for each value of one column.

    `frame` (pandas, Polars) holds the rows that were predicted, in the same order; those without a value are "missing".
    """
    import pandas as pd

    actual, predicted = _actual_and_predicted(predictions)
    values = in_pandas(frame, column)[column]
    if len(values) != len(actual):
        raise CourseError(
            f"{len(actual):,} predictions were given with {len(values):,} rows; give the rows that were predicted"
        )
    errors = pd.Series((predicted - actual) / np.where(actual == 0, np.nan, actual))  # in proportion, which 0 has none to
    groups = errors.groupby(values.to_numpy(), dropna=False)
    squares = (errors**2).groupby(values.to_numpy(), dropna=False)
    table = pd.DataFrame({"rows": groups.size(), "rmspe": squares.mean() ** 0.5, "mean error": groups.mean()})
    return table.set_axis(["missing" if pd.isna(value) else value for value in table.index])


def show_errors(predictions: Predictions, frame: Any, by: str | Sequence[str]) -> "Figure":
    """Draw the RMSPE for each value of some columns, a panel for each column, with the RMSPE of all rows as a line."""
    tables = {column: errors_by(predictions, frame, column) for column in in_list(by)}
    figure = new_figure(min(10, 1.5 + 4 * len(tables)), 3.2)
    axes = figure.subplots(1, len(tables), sharey=True, squeeze=False)
    actual, predicted = _actual_and_predicted(predictions)
    overall = rmspe(torch.from_numpy(predicted), torch.from_numpy(actual))
    for axis, (column, table) in zip(axes[0], tables.items(), strict=True):
        axis.bar(range(len(table)), table["rmspe"], color=BLUE)
        axis.axhline(overall, color="black", lw=1, ls="--")
        if len(table) <= 12:
            axis.set_xticks(
                range(len(table)), [f"{plain(value, 20)}\n{rows:,}" for value, rows in table["rows"].items()], fontsize=8
            )
            axis.set_xlabel(f"{plain(column)} (and rows)")
        else:
            axis.set_xticks([])
            axis.set_xlabel(f"{plain(column)} ({len(table):,} values)")
        axis.grid(axis="y", alpha=0.3)
    axes[0, 0].set_ylabel("RMSPE")
    figure.suptitle(f"dashed: all rows, {overall:.4f}", fontsize=10)
    return figure


def _actual_and_predicted(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(predictions, Predictions):
        raise CourseError(
            f"expected predictions, as learner.predict() gives them; got something of type {type(predictions).__name__}"
        )
    if predictions.targets is None:
        raise CourseError("these predictions have no targets to compare with; take those of the validation set")
    actual, predicted = (values.flatten().double().numpy() for values in (predictions.targets, predictions.values))
    if not len(actual):
        raise CourseError("there are no predictions to show; give those of a set with rows")
    if wrong := int((~np.isfinite(actual + predicted)).sum()):
        raise CourseError(
            f"{wrong:,} of {len(actual):,} predictions or targets are not finite; train with a lower learning rate"
        )
    return actual, predicted
