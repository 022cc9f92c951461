"""An embedding as a table: how far each category is from one that is named in a cell, and where it stands on a map."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils.excel.book import new_book
from course_utils.excel.grid import Rect, cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing
from course_utils.tracing.steps import Array

TOP = 10  # the row of the first category
NAME, FAR, RANK, ACROSS, UP, FIRST = range(1, 7)  # columns


def embedding_workbook(
    path: str | os.PathLike[str], vectors: Array, names: Sequence[str], item: int, directions: Array
) -> Path:
    """Write an embedding, (categories, dimensions), its distances from category `item` and its places along two directions.

    The number of the category, all numbers of the embedding and both directions, (2, dimensions), are cells to edit.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "embedding.xlsx"
    >>> embedding_workbook(file, np.eye(2), ["Monday", "Sunday"], 0, np.eye(2)).name
    'embedding.xlsx'
    """
    note = "Change a blue number: the row that distances are measured from, or any number of a category."
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        page = Page(book, "Embedding", "An embedding: a row of numbers for each name, and which rows are alike", note)
        _write(page, vectors, names, item, directions)
    return Path(path)


def _write(page: Page, vectors: Array, names: Sequence[str], item: int, directions: Array) -> None:
    count, dimensions = vectors.shape
    page.widths({NAME: 150, **dict.fromkeys(range(FAR, FIRST), 110), **dict.fromkeys(range(FIRST, FIRST + dimensions), 64)})
    page.put(3, NAME, "row that is looked at", "right")
    chosen = page.put(3, FAR, item + 1, "edit_count")
    labels = Rect(TOP, NAME, count, 1).address(fixed=True)
    page.put(3, RANK, Formula(f"INDEX({labels},{chosen})", names[item]), "name")
    table = Rect(TOP, FIRST, count, dimensions).address(fixed=True)
    mean = Rect(5, FIRST, 1, dimensions)
    ways = [Rect(6 + axis, FIRST, 1, dimensions) for axis in (0, 1)]
    page.put(5, FIRST - 1, "mean of all", "right")
    for axis, word in enumerate(("across", "up")):
        page.put(6 + axis, FIRST - 1, f"direction {word}", "right")
    for number in range(dimensions):
        column = Rect(TOP, FIRST + number, count, 1).address()
        page.put(5, FIRST + number, Formula(f"AVERAGE({column})", float(vectors[:, number].mean())), "number")
        for axis in (0, 1):
            page.put(6 + axis, FIRST + number, float(directions[axis, number]), "edit")
        page.put(TOP - 1, FIRST + number, f"{number + 1}", "heading")
    for col, heading in ((NAME, "name"), (FAR, "distance"), (RANK, "rank"), (ACROSS, "across"), (UP, "up")):
        page.put(TOP - 1, col, heading, "heading")
    far = np.sqrt(((vectors - vectors[item]) ** 2).sum(axis=1))
    places = (vectors - vectors.mean(axis=0)) @ directions.T
    column = Rect(TOP, FAR, count, 1).address(fixed=True)
    for row, name in enumerate(names):
        y = TOP + row
        own = Rect(y, FIRST, 1, dimensions).address()
        page.put(y, NAME, name, "name")
        page.put(y, FAR, Formula(f"SQRT(SUMXMY2({own},INDEX({table},{chosen},0)))", float(far[row])), "number")
        page.put(y, RANK, Formula(f"SUMPRODUCT(--({column}<{cell(y, FAR)}))", int((far < far[row]).sum())), "count")
        for axis, col in enumerate((ACROSS, UP)):
            formula = f"SUMPRODUCT({own}-{mean.address(fixed=True)},{ways[axis].address(fixed=True)})"
            page.put(y, col, Formula(formula, float(places[row, axis])), "number")
        for number in range(dimensions):
            page.put(y, FIRST + number, float(vectors[row, number]), "edit")
    chart = page.book.add_chart({"type": "scatter"})
    across, up = (["Embedding", TOP, col, TOP + count - 1, col] for col in (ACROSS, UP))
    chart.add_series({"name": "categories", "categories": across, "values": up, "marker": {"type": "circle", "size": 7}})
    chart.set_legend({"none": True})
    chart.set_title({"name": "The map"})
    page.sheet.insert_chart(TOP + count + 1, NAME, chart)
