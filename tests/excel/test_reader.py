"""Reading workbooks back: what was written, what was edited, and files that are damaged, foreign or made to harm."""

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.excel import WorkbookError, cells, export_model, package, read_input, read_weights
from course_utils.excel.workbooks import WORKBOOKS
from course_utils.files import FileError


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, dilation=2, groups=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(36, 5, bias=False),
        nn.BatchNorm1d(5),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return export_model(network(), torch.rand(1, 2, 7, 7), tmp_path_factory.mktemp("written") / "net.xlsx")


@pytest.fixture
def file(written, tmp_path):
    """A workbook of the network, for a test to change."""
    return Path(shutil.copy(written, tmp_path))


def edited(file, sheet, changes):
    book = openpyxl.load_workbook(file)
    for address, value in changes.items():
        book[sheet][address] = value
    target = file.with_name("edited.xlsx")
    book.save(target)
    return target


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("shape", [(1, 2, 7, 7), (2, 7, 7)])
def test_round_trip_to_the_bit_and_the_same_file_again(tmp_path, dtype, shape):
    model, x = network().to(dtype), torch.rand(shape, dtype=dtype)
    first = export_model(model, x, tmp_path / "a.xlsx")
    state, back = read_weights(first), read_input(first)
    assert back.dtype == dtype
    assert torch.equal(back, x)
    assert state.keys() == model.state_dict().keys()
    for key, value in model.state_dict().items():
        assert state[key].dtype == value.dtype, key
        assert torch.equal(state[key], value), key
    other = network().to(dtype)
    other.load_state_dict(state)
    assert export_model(other, back, tmp_path / "b.xlsx").read_bytes() == first.read_bytes()


def test_shared_and_vector_weights(tmp_path):
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    x = torch.rand(3)
    file = export_model(model, x, tmp_path / "shared.xlsx")
    state = read_weights(file)
    assert state.keys() == model.state_dict().keys()
    assert torch.equal(state["2.weight"], layer.weight)
    assert torch.equal(read_input(file), x)


def test_edits_come_back(file):
    state = read_weights(file)
    book = openpyxl.load_workbook(file)
    first = {
        name: next(iter(book.defined_names[name].destinations))[1].split(":")[0].replace("$", "")
        for name in ("conv_0_weight", "input")
    }
    again = edited(file, "Network", {first["conv_0_weight"]: 2.5, first["input"]: -3})
    assert read_weights(again)["0.weight"][0, 0, 0, 0] == 2.5
    assert read_input(again)[0, 0, 0, 0] == -3
    assert torch.equal(read_weights(again)["0.weight"].flatten()[1:], state["0.weight"].flatten()[1:])


@pytest.mark.parametrize(
    ("value", "said"),
    [("abc", "holds 'abc'"), (None, "is empty"), (True, "holds 'True'"), ("=1/3", "no stored value"), (1e300, "1e\\+300")],
)
def test_an_edit_that_is_not_a_number_is_named_by_cell(file, value, said):
    again = edited(file, "Network", {"C9": value})
    with pytest.raises(WorkbookError, match=f"sheet Network, cell C9.*{said}"):
        read_input(again)


def test_a_number_of_which_the_spreadsheet_made_a_date_is_none(file):
    book = openpyxl.load_workbook(file)
    for address, value in {"C9": 46143, "D9": "=1+1", "E9": 0.5}.items():  # 1.5, typed where decimals have a comma
        book["Network"][address].value = value
        book["Network"][address].number_format = "mm-dd-yy" if address != "E9" else "0%"
    book.save(file)
    with pytest.raises(WorkbookError, match=r"cell C9: input needs .* '46143, which is shown as a date'"):
        read_input(file)
    book["Network"]["C9"].number_format = "0.00"
    book.save(file)
    with pytest.raises(WorkbookError, match=r"cell D9: .* no stored value"):
        read_input(file)


def test_files_that_are_not_ours(tmp_path):
    with pytest.raises(WorkbookError, match="no file"):
        read_weights(tmp_path / "nowhere.xlsx")
    text = tmp_path / "text.xlsx"
    text.write_text("not a zip")
    with pytest.raises(WorkbookError, match=r"is not an \.xlsx workbook"):
        read_weights(text)
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(WorkbookError, match=r"is not an \.xlsx workbook"):
        read_weights(empty)
    book = openpyxl.Workbook()
    book.save(tmp_path / "foreign.xlsx")
    with pytest.raises(WorkbookError, match=r"was not written by .*no sheet 'Network'"):
        read_weights(tmp_path / "foreign.xlsx")
    with pytest.raises(WorkbookError, match="was not written by"):
        read_weights(WORKBOOKS["softmax"](tmp_path / "softmax.xlsx"))


# Saved by another program

SHEET, MAIN = "xl/worksheets/sheet1.xml", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def rewritten(file, change):
    """A copy of a workbook with `change(name, bytes)` in place of each of its parts."""
    target = file.with_name("rewritten.xlsx")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


@pytest.mark.parametrize("dimension", [b'<dimension ref="A1"/>', b'<dimension ref="A1:F10"/>', b'<dimension ref=""/>', b""])
def test_the_size_that_a_sheet_states_is_not_believed(tmp_path, dimension):
    model, x = network(), torch.rand(2, 7, 7)
    file = export_model(model, x, tmp_path / "net.xlsx")
    again = rewritten(file, lambda name, data: re.sub(rb'<dimension ref="[^"]*"/>', dimension, data))
    state = read_weights(again)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert torch.equal(read_input(again), x)


@pytest.mark.parametrize(
    "change",
    [
        lambda name, data: data.replace(MAIN, b"http://purl.oclc.org/ooxml/spreadsheetml/main"),  # "Strict Open XML"
        lambda name, data: data.replace(b'Target="worksheets/', b'Target="/xl/worksheets/'),
        lambda name, data: re.sub(rb'<row r="\d+"', b"<row", data) if name == SHEET else data,  # the cells say where they are
        lambda name, data: data.replace(b"<v>", b'<v xml:space="preserve">').replace(b"<c ", b'<c xml:lang="en" '),
        lambda name, data: data.replace(b"<sheetData>", b"<sheetData><!-- a comment -->"),
    ],
)
def test_other_ways_to_write_the_same_workbook(tmp_path, change):
    model, x = network(), torch.rand(2, 7, 7)
    again = rewritten(export_model(model, x, tmp_path / "net.xlsx"), change)
    assert again.read_bytes() != (tmp_path / "net.xlsx").read_bytes()
    state = read_weights(again)
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert torch.equal(read_input(again), x)


@pytest.mark.parametrize("text", ["1_000", "١٢", "nan", "inf", "1,5", "0x10", "1e", "+-1", "."])
def test_what_no_spreadsheet_takes_for_a_number_is_none(tmp_path, text):
    file = export_model(nn.Linear(1, 1), torch.full((1,), 0.25), tmp_path / "net.xlsx")
    again = rewritten(file, lambda name, data: data.replace(b"<v>0.25</v>", f"<v>{text}</v>".encode()))
    with pytest.raises(WorkbookError, match=f"sheet Network, cell [A-Z]+9: .* holds '{re.escape(text)}'"):
        read_input(again)


def test_cells_without_addresses_stand_one_after_the_other(tmp_path):
    file = export_model(nn.Linear(1, 1), torch.rand(1), tmp_path / "net.xlsx")
    rows = b"<row/>" * 8 + b"<row>" + b"".join(b"<c><v>%d</v></c>" % n for n in range(20)) + b"</row>"
    sheet = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (MAIN, rows)
    again = rewritten(file, lambda name, data: sheet if name == SHEET else data)
    places = {"".join(entry["keys"]): entry["rects"][0][:2] for entry in manifest_of(file)["tensors"]}
    assert {row for row, _ in places.values()} == {8}
    assert read_input(again).item() == places[""][1]
    assert read_weights(again)["weight"].item() == places["weight"][1]


def test_names_that_look_like_the_files_own_escapes(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a_x0041_ = nn.Linear(2, 1)

        def forward(self, x):
            return self.a_x0041_(x)

    model = Net()
    file = export_model(model, torch.rand(2), tmp_path / "net.xlsx")
    assert read_weights(file).keys() == model.state_dict().keys()


def test_a_hidden_sheet_that_was_left_out(file):
    book = openpyxl.load_workbook(file)
    del book["course_utils"]
    book.save(file)
    with pytest.raises(WorkbookError, match="leaves hidden sheets out"):
        read_weights(file)


def moved(file, name, area):
    """A copy in which a name of cells stands for another area, as a spreadsheet leaves it when the cells moved."""

    def change(part, data):
        new, count = re.subn(rb'(<definedName name="%s">)[^<]*' % name, rb"\g<1>" + area, data)
        assert count == (part == "xl/workbook.xml")
        return new

    return rewritten(file, change)


@pytest.mark.parametrize("area", [b"Network!#REF!", b"#REF!", b"#REF!$B$9", b"Network!$B:$H", b"5", b""])
def test_cells_that_were_deleted_are_named(file, area):
    again = moved(export_model(nn.Conv2d(1, 1, 3), torch.rand(1, 9, 7), file), b"input", area)
    with pytest.raises(WorkbookError, match=r"input is not there any more.*written to B9:H17"):
        read_input(again)
    assert read_weights(again).keys() == {"weight", "bias"}


def inserted(file, rows=(), cols=(), note=None):
    """A copy with rows and columns (counted from 1) put in between as a spreadsheet does it: cells and their names move."""
    book = openpyxl.load_workbook(file)
    sheet = book["Network"]
    for merged in list(sheet.merged_cells.ranges):
        sheet.unmerge_cells(str(merged))
    for row in rows:
        sheet.insert_rows(row)
    for col in cols:
        sheet.insert_cols(col)
    if note:
        sheet[note] = "note"

    def now(numbers, place):
        for number in numbers:  # one after the other
            place += number <= place
        return place

    for name in book.defined_names.values():
        first, last = (openpyxl.utils.cell.coordinate_from_string(end) for end in _ends(name.attr_text))
        (left, top), (right, bottom) = ((openpyxl.utils.column_index_from_string(col), row) for col, row in (first, last))
        (left, right), (top, bottom) = (now(cols, left), now(cols, right)), (now(rows, top), now(rows, bottom))
        letters = openpyxl.utils.get_column_letter
        name.attr_text = f"Network!${letters(left)}${top}:${letters(right)}${bottom}"
    target = file.with_name("inserted.xlsx")
    book.save(target)
    return target


def _ends(text):
    first, _, last = text.rpartition("!")[2].replace("$", "").partition(":")
    return first, last or first


@pytest.mark.parametrize(
    ("rows", "cols"),
    [
        ((1,), ()),  # above all of it
        ((), (1,)),
        ((8, 9, 12), (2, 4)),  # inside the input's first channel
        ((16, 17, 18, 19), ()),  # between channels
        ((30, 40), (12, 13, 20, 30)),  # inside kernels
        ((9, 9, 9), (3, 3)),
    ],
)
def test_rows_and_columns_may_be_inserted_anywhere(file, rows, cols):
    state, x = read_weights(file), read_input(file)
    again = inserted(file, rows, cols)
    assert all(torch.equal(value, state[key]) for key, value in read_weights(again).items())
    assert torch.equal(read_input(again), x)


def test_what_was_inserted_must_be_empty(file):
    file = export_model(nn.Conv2d(1, 1, 3), torch.rand(1, 9, 7), file)
    with pytest.raises(WorkbookError, match=r"input stands in B9:H18 now, and was written to B9:H17: which rows .* not empty"):
        read_input(inserted(file, rows=(11,), note="C11"))
    with pytest.raises(WorkbookError, match=r"input stands in B10:H16 now.*were deleted"):
        read_input(moved(file, b"input", b"Network!$B$10:$H$16"))
    with pytest.raises(WorkbookError, match=r"more than 1,000,000 cells"):
        read_input(moved(file, b"input", b"Network!$B$9:$H$1000000"))


def test_a_cell_is_named_where_it_stands_now(file):
    again = inserted(file, rows=(10,), cols=(1,))
    with pytest.raises(WorkbookError, match="sheet Network, cell D9: input needs a number"):
        read_input(edited(again, "Network", {"D9": "seven"}))


def test_a_renamed_sheet_and_a_copied_one(file):
    """A spreadsheet writes a new name everywhere; a copy of a sheet gets names of its own, which say where the copy is."""
    state, x = read_weights(file), read_input(file)
    local = b'<definedNames><definedName name="input" localSheetId="1">PyTorch!$A$1:$B$2</definedName>'

    def change(name, data):
        data = data.replace(b'<sheet name="Network"', b'<sheet name="Bob\'s net"').replace(b"<definedNames>", local)
        return data.replace(b"</definedNames>", local.partition(b">")[2] + b"</definedNames>").replace(
            b">Network!$", b">'Bob''s net'!$"
        )

    again = rewritten(file, change)
    assert all(torch.equal(value, state[key]) for key, value in read_weights(again).items())
    assert torch.equal(read_input(again), x)


def test_names_of_cells_may_be_left_out_or_written_otherwise(file):
    export_model(nn.Linear(1, 1), torch.rand(1), file)
    state = read_weights(file)
    for change in (
        lambda name, data: re.sub(rb"<definedNames>.*</definedNames>", b"", data),
        lambda name, data: data.replace(b">Network!$", b">'Network'!$"),
        lambda name, data: re.sub(rb">Network!(\$\w+\$\d+)<", rb">Network!\1:\1<", data),  # as some programs write one cell
    ):
        again = rewritten(file, change)
        assert again.read_bytes() != file.read_bytes()
        assert all(torch.equal(value, state[key]) for key, value in read_weights(again).items())


def test_a_sheet_that_was_renamed(file):
    book = openpyxl.load_workbook(file)
    book["Network"].title = "My network"
    book.save(file)
    with pytest.raises(WorkbookError, match=r"no sheet 'Network'.*My network.*renamed"):
        read_weights(file)  # openpyxl leaves the names of cells as they were


# Made to harm, or damaged


def sheet_of(*pieces):
    data = b'<worksheet xmlns="%s"><sheetData>' % MAIN + b"".join(pieces)
    return lambda name, old: data if name == SHEET else old


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (sheet_of(b'<row r="9"/>' * 2000), "more than 1,000 tags"),
        (sheet_of(b'<row r="9">', b'<c r="B9"><v>1</v></c>' * 600), "more than 1,000 tags"),
        (sheet_of(b"<row>", b"<c/>" * 50), "more than 40 columns"),
        (sheet_of(b'<row r="9">', b"<is>" * 100), "64 tags inside one another"),
        (sheet_of(b'<row r="9"><c r="B9" t="str"><v>', b"x" * 30_000), "hold more than 20,000 characters"),
        (sheet_of(b'<row r="9"><c r="Z9" t="str"><v>', b"x" * 300_000), "unpacks to more than 200,000 bytes"),
        (sheet_of(b'<row r="', b"9" * 150_000), "has a tag of 100,000 bytes"),
        (sheet_of(b'<row r="9"><c r="B9" t="s"><v>7</v></c></row></sheetData></worksheet>'), "missing"),
        (sheet_of(b'<row r="9"><c r="$$9"><v>7</v></c></row></sheetData></worksheet>'), "is not a column"),
        (sheet_of(b'<row r="9"><c r="B9"><v>nan</v></c></row></sheetData></worksheet>'), "holds 'nan'"),
        (
            lambda name, data: b'<!DOCTYPE a [<!ENTITY b "c">]>' + data if name == SHEET else data,
            "that can be read|document type",
        ),
        (lambda name, data: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' if name == SHEET else data, "declares a document type"),
        (lambda name, data: data[: len(data) // 2] if name == SHEET else data, "that can be read"),
        (lambda name, data: b"" if name == SHEET else data, "that can be read"),
        (lambda name, data: data.replace(b"sheet1.xml", b"nowhere.xml"), "is missing"),
    ],
)
def test_what_reading_may_cost_is_bounded(tmp_path, monkeypatch, change, said):
    file = rewritten(export_model(nn.Linear(3, 2), torch.rand(3), tmp_path / "net.xlsx"), change)
    limits = {"MOST_TAGS": 1000, "MOST_BYTES": 200_000, "MOST_TEXT": 20_000, "LONGEST_TAG": 100_000, "MAX_COLUMNS": 40}
    for name, limit in limits.items():
        monkeypatch.setattr(package if hasattr(package, name) else cells, name, limit)
    with pytest.raises(WorkbookError, match=said):
        read_input(file)


def test_only_what_is_asked_for_is_read(tmp_path):
    """A digit in the last cell of the sheet, rows after the network, parts that nobody needs: none of them is even parsed."""
    model = nn.Linear(3, 2)
    file = export_model(model, torch.rand(3), tmp_path / "net.xlsx")
    stray = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    spoilt = {
        "xl/styles.xml",
        "xl/theme/theme1.xml",
        "docProps/app.xml",
        "xl/worksheets/sheet2.xml",
        "xl/worksheets/sheet3.xml",
    }

    def change(name, data):
        return b"<" * 100 if name in spoilt else data.replace(b"</sheetData>", stray + b"<" * 100)

    assert torch.equal(read_weights(rewritten(file, change))["weight"], model.weight)


def test_one_tensor_under_many_names_is_counted_once_for_each(file, monkeypatch):
    manifest = manifest_of(file)
    manifest["tensors"][1]["keys"] = [str(n) for n in range(20)]
    monkeypatch.setattr("course_utils.excel.reader.MOST_NUMBERS", 1000)
    with pytest.raises(WorkbookError, match=r"should hold 1,\d+ weights and at most 1,000"):
        read_weights(edited(file, "course_utils", {"A1": json.dumps(manifest)}))


def test_what_is_no_workbook_at_all(tmp_path):
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old .xls file")
    for path, said in (
        (None, "expected the path of a workbook: path is None"),
        (3, "expected the path of a workbook: path is 3"),
        (tmp_path, "is a folder; name a workbook in it"),
        (tmp_path / "nowhere.xlsx", "no file .*nowhere"),
        (tmp_path / "old.xls" / "net.xlsx", "a part of the path is a file"),
        (tmp_path / "old.xls", "old .xls kind"),
        ("\0", "no file can have this name"),
        ("~no_such_user/net.xlsx", "no home folder ~no_such_user"),
    ):
        with pytest.raises(CourseError, match=said):
            read_weights(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.parametrize("read", [read_weights, read_input])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.xlsx")
    for path in (tmp_path / "pipe.xlsx", "/dev/zero"):
        with pytest.raises(FileError, match="a pipe or a device"):
            read(path)


def test_what_the_system_does_not_let_be_read_is_told_in_its_words(tmp_path, monkeypatch):
    file = export_model(nn.Linear(2, 1), torch.rand(2), tmp_path / "net.xlsx")
    with pytest.raises(FileError, match="name is too long"):
        read_weights("x" * 300 + ".xlsx")
    monkeypatch.setattr(type(file), "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(FileError, match="you may not read it"):
        read_weights(file)


def manifest_of(file) -> dict:
    return json.loads("".join(row[0] for row in openpyxl.load_workbook(file)["course_utils"].iter_rows(values_only=True)))


def change(key, value):
    def apply(manifest):
        manifest["tensors"][1][key] = value

    return apply


@pytest.mark.parametrize(
    "spoil",
    [
        change("shape", [10**9, 10**9]),
        change("shape", [4, 1, 3, 4]),
        change("shape", "4133"),
        change("shape", []),
        change("dtype", "__class__"),
        change("keys", [1]),
        change("rects", [[8, 1, 10**6, 10**6, 1, 1]]),
        change("rects", [[-1, 0, 6, 6, 1, 1]]),
        change("rects", [[8, 1, 6, 6, 10**6, 1]]),
        change("rects", [[8, 1, 6, 6.5, 1, 1]]),
        change("rects", {"0": 1}),
        lambda manifest: manifest.update(tensors="none"),
        lambda manifest: manifest.update(counters={"a": "b"}),
        lambda manifest: manifest.update(counters={"a": 10**30}),
    ],
)
def test_a_manifest_that_was_tampered_with(file, spoil):
    manifest = manifest_of(file)
    spoil(manifest)
    again = edited(file, "course_utils", {"A1": json.dumps(manifest)})
    with pytest.raises(WorkbookError, match="is damaged"):
        read_weights(again)


@pytest.mark.parametrize(
    ("text", "said"), [("{", "damaged"), ("[" * 20_000, "damaged"), ("{}", "was not written"), ("[]", "was not written")]
)
def test_a_manifest_that_is_none(file, text, said):
    with pytest.raises(WorkbookError, match=said):
        read_weights(edited(file, "course_utils", {"A1": text}))


def test_another_version_is_named(file):
    manifest = manifest_of(file) | {"version": 99}
    with pytest.raises(WorkbookError, match="another version \\(99"):
        read_weights(edited(file, "course_utils", {"A1": json.dumps(manifest)}))
