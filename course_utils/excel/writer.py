"""Writing a plan as an .xlsx file, row by row, so that memory holds one row and not the sheet."""

import json
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from course_utils.excel.book import CREATED, Exact, FastSheet, new_book
from course_utils.excel.check import write_check
from course_utils.excel.follow.sheet import write_follow
from course_utils.excel.grid import bounds, cell
from course_utils.excel.manifest import MANIFEST_SHEET, MODEL_SHEET, REFERENCE_SHEET, pieces
from course_utils.excel.plan import CHART_HEIGHT, CHART_WIDTH, HEAD_ROWS, Area, Formula, Item, Plan, Prediction
from course_utils.excel.styles import CHANGED, GREEN, RED, WHITE, Styles
from course_utils.files import replacing

PIXEL = 28  # width and height of a cell on the screen, in pixels
PAGE_WIDTH, PAGE_HEIGHT = 1060.0, 750.0  # points of an A3 page in landscape, margins taken off, and a twentieth, which
# LibreOffice needs because it draws columns that much wider


def write_workbook(
    plan: Plan, path: str | os.PathLike[str], manifest: dict[str, Any], front: Callable[[Workbook], None] | None = None
) -> Path:
    """Write the sheet, PyTorch's numbers, the check and the manifest; `path` is replaced once all of it is written.

    `front` writes sheets that stand before them.
    """
    with replacing(path) as part, new_book(part, constant_memory=True) as book:
        book.set_properties({"title": plan.title, "author": "course_utils", "created": CREATED})
        styles = Styles(book)
        if front:
            front(book)
        model = _add_sheet(book, MODEL_SHEET)
        reference = _add_sheet(book, REFERENCE_SHEET)
        write_follow(book, plan)
        check = _add_sheet(book, "Check")
        hidden = _add_sheet(book, MANIFEST_SHEET)
        _write_model(book, model, plan, styles)
        if front:
            model.set_zoom(85)  # to look around in: a table of many categories is too high to be seen at once
        _write_reference(reference, plan, styles)
        write_check(check, plan, styles)
        for row, piece in enumerate(pieces(json.dumps(manifest, separators=(",", ":")))):
            hidden.write_string(row, 0, piece)
        hidden.very_hidden()
        reference.hide()
        for named in plan.named:
            book.define_name(named.name, f"={MODEL_SHEET}!{bounds(named.rects).address(fixed=True)}")
    return Path(path)


def _add_sheet(book: Workbook, name: str) -> FastSheet:
    sheet: FastSheet = book.add_worksheet(name, worksheet_class=FastSheet)
    sheet.hide_gridlines(2)
    return sheet


def _write_model(book: Workbook, sheet: FastSheet, plan: Plan, styles: Styles) -> None:
    _set_up_page(sheet, plan)
    _set_up_columns(sheet, plan)
    sheet.freeze_panes(HEAD_ROWS, 0)
    sheet.protect("", {"format_columns": True, "format_rows": True, "format_cells": True, "objects": True})
    for row, height in enumerate((32, 20, 21, 9, 24, 18, _words_height(plan))):
        sheet.set_row_pixels(row, round(height * 4 / 3))
    for row, cells in _rows([*plan.items, *_headings(plan)], plan.areas, formulas=True):
        for item in cells:
            _write_item(sheet, row, item, styles)
    _colour(book, sheet, plan)
    if plan.prediction:
        _write_prediction(book, sheet, plan.prediction)


def _write_reference(sheet: FastSheet, plan: Plan, styles: Styles) -> None:
    """PyTorch's numbers in the same cells as on the sheet of formulas, so that one can be compared with the other."""
    _set_up_columns(sheet, plan)
    sheet.protect()
    labels = [item for item in plan.items if not isinstance(item.content, Formula) and item.style != "choice"]
    title = Item(0, 1, "PyTorch's numbers, in float64, each in the cell where the other sheet has its formula", "intro")
    plain = styles.get("value", -1, 3)
    for row, cells in _rows([title, *labels], plan.areas, formulas=False):
        for item in cells:
            if isinstance(item, Item):
                _write_item(sheet, row, item, styles)
            else:
                sheet.write_number(row, item[0], item[1], plain)


Numbers = tuple[int, Any, Area, int, int]  # column, content, its area, and where in it


def _rows(items: list[Item], areas: list[Area], formulas: bool) -> Iterator[tuple[int, list[Item | Numbers]]]:
    """Everything on a sheet, row by row from the top: a row of an area is made when its turn comes, and forgotten after."""
    items_of: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        items_of[item.row].append(item)
    starting: dict[int, list[Area]] = defaultdict(list)
    for area in areas:
        starting[area.rect.row].append(area)
    last = max([*items_of, *(area.rect.last_row for area in areas)])
    active: list[Area] = []
    for row in range(last + 1):
        active = [area for area in active if area.rect.last_row >= row] + starting.pop(row, [])
        cells: list[Item | Numbers] = list(items_of.pop(row, []))
        for area in active:
            rect = area.rect
            y, between = divmod(row - rect.row, rect.row_step)
            if not between:
                cells.extend(_row_of(area, y, formulas))
        if cells:
            yield row, cells


def _row_of(area: Area, y: int, formulas: bool) -> Iterator[Numbers]:
    rect = area.rect
    for x, value in enumerate(area.values[y].tolist()):
        content = Formula(area.formula(y, x), value) if formulas and area.formula else Exact(value)
        yield rect.col + x * rect.col_step, content, area, y, x


def _write_item(sheet: FastSheet, row: int, item: Item | Numbers, styles: Styles) -> None:
    if not isinstance(item, Item):
        col, content, area, y, x = item
        rect = area.rect
        edges = (y == 0) + 2 * (y == rect.height - 1) + 4 * (x == 0) + 8 * (x == rect.width - 1)
        if (rect.row_step, rect.col_step) != (1, 1):
            edges = 15
        precision = -1 if "_" in area.style or area.style == "wide" else area.precision
        style = styles.get(area.style, edges, precision)
        if isinstance(content, Formula):
            sheet.write_formula(row, col, content.text, style, Exact(content.value))
        else:
            sheet.write_number(row, col, content, style)
        return
    content = item.content
    quote = isinstance(content, str) and content[:1] in tuple("=+-@")
    style = styles.get(item.style, quote=quote)
    if item.columns > 1:  # text given to merge_range would be a formula where it begins with an equals sign
        sheet.merge_range(row, item.col, row, item.col + item.columns - 1, "", style)
    if isinstance(content, Formula):
        value = content.value if isinstance(content.value, (str, int)) else Exact(content.value)
        sheet.write_formula(row, item.col, content.text, style, value)
    elif isinstance(content, str):
        sheet.write_string(row, item.col, content, style)
    else:
        sheet.write_number(row, item.col, content, style)


def _headings(plan: Plan) -> Iterator[Item]:
    yield Item(0, 1, plan.title, "title")
    red = any(named.coloured and not named.negative and named.largest for named in plan.named)
    yield Item(1, 1, INTRO + RED_FROM_ZERO * red, "intro")
    yield from LEGEND
    for block in plan.blocks:
        columns = block.last_col - block.first_col + 1
        for row, text, style in ((4, block.name, "name"), (5, block.shape, "shape"), (6, block.words, "words")):
            yield Item(row, block.first_col, text, style, columns)


RED_FROM_ZERO = " An input from 0 up is red."
INTRO = "Click on a number to see the formula that makes it. Change a blue one and watch the rest."
LEGEND = (
    Item(2, 1, "1.5", "weight"),
    Item(2, 2, "yours to change", "note"),
    Item(2, 8, "1.5", "value"),
    Item(2, 9, "a formula", "note"),
    Item(2, 14, "−", "below"),
    Item(2, 15, "0", "zero"),
    Item(2, 16, "+", "above"),
    Item(2, 17, "below and above zero", "note"),
    Item(2, 25, "1.5", "edited"),
    Item(2, 26, "changed by you", "note"),
)


def _set_up_columns(sheet: FastSheet, plan: Plan) -> None:
    sheet.set_default_row(PIXEL * 0.75)
    sheet.set_column_pixels(0, plan.last_col + 1, PIXEL)
    for col, pixels in plan.wide_columns.items():
        sheet.set_column_pixels(col, col, pixels)


def _set_up_page(sheet: FastSheet, plan: Plan) -> None:
    """Pages as high as the sheet, with whole blocks side by side; a zoom at which a screen shows it from top to bottom."""
    height = 0.75 * PIXEL * (plan.last_row + 2 - HEAD_ROWS) + 130 + _words_height(plan)
    widths = [_width(plan, block.first_col, block.last_col) + 1.5 * PIXEL for block in plan.blocks]
    margin = 0.75 * PIXEL  # the empty first column
    scale = max(0.25, min(PAGE_HEIGHT / height, PAGE_WIDTH / (margin + max(widths)), 1.5))
    if scale * (margin + sum(widths)) < 1.3 * PAGE_WIDTH:  # rather a little smaller, and all on one page
        scale = min(scale, PAGE_WIDTH / (margin + sum(widths)))
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.set_margins(0.4, 0.4, 0.5, 0.5)
    sheet.set_print_scale(int(scale * 100))
    sheet.set_footer("&L&F  &A&RPage &P of &N")
    sheet.set_zoom(max(40, min(150, int(90_000 / (height * 4 / 3)))))
    breaks, used = [], margin
    for number, (block, width) in enumerate(zip(plan.blocks, widths, strict=True)):
        if number and (used + width) * scale > PAGE_WIDTH:
            breaks.append(block.first_col - 1)  # with a column of the gap, into which labels of its rows may reach
            used = 0.0
        used += width
    sheet.set_v_pagebreaks(breaks)


def _words_height(plan: Plan) -> float:
    """Points for the row of words: as many lines as the narrowest heading needs."""
    lines = (math.ceil(len(block.words) * 4.6 / _width(plan, block.first_col, block.last_col)) for block in plan.blocks)
    return 6 + 13 * max(lines)


def _width(plan: Plan, first: int, last: int) -> float:
    return 0.75 * sum(plan.wide_columns.get(col, PIXEL) for col in range(first, last + 1))


def _colour(book: Workbook, sheet: FastSheet, plan: Plan) -> None:
    """Edited cells stand out; else colour scales: white to red for an input, red, white and green around zero for the rest."""
    edited = book.add_format(CHANGED)
    for named in plan.named:
        if named.role != "output":
            area = bounds(named.rects)
            corner = cell(area.row, area.col)
            rule = {"type": "formula", "criteria": f"={corner}<>{REFERENCE_SHEET}!{corner}", "format": edited}
            sheet.conditional_format(area.row, area.col, area.last_row, area.last_col, {**rule, "stop_if_true": True})
    for named in plan.named:
        if not named.coloured:
            continue
        limit = named.largest or 1.0
        if named.negative:
            scale: dict[str, Any] = {"type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num"}
            scale |= {"min_value": -limit, "mid_value": 0, "max_value": limit}
            scale |= {"min_color": RED, "mid_color": WHITE, "max_color": GREEN}
        else:
            scale = {"type": "2_color_scale", "min_type": "num", "max_type": "num", "min_value": 0, "max_value": limit}
            scale |= {"min_color": WHITE, "max_color": RED}
        rects = named.rects
        if len(rects) > 1:
            scale["multi_range"] = " ".join(rect.address() for rect in rects)
        sheet.conditional_format(rects[0].row, rects[0].col, rects[0].last_row, rects[0].last_col, scale)


def _write_prediction(book: Workbook, sheet: FastSheet, prediction: Prediction) -> None:
    """The drop-down list of classes, and a bar for each probability."""
    row, col = prediction.actual
    sheet.data_validation(row, col, row, col, {"validate": "list", "source": "=" + prediction.labels.address(fixed=True)})
    for place in prediction.charts:
        chart = book.add_chart({"type": "column"})
        chart.add_series(
            {
                "name": "probability",
                "categories": f"={MODEL_SHEET}!{prediction.labels.address(fixed=True)}",
                "values": f"={MODEL_SHEET}!{prediction.probabilities.address(fixed=True)}",
                "fill": {"color": "#4472C4"},
                "gap": 40,
            }
        )
        chart.set_legend({"none": True})
        chart.set_title({"name": "probability of each class", "name_font": {"size": 12}})
        grid = {"visible": True, "line": {"color": "#DDDDDD"}}
        chart.set_y_axis({"major_gridlines": grid, **({} if prediction.logarithms else {"min": 0, "max": 1})})
        chart.set_size({"width": CHART_WIDTH, "height": CHART_HEIGHT})
        sheet.insert_chart(*place, chart, {"object_position": 3})
