"""The sheet that compares every layer with PyTorch's numbers by formula, and names what was edited."""

from dataclasses import replace

from xlsxwriter.worksheet import Worksheet

from course_utils.excel.grid import Rect, bounds
from course_utils.excel.manifest import MODEL_SHEET, REFERENCE_SHEET
from course_utils.excel.plan import Named, Plan
from course_utils.excel.styles import Styles
from course_utils.tracing.words import by

TOLERANCE = 1e-9
CHANNELS = 60  # in one formula
TOP = 5  # the first row of the table of layers
LAYER_HEADINGS = ["layer", "shape", "numbers", "largest number", "distance from PyTorch", "result", "name of its cells"]
EDIT_HEADINGS = ["can be edited", "shape", "edited", "", "one of the edited cells", "", "name of its cells"]


def write_check(sheet: Worksheet, plan: Plan, styles: Styles) -> None:
    """A verdict, a row for each layer with its distance from PyTorch, and a row for each tensor that can be edited.

    The distance is the root of the summed squared differences, which no single difference exceeds; it may be 1e-9, or 1e-9 of
    the layer's largest number where that is above 1. That number stands in a cell and not in the formula: its last bit depends
    on the processor, and the formulas of a model should not.
    """
    layers = [part for named in plan.named if named.role == "output" for part in _in_parts(named)]
    editable = [named for named in plan.named if named.role != "output"]
    entry, center, heading = styles.get("entry"), styles.get("entry_center"), styles.get("heading")
    small, large = styles.get("entry_small"), styles.get("entry_large")
    first, last = TOP + 1, TOP + len(layers)  # as the formulas count rows, from 1
    second = last + 4
    final = second + len(editable) - 1
    edits, results = f"$D${second}:$D${final}", f"$G${first}:$G${last}"

    sheet.protect()
    sheet.set_column_pixels(0, 0, 20)
    for col, pixels in enumerate((240, 150, 90, 110, 150, 150, 140), start=1):
        sheet.set_column_pixels(col, col, pixels)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.freeze_panes(TOP, 0)
    sheet.write_string(0, 1, "Does the sheet still say what PyTorch says?", styles.get("title"))
    sheet.set_row_pixels(0, 40)
    match = f"All {len(layers)} layers match PyTorch."
    verdict = (
        f'=IF(SUM({edits})>0,SUM({edits})&" edited: the layers marked differs show what that changes.",'
        f'IF(COUNTIF({results},"matches")={len(layers)},"{match}","Not edited, and yet a layer differs from PyTorch."))'
    )
    sheet.write_formula(1, 1, verdict, styles.get("verdict"), match)
    sheet.set_row_pixels(1, 30)
    sheet.write_string(2, 1, "largest distance allowed", styles.get("entry"))
    sheet.write_number(2, 2, TOLERANCE, small)
    _row(sheet, TOP - 1, LAYER_HEADINGS, heading)
    for row, named in enumerate(layers, start=TOP):
        squares = "+".join("SUMXMY2({},{})".format(*_addresses([rect])) for rect in named.rects)
        sheet.write_string(row, 1, named.title, entry)
        sheet.write_string(row, 2, by(named.shape), center)
        sheet.write_number(row, 3, sum(rect.height * rect.width for rect in named.rects), large)
        sheet.write_number(row, 4, named.largest, small)
        sheet.write_formula(row, 5, f"=SQRT({squares})", small, 0)
        allowed = f"$C$3*MAX(1,E{row + 1})"
        result = f'=IF(ISERROR(F{row + 1}),"no number",IF(F{row + 1}<={allowed},"matches","differs"))'
        sheet.write_formula(row, 6, result, center, "matches")
        sheet.write_string(row, 7, named.name, entry)
    _row(sheet, last + 2, EDIT_HEADINGS, heading)
    for row, named in enumerate(editable, start=second - 1):
        model, reference = _addresses(named.rects)
        changed = f"({model}<>{reference})"
        sheet.write_string(row, 1, named.title, entry)
        sheet.write_string(row, 2, by(named.shape), center)
        sheet.write_formula(row, 3, f"=SUMPRODUCT(--{changed})", large, 0)
        last_one = f"SUMPRODUCT(MAX({changed}*(ROW({model})*16384+COLUMN({model})-1)))"
        place = f'=IF(D{row + 1}=0,"",ADDRESS(INT({last_one}/16384),MOD({last_one},16384)+1,4))'
        sheet.write_blank(row, 4, None, entry)
        sheet.write_formula(row, 5, place, center, "")
        sheet.write_blank(row, 6, None, entry)
        sheet.write_string(row, 7, named.name, entry)
    good = {"type": "cell", "criteria": "==", "value": '"matches"', "format": styles.get("entry_center", bg_color="#C6EFCE")}
    bad = {"type": "cell", "criteria": "!=", "value": '"matches"', "format": styles.get("entry_center", bg_color="#FFC7CE")}
    sheet.conditional_format(TOP, 6, last - 1, 6, good)
    sheet.conditional_format(TOP, 6, last - 1, 6, bad)
    edited = {"type": "cell", "criteria": ">", "value": 0, "format": styles.get("entry_large", bg_color="#FFEB9C")}
    sheet.conditional_format(second - 1, 3, final - 1, 3, edited)


def _in_parts(named: Named) -> list[Named]:
    """A layer, or several parts of one with so many channels that a formula over all of them would be too long."""
    if len(named.rects) <= CHANNELS:
        return [named]
    starts = range(0, len(named.rects), CHANNELS)
    return [replace(named, rects=named.rects[n : n + CHANNELS], title=f"{named.title}, from channel {n + 1}") for n in starts]


def _addresses(rects: list[Rect]) -> tuple[str, str]:
    area = bounds(rects).address(fixed=True)
    return f"{MODEL_SHEET}!{area}", f"{REFERENCE_SHEET}!{area}"


def _row(sheet: Worksheet, row: int, texts: list[str], style: object) -> None:
    for col, text in enumerate(texts, start=1):
        sheet.write_string(row, col, text, style)
