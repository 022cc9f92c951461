"""Numbers put into the text of a sheet as other programs write it: prefixes, empty cells, shared text, formulas."""

import zipfile

import openpyxl
import pytest
import torch
from torch import nn

from course_utils.excel import WorkbookError, export_model, read_weights
from course_utils.excel.patch import filled, shared_with_others, write_numbers
from course_utils.excel.sheet_text import SheetText


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<c r="A1"><v>1</v></c>', '<c r="A1"><v>0.1</v></c>'),
        ('<c r="A1" s="4" />', '<c r="A1" s="4"><v>0.1</v></c>'),
        ('<c r="A1" t="s" s="4"><v>17</v></c>', '<c r="A1" s="4"><v>0.1</v></c>'),
        ('<c r="A1" t="inlineStr"><is><t>7</t></is></c>', '<c r="A1"><v>0.1</v></c>'),
        ('<c r="A1"><f>1/3</f><v>0.3</v></c>', '<c r="A1"><v>0.1</v></c>'),
        ("<c><v>1</v></c>", "<c><v>0.1</v></c>"),
        ("<c/>", "<c><v>0.1</v></c>"),
        ('<x:c r="A1" t="n"><x:v>1</x:v></x:c>', '<x:c r="A1"><x:v>0.1</x:v></x:c>'),
    ],
)
def test_a_number_in_a_cell(before, after):
    head, tail = '<sheetData xmlns:x="u"><row>', "<c><v>2</v></c></row></sheetData>"
    sheet = SheetText("Network", f"{head}{before}{tail}".encode())
    assert filled(sheet, {(0, 0): 0.1}, set()) == f"{head}{after}{tail}".encode()


def test_values_of_formulas_go_and_those_that_are_kept_stay():
    text = (
        '<sheetData><row r="3"><c r="B3" t="str"><f t="shared" si="0">C3</f><v>a &gt; b</v></c>'
        '<c r="C3" t="e"><f/><v>#NUM!</v></c><c r="D3"><f>1/3</f><v>0.3</v></c></row></sheetData>'
    )
    left = '<c r="B3"><f t="shared" si="0">C3</f></c><c r="C3"><f/></c><c r="D3"><f>1/3</f><v>0.3</v></c>'
    assert (
        filled(SheetText("Network", text.encode()), {}, {(2, 3)}) == f'<sheetData><row r="3">{left}</row></sheetData>'.encode()
    )


def test_a_formula_that_others_share_goes_with_all_of_them_alone():
    text = SheetText(
        "Network",
        b'<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:B1" si="0">A2*2</f><v>1</v></c>'
        b'<c r="B1"><f t="shared" si="0"/><v>2</v></c></row></sheetData>',
    )
    assert shared_with_others(text, {(0, 0)}) == (0, 0)
    assert shared_with_others(text, {(0, 1)}) is None  # the others keep theirs
    assert shared_with_others(text, {(0, 0), (0, 1)}) is None


def test_excels_chain_goes_and_a_missing_cell_is_named(tmp_path):
    """A formula that is a number now would stand in the list that Excel keeps of formulas, and Excel would call it damaged."""
    model = nn.Linear(2, 1)
    file = export_model(model, torch.ones(2), tmp_path / "line.xlsx")
    chained = tmp_path / "chained.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(chained, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            part = b'<Override PartName="/xl/calcChain.xml" ContentType="chain"/></Types>'
            data = data.replace(b"</Types>", part)
            data = data.replace(
                b"</Relationships>", b'<Relationship Id="rId99" Type="t/calcChain" Target="calcChain.xml"/></Relationships>'
            )
            new.writestr(info, data)
        new.writestr("xl/calcChain.xml", "<calcChain/>")
    weight = next(name for name in openpyxl.load_workbook(file).defined_names if name.endswith("weight"))
    sheet, area = next(iter(openpyxl.load_workbook(file).defined_names[weight].destinations))
    first = openpyxl.load_workbook(file)[sheet][area.replace("$", "").split(":")[0]]
    place = first.row - 1, first.column - 1
    assert write_numbers(chained, {sheet: {place: 0.5}}, {}, tmp_path / "new.xlsx") == 0
    assert read_weights(tmp_path / "new.xlsx")["weight"][0, 0] == 0.5
    with zipfile.ZipFile(tmp_path / "new.xlsx") as archive:
        assert not any(b"calcChain" in archive.read(info) or "calcChain" in info.filename for info in archive.infolist())
    with pytest.raises(WorkbookError, match="there is no cell XFD9 any more"):
        write_numbers(file, {sheet: {(8, 16383): 1.0}}, {}, tmp_path / "none.xlsx")
    assert not (tmp_path / "none.xlsx").exists()
