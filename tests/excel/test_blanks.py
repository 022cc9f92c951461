"""Workbooks to fill in: what is taken out, what they say while they are filled in, and how they are graded."""

import json
import re
import shutil
import zipfile
from contextlib import suppress

import openpyxl
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from course_utils.cli import app
from course_utils.errors import CourseError
from course_utils.excel import BLANKS, WORKBOOKS, BlankError, Region, WorkbookError, blank, export_model, grade, read_input
from course_utils.excel.blanks import ready
from course_utils.excel.blanks.key import KEY_SHEET, read_key
from course_utils.excel.book import new_book
from course_utils.excel.cells import open_sheets
from course_utils.excel.grid import cell, place_of
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.sheet_text import SheetText, written
from course_utils.files import FileError
from tests.excel import office
from tests.excel.test_workbooks import SPREADSHEETS

REGIONS = {"ReLU": "relu_out", "max pool": "pool_out"}
RELU = [f"{col}{row}" for row in range(9, 15) for col in "KLMNOP"]
POOL = [f"{col}{row}" for row in range(9, 12) for col in "TUV"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("blanks")


@pytest.fixture(scope="module")
def solved(folder):
    return WORKBOOKS["relu_maxpool"](folder / "solved.xlsx")


@pytest.fixture(scope="module")
def empty(folder, solved):
    return blank(solved, folder / "empty.xlsx", REGIONS, title="By hand")


@pytest.fixture(scope="module")
def answers(solved):
    """The formula and the value of each cell of the regions."""
    formulas, values = office.formula_cells(solved), office.values(solved)
    return {at: (formulas["Network", at].removeprefix("="), float(values["Network", at])) for at in RELU + POOL}


def filled(file, cells, sheet="Network", change=None, name="filled.xlsx"):
    """A copy with these cells, (formula or None, value or None), as a spreadsheet stores them; `change` goes over all parts."""
    target = file.with_name(name)
    with open_sheets(file) as sheets:
        part = sheets.parts[sheet]
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == part:
                made = {place_of(at): written(*place_of(at), 0, value, formula) for at, (formula, value) in cells.items()}
                data = SheetText(sheet, data).changed(made)
            new.writestr(info.filename, data if change is None else change(info.filename, data))
    return target


def remarks(graded):
    return {region.name: "; ".join(region.remarks) for region in graded.regions}


# Taking formulas out


def test_only_the_chosen_formulas_are_gone(solved, empty, answers):
    before, after = office.formula_cells(solved), office.formula_cells(empty)
    gone = {("Network", at) for at in answers}
    own = {key for key in after if key[0] in ("Fill in", KEY_SHEET)}
    verdicts = {("Network", "K15"), ("Network", "T12")}
    assert after.keys() - own - verdicts == before.keys() - gone
    assert all(after[key] == before[key] for key in before.keys() - gone)
    old, new = office.values(solved), office.values(empty)
    constants = {key for key in old if key not in before}
    assert all(new[key] == old[key] for key in constants)
    assert not gone & new.keys()
    assert not [key for key in before.keys() - gone if key in new and key[0] == "Check" and key[1] in ("F6", "G7")]
    assert torch.equal(read_input(empty), read_input(solved))


def test_cells_to_fill_in_are_marked_and_open_and_the_first_sheet_says_what_to_do(empty):
    book = openpyxl.load_workbook(empty)
    assert book.sheetnames[0] == "Fill in"
    assert book.active.title == "Fill in"
    assert [book[name].sheet_state for name in ("Network", "Check", KEY_SHEET)] == ["visible", "hidden", "veryHidden"]
    sheet, front = book["Network"], book["Fill in"]
    sample = front["B3"].fill.fgColor.rgb
    for at in RELU + POOL:
        assert sheet[at].fill.fgColor.rgb == sample
        assert not sheet[at].protection.locked
    assert sheet["B9"].fill.fgColor.rgb != sample
    assert sheet["K15"].protection.locked
    assert (
        sheet["T9"].number_format
        == openpyxl.load_workbook(WORKBOOKS["relu_maxpool"](empty.with_name("x.xlsx")))["Network"]["T9"].number_format
    )
    assert front["B1"].value == "By hand"
    assert [front[f"B{row}"].hyperlink.location for row in (9, 10)] == ["'Network'!K9", "'Network'!T9"]


def test_what_reads_blank_cells_shows_no_old_value_and_charts_stay(tmp_path):
    """The loss of a step is not known before its gradients are filled in."""
    file = BLANKS["blank_gradient"](tmp_path / "gradient.xlsx")
    values = office.values(file)
    assert ("Gradient step", "T9") in values  # the loss before the step
    assert ("Gradient step", "T33") not in values  # and after it
    with zipfile.ZipFile(BLANKS["blank_softmax"](tmp_path / "softmax.xlsx")) as archive:
        assert "xl/charts/chart1.xml" in archive.namelist()


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        (None, "regions is None; give"),
        ("relu_out", "regions is 'relu_out'; give"),
        ({}, "regions is empty"),
        ([1], "regions holds 1"),
        ({"a": "nothing_out"}, "neither an area.*its names are input, pool_out, relu_out"),
        ({"a": "Sheet9!A1"}, "no sheet 'Sheet9'; it has Network"),
        ({"a": "Network!A1:A3"}, "has no formula that could be taken out"),
        ({"a": "Network!B9:G14"}, "has no formula that could be taken out"),
        ({"a": 5}, "its cells are 5"),
        ({"": "relu_out"}, "a name is a text of 1 to 60 letters"),
        ({"a": "relu_out", "b": "Network!P14:Q14"}, "Network!P14 is in two regions, 'a' and 'b'"),
        ({"a": "Network!K9:L9,Network!L9"}, "names a cell twice"),
        ({"a": "Network!K9,Check!F7"}, "on several sheets"),
        ({"a": "Check!B2"}, "gives 'All 2 layers match PyTorch.', and only numbers are compared"),
        ([Region("a", "relu_out"), Region("A", "pool_out")], "two regions are called 'a'"),
        ([Region("a", "relu_out", marks=-1)], "marks is -1"),
        ([Region("a", "relu_out", marks=float("nan"))], "marks is nan"),
        ([Region("a", "relu_out", typed_numbers="no")], "typed_numbers is 'no'"),
        ([Region("a", "relu_out", verdict="here")], "verdict is 'here'"),
        ([Region("a", "relu_out", verdict="B0")], "verdict is 'B0'"),
        ([Region("a", "relu_out", verdict="B9")], "cannot go in B9, which is not empty"),
        ([Region(f"r{n}", f"Network!K{n}") for n in range(9, 60)], "51 regions"),
    ],
)
def test_regions_that_give_no_exercise_are_refused(solved, tmp_path, regions, said):
    with pytest.raises(BlankError, match=said):
        blank(solved, tmp_path / "no.xlsx", regions)
    assert not (tmp_path / "no.xlsx").exists()


def test_workbooks_that_give_no_exercise_are_refused(solved, empty, tmp_path):
    with pytest.raises(BlankError, match=r"RAND\(\)\*10-5, which gives another value at each recalculation"):
        blank(WORKBOOKS["softmax"](tmp_path / "softmax.xlsx"), tmp_path / "no.xlsx", {"softmax": "Softmax!E11:E15"})
    with pytest.raises(BlankError, match="it is a blank already"):
        blank(empty, tmp_path / "no.xlsx", REGIONS)
    with pytest.raises(BlankError, match="the solved workbook itself, which would be lost"):
        blank(solved, solved, REGIONS)
    with pytest.raises(CourseError, match=r"does not end in \.xlsx"):
        blank(solved, tmp_path / "no.xls", REGIONS)
    with pytest.raises(WorkbookError, match="no file"):
        blank(tmp_path / "nowhere.xlsx", tmp_path / "no.xlsx", REGIONS)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match=r"no\.xlsx"):
        blank(solved, tmp_path / "file" / "no.xlsx", REGIONS)
    for tolerance in (0, -1, "1e-6", True, float("nan")):
        with pytest.raises(BlankError, match="tolerance is"):
            blank(solved, tmp_path / "no.xlsx", REGIONS, tolerance=tolerance)
    for texts in (
        {"Network!A1": "no words there"},
        {"Network!K9": "a formula"},
        {"B2": "no sheet"},
        {"Network!B2": 5},
        ["Network!B2"],
    ):
        with pytest.raises(BlankError, match="texts"):
            blank(solved, tmp_path / "no.xlsx", REGIONS, texts=texts)
    book = openpyxl.load_workbook(solved)
    book.save(tmp_path / "openpyxl.xlsx")
    with pytest.raises(BlankError, match="no value stored beside its formula"):
        blank(tmp_path / "openpyxl.xlsx", tmp_path / "no.xlsx", REGIONS)
    shared = filled(
        solved, {}, change=lambda part, data: data.replace(b"<f>MAX(0,B9)</f>", b'<f t="shared" si="0" ref="K9">MAX(0,B9)</f>')
    )
    with pytest.raises(BlankError, match="K9 shares its formula"):
        blank(shared, tmp_path / "no.xlsx", REGIONS)
    assert not (tmp_path / "no.xlsx").exists()


# Grading


def test_empty_and_solved(empty, answers, folder):
    nothing = grade(empty)
    assert (nothing.marks, nothing.out_of) == (0, 2)
    assert remarks(nothing) == {"ReLU": "36 cells are empty", "max pool": "9 cells are empty"}
    done = grade(filled(empty, answers))
    assert (done.marks, done.out_of, [region.verdict for region in done.regions]) == (2, 2, ["right", "right"])
    assert remarks(done) == {"ReLU": "", "max pool": ""}
    assert len(done.notes) == 1
    assert "the key inside the file itself" in done.notes[0]
    assert str(done) == "2 of 2 marks"
    half = grade(filled(empty, {at: answers[at] for at in RELU}))
    assert str(half) == "1 of 2 marks, not yet: max pool"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (("MAX(T9,1)", 7.0), "T9: 7 is not the value yet"),
        ((None, 5.0), "T9: a number, not a formula"),
        (("5", 5.0), "T9: a formula that reads no cell"),
        (('5+0*LEN("K9")', 5.0), "T9: a formula that reads no cell"),
        (("PyTorch!T9", 5.0), "T9: its formula reads a sheet that is not part of the exercise"),
        (("'course_utils blank'!E38", 5.0), "T9: its formula reads a sheet that is not part of the exercise"),
        (("'[solved.xlsx]Network'!T9", 5.0), "T9: its formula reads a sheet that is not part of the exercise"),
        (('INDIRECT("PyTorch!T9")', 5.0), "T9: its formula uses INDIRECT or OFFSET"),
        ((None, "five"), "T9: it holds 'five', not a number"),
        (("1/K9", "#DIV/0!"), "T9: it holds '#DIV/0!', not a number"),
        ((None, None), "T9 is empty"),
        (("MAX(K9:L10)", None), "T9: no value is stored beside its formula"),
    ],
)
def test_a_cell_that_does_not_count_is_named_and_takes_its_region_alone(empty, answers, cell, said):
    graded = grade(filled(empty, {**answers, "T9": cell}))
    assert [region.right for region in graded.regions] == [True, False]
    assert graded.regions[1].cells_right == 8
    assert remarks(graded)["max pool"].startswith(said)


def test_a_region_that_reads_one_that_is_not_right_says_where_to_begin(empty, answers):
    """A right formula over wrong numbers is not right, and whoever reads the remarks should know why."""
    wrong = {**answers, "K9": ("MAX(1,B9)", 4.0), "T9": (answers["T9"][0], 6.0)}
    graded = grade(filled(empty, wrong))
    assert graded.regions[0].remarks == ("K9: 4 is not the value yet",)
    assert graded.regions[1].remarks == ("T9: 6 is not the value yet", "it reads ReLU, which is not yet right: begin there")


def test_several_cells_are_counted(empty, answers):
    graded = grade(filled(empty, {**answers, "T9": (None, 5.0), "U9": (None, 2.0), "V9": ("K9", 8.0)}))
    assert graded.regions[1].remarks == ("2 cells, the first is T9: a number, not a formula", "V9: 8 is not the value yet")


def test_typed_numbers_count_where_the_region_says_so_and_marks_are_those_of_the_region(solved, answers, tmp_path):
    regions = [Region("ReLU", "relu_out", marks=2), Region("max pool", "pool_out", marks=0.5, typed_numbers=True)]
    file = blank(solved, tmp_path / "typed.xlsx", regions)
    graded = grade(filled(file, {at: (None, value) for at, (_, value) in answers.items()}))
    assert (graded.marks, graded.out_of) == (0.5, 2.5)
    assert "not a formula, which counts here" in remarks(graded)["max pool"]
    assert office.values(file)["Fill in", "B5"] == "0 of 2 parts right, 0 of 2.5 marks"


def test_a_file_that_no_spreadsheet_computed_must_be_saved_by_one(empty, answers, tmp_path):
    book = openpyxl.load_workbook(empty)
    for at, (formula, _) in answers.items():
        book["Network"][at] = f"={formula}"
    book.save(tmp_path / "openpyxl.xlsx")
    with pytest.raises(
        WorkbookError, match=r"45 formulas have no value stored.*open it in Excel, LibreOffice or Google Sheets"
    ):
        grade(tmp_path / "openpyxl.xlsx")


def test_formulas_that_were_filled_down_or_give_many_cells_at_once_are_formulas(empty, answers):
    """Excel writes a formula that was filled down once; one of an array stands in its first cell alone."""

    def change(part, data):
        for n, at in enumerate(RELU):
            first = b' ref="K9:P14">MAX(0,B9)' if n == 0 else b">"
            data = re.sub(rb'(<c r="%s" s="0">)<f>[^<]*' % at.encode(), rb'\1<f t="shared" si="3"' + first, data)
        for n, at in enumerate(POOL):
            whole = b'<f t="array" ref="T9:V11">MAX(K9:L10)</f>' if n == 0 else b""
            data = re.sub(rb'(<c r="%s" s="0">)<f>[^<]*</f>' % at.encode(), rb"\1" + whole, data)
        return data

    with zipfile.ZipFile(filled(empty, answers, change=change)) as archive:
        assert archive.read("xl/worksheets/sheet1.xml").count(b'<f t="') == len(RELU) + 1
    assert grade(filled(empty, answers, change=change)).marks == 2
    alone = filled(empty, answers, change=lambda part, data: change(part, data).replace(b'ref="T9:V11"', b'ref="T9:V10"'))
    assert remarks(grade(alone))["max pool"] == "3 cells, the first is T11: a number, not a formula"


def test_neither_words_nor_the_hidden_sheet_can_be_typed_over(empty, answers, folder):
    wrong = {at: (formula, 1.0) for at, (formula, _) in answers.items()}

    def forge(part, data):
        data = data.replace(b"not yet", b"right").replace(b"0 of 2 parts", b"2 of 2 parts")
        return (
            re.sub(rb'(<c r="[EF]\d+" s="\d+">(?:<f>[^<]*</f>)?<v>)[^<]*', rb"\g<1>1.0", data) if b"ISNUMBER" in data else data
        )

    assert grade(filled(empty, wrong, change=forge), key=empty).marks == 0


def test_a_changed_key_is_noticed_and_the_blank_handed_out_decides(empty, answers, tmp_path):
    """Whoever writes a key of their own gets marks from it alone: grading says what it compared with."""
    with open_sheets(empty) as sheets:
        key = read_key(sheets)
    forged = filled(empty, {at: (formula, value + 1) for at, (formula, value) in answers.items()}, name="forged.xlsx")
    parts = tuple(type(part)(**{**vars(part), "values": tuple(value + 1 for value in part.values)}) for part in key.parts)
    own = type(key)(**{**vars(key), "parts": parts})

    def change(part, data):
        return re.sub(rb"\{(?:&quot;|\")mark.*?(?=</t>)", lambda _: own.lines()[0].encode(), data)

    forged = filled(forged, {}, change=change, name="forged2.xlsx")
    alone = grade(forged)
    assert alone.marks == 2
    assert "which whoever filled it in could have changed" in alone.notes[0]
    sure = grade(forged, key=empty)
    assert sure.marks == 0
    assert "not that of the blank handed out" in sure.notes[0]
    spoilt = filled(empty, answers, change=lambda part, data: data.replace(b"max pool", b"max Pool"), name="spoilt.xlsx")
    with pytest.raises(WorkbookError, match="which says what is right, was changed"):
        grade(spoilt)
    assert grade(spoilt, key=empty).marks == 2


def test_an_exercise_of_the_package_is_compared_with_the_package(tmp_path, answers):
    file = BLANKS["blank_relu_pool"](tmp_path / "mine.xlsx")
    done = grade(filled(file, answers))
    assert (done.marks, done.notes) == (2, ())
    other = filled(file, answers, change=lambda part, data: data.replace(b'"tolerance":1e-06', b'"tolerance":1e-05'))
    again = grade(other, key="blank_relu_pool")
    assert again.marks == 2
    assert "made by another version, or changed" in again.notes[0]


def test_keys_of_two_processors_agree(empty):
    """The values of a committed blank may differ in the last bit from those that this machine computes."""
    with open_sheets(empty) as sheets:
        key = read_key(sheets)
    for by, agree in ((1 + 2**-52, True), (1.001, False)):
        parts = tuple(type(part)(**{**vars(part), "values": tuple(value * by for value in part.values)}) for part in key.parts)
        other = type(key)(**{**vars(key), "parts": parts})
        assert other.digest != key.digest
        assert key.agrees(other) == agree
    assert not key.agrees(type(key)(**{**vars(key), "parts": key.parts[:1]}))


def test_formulas_that_read_large_areas_lose_their_values_too(tmp_path):
    book = tmp_path / "large.xlsx"
    with new_book(book) as made:
        page = Page(made, "Page", "A column and its sum", "")
        for row in range(1, 1300):
            page.put(row, 2, Formula("$D$1*2", 6.0), "number")
        page.put(0, 3, 3.0, "edit")
        page.put(0, 5, Formula("SUM(C2:C1300)", 7794.0), "number")
        page.put(1, 5, Formula("F1/2", 3897.0), "number")
        page.put(2, 5, Formula("D1/2", 1.5), "number")
    values = office.values(blank(book, tmp_path / "blank.xlsx", {"ten": "Page!C10"}))
    assert [("Page", at) in values for at in ("C2", "F1", "F2", "F3")] == [True, False, False, True]


def test_references_that_were_bent_to_other_cells_are_not_followed(empty, answers):
    """The hidden sheet says where cells are now, as long as it moves them as a spreadsheet does."""

    def change(part, data):
        return data.replace(b"!$T$9)", b"!$V$11)") if b"ISNUMBER" in data else data

    graded = grade(filled(empty, {**answers, "T9": (None, None)}, change=change))
    assert remarks(graded)["max pool"] == "T9 is empty"
    assert "looked for where they were handed out" in graded.notes[1]


def test_given_numbers_that_were_changed_are_named(empty, answers):
    graded = grade(filled(empty, {**answers, "B9": (None, 4.0), "C9": (None, None)}))
    assert "B9 holds 4, not 3, C9 is empty, not -1" in graded.notes[1]


def test_files_that_are_no_exercise(solved, empty, tmp_path):
    with pytest.raises(WorkbookError, match="is not a workbook to fill in"):
        grade(solved)
    with pytest.raises(WorkbookError, match="no file"):
        grade(tmp_path / "nowhere.xlsx")
    with pytest.raises(WorkbookError, match="is not a workbook to fill in"):
        grade(empty, key=solved)
    with pytest.raises(WorkbookError, match="has no sheet 'Network'"):
        grade(WORKBOOKS["gradient_step"](tmp_path / "other.xlsx"), key=empty)


@pytest.mark.parametrize(
    "change",
    [
        lambda part, data: re.sub(rb'<dimension ref="[^"]*"/>', b"", data),  # Google Sheets
        lambda part, data: re.sub(rb'<dimension ref="[^"]*"/>', b'<dimension ref="A1"/>', data),  # WPS
        lambda part, data: data.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"
        ),
        lambda part, data: re.sub(rb'<row r="\d+"', b"<row", data) if b"sheetData" in data else data,
    ],
)
def test_other_programs_write_the_same_otherwise(empty, answers, change):
    assert grade(filled(empty, answers, change=change)).marks == 2


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"mark":1}',
        "[" * 5000,
        json.dumps({"mark": "course_utils.excel.blanks", "version": 1, "digest": "", "key": {"parts": [{"cells": [[-1, 5]]}]}}),
    ],
)
def test_a_key_that_is_damaged_is_none(empty, text):
    def change(part, data):
        return re.sub(rb"\{(?:&quot;|\")mark.*?(?=</t>)", lambda _: text.encode(), data)

    with pytest.raises(WorkbookError, match="was changed"):
        grade(filled(empty, {}, change=change))


# In LibreOffice


def formula_line(sheet, at, formula):
    text = formula.replace(",", ";").replace('"', '""')
    return f'doc.Sheets.getByName("{sheet}").getCellRangeByName("{at}").Formula = "{text}"'


@pytest.fixture(scope="module")
def in_libreoffice(folder):
    """The ready exercises as students leave them: solved, one cell off by one, and one of them in many other ways."""
    patch = pytest.MonkeyPatch()
    make = ready.blank_exercise
    edits, last = {}, {}
    for name, write in BLANKS.items():
        solved = folder / f"solved_{name}.xlsx"
        patch.setattr(ready, "blank_exercise", lambda whole, *rest, to=solved: (shutil.copy(whole, to), make(whole, *rest))[1])
        file = write(folder / f"{name}.xlsx")
        patch.undo()
        formulas, left = office.formula_cells(solved), office.formula_cells(file)
        taken = {key: formula for key, formula in formulas.items() if key not in left}
        assert taken
        with open_sheets(file) as sheets:
            part = read_key(sheets).parts[-1]  # which no other part reads
        last[name] = sheet, at = part.sheet, cell(*part.cells[-1])
        lines = [formula_line(*key, formula) for key, formula in taken.items()]
        off_by_one = formula_line(sheet, at, f"{taken[sheet, at]}+1")
        edits[file] = [(lines, folder / f"done_{name}.xlsx"), ([off_by_one], folder / f"off_{name}.xlsx")]
        if name == "blank_relu_pool":
            right = formula_line(sheet, at, taken[sheet, at])
            named = f'doc.Sheets.getByName("{sheet}").getCellRangeByName'
            bad = [f'{named}("T9").String = ""', f'{named}("U9").String = "two"', f'{named}("V9").Formula = "=1/0"', right]
            edits[file].append((bad, folder / "bad.xlsx"))
            fixed = [formula_line(sheet, one, taken[sheet, one]) for one in ("T9", "U9", "V9")]
            edits[file].append(([*fixed, f'{named}("C10").Value = 9'], folder / "changed.xlsx"))
            moved = [
                f'doc.Sheets.getByName("{sheet}").unprotect("")',
                f'doc.Sheets.getByName("{sheet}").Rows.insertByIndex(10, 2)',
                f'doc.Sheets.getByName("{sheet}").Columns.insertByIndex(12, 1)',
                f'doc.Sheets.getByName("{sheet}").Name = "Bob\'s sheet"',
            ]
            edits[shutil.copy(file, folder / "again.xlsx")] = [([*lines, *moved], folder / "moved.xlsx")]
    office.edited_in_libreoffice(edits, folder)
    return last


def said(file):
    """What the first sheet of a workbook says of each part."""
    values = office.values(file)
    rows = [f"F{row}" for row in range(9, 20)]
    return [values["Fill in", at] for at in rows if values.get(("Fill in", at))]


class TestInLibreOffice:
    pytestmark = office.needs_libreoffice

    @pytest.mark.parametrize("name", list(BLANKS))
    def test_a_solved_exercise_says_right_and_is_graded_right(self, in_libreoffice, folder, name):
        file = folder / f"done_{name}.xlsx"
        verdicts = said(file)
        assert set(verdicts) == {"right"}
        graded = grade(file)
        assert graded.marks == graded.out_of == len(verdicts)
        assert graded.notes == ()
        errors = [key for key, value in office.values(file).items() if isinstance(value, str) and value.startswith("#")]
        assert not errors

    @pytest.mark.parametrize("name", list(BLANKS))
    def test_off_by_one_is_not_yet_there_alone(self, in_libreoffice, folder, name):
        file = folder / f"off_{name}.xlsx"
        graded = grade(file)
        assert [region.verdict for region in graded.regions] == said(file)
        _, at = in_libreoffice[name]
        wrong = [region for region in graded.regions if not region.right]
        assert [(region.cells - region.cells_right, len(region.remarks)) for region in wrong] == [(1, 1)]
        assert wrong[0].remarks[0].startswith(f"{at}: ")

    def test_empty_text_and_error_are_not_yet_and_spoil_nothing_else(self, in_libreoffice, folder):
        file = folder / "bad.xlsx"
        assert said(file) == ["right", "not yet"]
        values = office.values(file)
        assert values["Fill in", "B5"] == "1 of 2 parts right"
        assert values["Fill in", "E10"] == "6 of 9"
        assert values["Network", "T12"] == "not yet"
        assert remarks(grade(file))["max pool"] == "T9 is empty; 2 cells, the first is U9: it holds 'two', not a number"

    def test_a_given_number_that_was_changed_is_named_at_once(self, in_libreoffice, folder):
        file = folder / "changed.xlsx"
        assert set(said(file)) == {"input changed"}
        values = office.values(file)
        assert values["Fill in", "B6"] == "Changed: Network!C10. Put 5 back there."
        assert values["Fill in", "B5"] == "0 of 2 parts right"
        assert any("C10 holds 9, not 5" in note for note in grade(file).notes)

    def test_a_renamed_sheet_with_rows_and_columns_inserted(self, in_libreoffice, folder):
        graded = grade(folder / "moved.xlsx")
        assert (graded.marks, graded.notes) == (2, ())
        assert set(said(folder / "moved.xlsx")) == {"right"}
        assert read_input(folder / "moved.xlsx").flatten()[7] == 5


# The ready ones


@pytest.mark.parametrize("name", list(BLANKS))
def test_committed_blanks_are_current(name, folder):
    committed = SPREADSHEETS / f"{name}.xlsx"
    new = BLANKS[name](folder / f"current_{name}.xlsx")
    assert office.formula_cells(committed) == office.formula_cells(new), f"write it again: course export {name}"
    first, second = office.values(committed), office.values(new)
    for values in (first, second):
        assert values.pop((KEY_SHEET, "A1")).startswith('{"mark"')
    assert not office.differences(first, second, first, tolerance=1e-12)
    assert committed.stat().st_size < 40_000
    assert f"{name}.xlsx" in (SPREADSHEETS / "README.md").read_text(encoding="utf-8")
    assert BLANKS[name](folder / f"again_{name}.xlsx").read_bytes() == new.read_bytes()
    assert grade(committed).out_of >= 2


def test_the_convolution_is_pytorchs(folder):
    """The key against PyTorch; the keys of the others are what their solved workbooks hold, which have tests of their own."""
    with open_sheets(BLANKS["blank_convolution"](folder / "convolution.xlsx")) as sheets:
        key = read_key(sheets)
    x = read_input(folder / "convolution.xlsx")[None].double()
    kernels = torch.tensor([[[[1.0, 1, 1], [0, 0, 0], [-1, -1, -1]]], [[[1.0, 0, -1]] * 3]], dtype=torch.float64)
    wanted = nn.functional.conv2d(x, kernels, torch.tensor([1.0, -2.0], dtype=torch.float64))[0]
    for part, channel in zip(key.parts, wanted, strict=True):
        assert list(part.values) == channel.flatten().tolist()


# The command


def test_the_command_says_what_is_right(empty, answers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done, half = filled(empty, answers, name="done.xlsx"), filled(empty, {at: answers[at] for at in RELU}, name="half.xlsx")
    one = CliRunner().invoke(app, ["grade", str(half)])
    assert one.exit_code == 0
    assert re.search(r"ReLU\s+right\s+36 of 36\s+1 of 1", one.output)
    assert re.search(r"max pool\s+not yet\s+0 of 9\s+0 of 1\s+9 cells are empty", one.output)
    many = CliRunner().invoke(app, ["grade", "--key", str(empty), str(done), str(half), str(tmp_path / "nowhere.xlsx")])
    assert many.exit_code == 1
    assert f"{done}: 2 of 2 marks" in many.output
    assert f"{half}: 1 of 2 marks, not yet: max pool" in many.output
    assert "no file" in many.stderr


def test_a_blank_is_exported_by_name(tmp_path):
    result = CliRunner().invoke(app, ["export", "blank_relu_pool", "-o", str(tmp_path / "mine.xlsx")])
    assert result.exit_code == 0
    assert grade(tmp_path / "mine.xlsx").out_of == 2


def test_exports_of_models_can_be_blanked_by_their_names(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    file = export_model(model, torch.rand(1, 4, 4), tmp_path / "net.xlsx")
    made = blank(file, tmp_path / "blank.xlsx", [Region("conv", "conv_0_out"), Region("linear", "linear_3_out")])
    assert [region.cells for region in grade(made).regions] == [8, 3]


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("xl/worksheets/sheet1.xml", lambda data: data[:-20]),
        ("xl/worksheets/sheet1.xml", lambda data: data.replace(b"</row>", b"", 1)),
        ("xl/worksheets/sheet1.xml", lambda data: data.replace(b'<row r="', b'<row r="x', 1)),
        ("xl/worksheets/sheet1.xml", lambda data: data.replace(b"<worksheet", b"<!DOCTYPE w [<!ENTITY a 'b'>]><worksheet", 1)),
        ("xl/worksheets/sheet1.xml", lambda data: data.replace(b"<v>", b"<v>\xff", 1)),
        ("xl/styles.xml", lambda data: data[: len(data) // 2]),
        ("xl/workbook.xml", lambda data: data[: len(data) // 2]),
        ("xl/theme/theme1.xml", lambda data: data[: len(data) // 2]),  # which is only copied
        ("xl/worksheets/sheet1.xml", lambda data: re.sub(rb't="inlineStr">.*?</c>', b't="s"><v>0</v></c>', data, count=1)),
        ("docProps/app.xml", lambda data: data.replace(b"</", b"<", 1)),
    ],
)
def test_a_damaged_part_is_told_in_words(tmp_path, solved, part, damage):
    damaged = tmp_path / "damaged.xlsx"
    with zipfile.ZipFile(solved) as old, zipfile.ZipFile(damaged, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            assert info.filename != part or damage(data) != data
            new.writestr(info.filename, damage(data) if info.filename == part else data)
    with pytest.raises(CourseError, match=r"damaged\.xlsx|document type"):
        blank(damaged, tmp_path / "empty.xlsx", REGIONS)
    assert not (tmp_path / "empty.xlsx").exists()
    for read in (read_input, grade):
        with suppress(CourseError):  # which may need nothing of that part
            read(damaged)
