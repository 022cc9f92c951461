"""`course predict`: what a network that was exported says of pictures or tables."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_utils.errors import CourseError
from course_utils.names import counted, printable, some_of
from course_utils.plain_text import plain

if TYPE_CHECKING:
    from course_utils.tabular.predictor import TablePredictor
    from course_utils.vision.predictor import ImagePredictor


def predict(
    predictor: Annotated[Path, typer.Argument(help="The file that learner.export(...) wrote, such as pets.course.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, or folders, with all below; for a network of tables .csv, .csv.gz, .feather or .parquet files with "
            "the columns that it learnt from, the features among them."
        ),
    ],
) -> None:
    """Predict with a network that was exported, where its training data are not needed.

    For each picture a line tells the file, the label and its probability; for each row of a table the file, the row's Id (its
    number, from 1, where there is no column Id) and the value; tabs are between them. Pictures and tables that cannot be read
    are named on standard error, and the others predicted all the same; the exit code is then 1.

    A network of tables needs the columns that it was trained on, under their names: features are not built here, but written
    beforehand with course_utils.tabular.write_table. load_predictor(file).columns names them.
    """
    from course_utils.predictor import load_predictor
    from course_utils.vision.predictor import ImagePredictor

    ready = load_predictor(predictor)
    lines = _lines_of_pictures(ready, inputs) if isinstance(ready, ImagePredictor) else _lines_of_tables(ready, inputs)
    failed = 0
    for line in lines:
        if isinstance(line, CourseError):
            failed += 1
            typer.echo(plain(line), err=True)
        else:
            typer.echo("\t".join(map(printable, line)))
    if failed:
        raise typer.Exit(1)


Line = tuple[object, ...] | CourseError


def _lines_of_pictures(predictor: "ImagePredictor", inputs: list[Path]) -> Iterator[Line]:
    """The file, label and probability of each picture, or the error of one that cannot be read."""
    from course_utils.vision.disk import pictures_in

    pictures = []
    for path in inputs:
        if not os.path.isdir(path):
            pictures.append(path)
            continue
        try:
            there = pictures_in(path, "")
        except CourseError as error:
            yield error
            continue
        pictures += [path / name for name in there.pictures]
        if there.others:
            unused = counted(len(there.others), "file", "is/are")
            typer.echo(f"{unused} not used in {path}: {some_of(there.others)}", err=True)
    for picture, found in zip(pictures, predictor.predict_each(pictures), strict=True):
        if isinstance(found, CourseError):
            yield found
        else:
            label = found.label if isinstance(found.label, str) else ", ".join(found.label)
            yield picture, label, "" if found.probability is None else f"{found.probability:.3f}"


def _lines_of_tables(predictor: "TablePredictor", inputs: list[Path]) -> Iterator[Line]:
    """The file, the Id or row number and the value of each row, or the error of a table that cannot be read."""
    for path in inputs:
        try:
            table = predictor.read(path)
            values = predictor.predict(table)
        except CourseError as error:
            message = str(error)
            yield error if str(path) in message else CourseError(f"{path}: {message}")
            continue
        ids = next((name for name in table.columns if str(name).lower() == "id"), None)
        rows = range(1, len(values) + 1) if ids is None else table[ids].tolist()
        for row, value in zip(rows, values, strict=True):
            yield path, row, value
