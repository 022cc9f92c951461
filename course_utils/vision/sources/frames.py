"""Pictures that a data frame names and labels."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.training.splits import refuse_labels
from course_utils.vision.disk import composed, files_beside
from course_utils.vision.labels import label_table
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.options import Options
from course_utils.vision.sources.present import placed, those_present
from course_utils.vision.sources.values import as_cells, refuse_nested, values_of


def from_frame(frame: Any, path: Path, options: Options) -> Labelled:
    """What a pandas, Polars or Arrow table says of pictures below `path/folder`, or anywhere; see `ImageData.from_frame`."""
    if hasattr(frame, "column_names") and hasattr(frame, "num_rows"):  # Arrow's
        headings, columns = list(frame.column_names), list(frame.columns)
    elif hasattr(frame, "columns") and hasattr(frame, "shape") and len(frame.shape) == 2:
        headings = list(frame.columns)
        columns = [frame[heading] if headings.count(heading) == 1 else [""] * len(frame) for heading in headings]
    else:
        raise CourseError(
            f"frame is of type {type(frame).__name__}; give a pandas or Polars DataFrame of names and labels, or an Arrow table"
        )
    if not len(frame):
        raise CourseError("the frame has no rows; give one for each picture")
    header = [str(heading) for heading in headings]
    options = replace(
        options,
        file_column=_as_text(options.file_column, headings),
        label_column=_as_text(options.label_column, headings),
    )
    rows = list(zip(*map(as_cells, columns), strict=True))
    table = label_table("the frame", header, rows, options.task, options.file_column, options.label_column)
    for heading, column in zip(header, columns, strict=True):
        if table.heading[1] == composed(heading):
            refuse_nested("the frame", values_of(column))
        if table.heading[0] == composed(heading):
            _check_names(heading, values_of(column))
    names = [placed(name, path, options.folder, options.ending) for name in table.names]
    files = files_beside(names, path)
    refuse_labels(options.valid_idx, frame.index if type(frame).__module__.startswith("pandas") else None, len(names))
    return those_present("the frame", path, names, files, table, options)


def _as_text(named: Any, headings: Sequence[Any]) -> Any:
    """Headings of a frame that are numbers or tuples, as text; anything else stays, for others to refuse."""
    if isinstance(named, list):
        return [_as_text(one, headings) for one in named]
    return str(named) if isinstance(named, int | np.integer | tuple) and named in headings else named


def _check_names(heading: str, values: Sequence[Any]) -> None:
    """Raise CourseError where the column of the names holds other things, such as the pictures themselves."""
    for value in values:
        if not isinstance(value, str | os.PathLike | int | float | np.generic):
            raise CourseError(
                f"the frame has {shown(value)} in the column {heading!r}, where the names of files are expected; pictures "
                "themselves go to ImageData.from_arrays"
            )
