"""Recalculating workbooks with LibreOffice from their formulas alone, and reading what came out."""

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
needs_libreoffice = [
    pytest.mark.libreoffice,
    pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc"),
]
STORED = re.compile(rb"(<c [^>]*?)( t=\"(?:str|e|b)\")?(>\s*<f>[^<]*</f>)<v>[^<]*</v>")

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NUMBER = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Cells = dict[tuple[str, str], object]  # (sheet, address) -> value


def strip_values(source: Path, target: Path, edits: Mapping[tuple[str, str], float] | None = None) -> Path:
    """Copy a workbook without the values stored beside its formulas; `edits` puts other numbers into cells, by sheet file."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.startswith("xl/worksheets/sheet"):
                data, count = STORED.subn(rb"\1\3", data)
                assert count == data.count(b"<f>"), "a formula kept its stored value"
                for (sheet, address), value in (edits or {}).items():
                    if info.filename == f"xl/worksheets/{sheet}.xml":
                        data, found = re.subn(rb'(<c r="%s"[^>]*><v>)[^<]*' % address.encode(), rb"\g<1>%r" % value, data)
                        assert found == 1, f"no cell {address} in {sheet}"
            new.writestr(info, data)
    return target


def recalculate(files: Iterable[Path], folder: Path, to: str = "xlsx") -> dict[Path, Path]:
    """Open files in one headless LibreOffice and save them into `folder`."""
    files = list(files)
    folder.mkdir(parents=True, exist_ok=True)
    assert len({file.name for file in files}) == len(files)
    assert SOFFICE is not None
    profile = folder / "profile"
    command = [SOFFICE, f"-env:UserInstallation={profile.resolve().as_uri()}", "--headless", "--convert-to", to]
    done = subprocess.run(
        [*command, "--outdir", str(folder), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "HOME": str(folder)},
    )
    results = {file: folder / f"{file.stem}.{to}" for file in files}
    missing = [file.name for file, result in results.items() if not result.exists()]
    assert not missing, f"LibreOffice did not convert {missing}: {done.stderr[-500:]}"
    return results


def values(file: Path) -> Cells:
    """Every value of every sheet, hidden ones included."""
    return _read(file, file.stat().st_mtime_ns)[0]


def formula_cells(file: Path) -> dict[tuple[str, str], str]:
    """Every formula of every sheet."""
    return _read(file, file.stat().st_mtime_ns)[1]


@lru_cache(maxsize=4)
def _read(file: Path, changed: int) -> tuple[Cells, dict[tuple[str, str], str]]:
    """Values and formulas in one pass, six times as fast as openpyxl, which makes an object with a style of each cell."""
    found: Cells = {}
    formulas: dict[tuple[str, str], str] = {}
    with zipfile.ZipFile(file) as book:
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            items = ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{MAIN}si")
            shared = ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in items]
        related = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        parts = {tag.get("Id"): f"xl/{tag.get('Target')}" for tag in related}
        for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet"):
            title = sheet.get("name")
            for cell in ElementTree.fromstring(book.read(parts[sheet.get(NUMBER)])).iter(f"{MAIN}c"):
                place = title, cell.get("r")
                if (formula := cell.find(f"{MAIN}f")) is not None:
                    formulas[place] = f"={formula.text}"
                if text := cell.findtext(f"{MAIN}v" if cell.get("t") != "inlineStr" else f"{MAIN}is/{MAIN}t"):
                    found[place] = _value(text, cell.get("t", "n"), shared)
    return found, formulas


def _value(text: str, kind: str, shared: list[str]) -> object:
    if kind == "n":
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if kind == "s":
        return shared[int(text)]
    return text == "1" if kind == "b" else text


def differences(stored: Cells, computed: Cells, formulas: Iterable[tuple[str, str]], tolerance: float = 1e-9) -> list[str]:
    """The formula cells whose two values are apart: numbers by more than the tolerance, text at all."""
    wrong = []
    for key in formulas:
        a, b = stored.get(key), computed.get(key)
        if isinstance(a, (int, float)) and isinstance(b, (int, float)):
            if not abs(a - b) <= tolerance * max(1.0, abs(a)):
                wrong.append(f"{key[0]}!{key[1]}: stored {a}, computed {b}")
        elif (a or "") != (b or ""):
            wrong.append(f"{key[0]}!{key[1]}: stored {a!r}, computed {b!r}")
    return wrong


Stage = tuple[Iterable[str], Path]  # lines of Basic, in which `doc` is the workbook, and where it is saved after them


def edited_in_libreoffice(edits: Mapping[Path, Iterable[Stage]], folder: Path) -> None:
    """Open each workbook in one headless LibreOffice, and save it after each stage of changes."""
    assert SOFFICE is not None
    profile = folder / "profile"
    command = [SOFFICE, f"-env:UserInstallation={profile.resolve().as_uri()}", "--headless"]
    subprocess.run([*command, "--terminate_after_init"], capture_output=True, timeout=300)  # makes the profile
    library = profile / "user" / "basic" / "Standard"
    library.mkdir(parents=True, exist_ok=True)
    subs = []
    for n, (source, stages) in enumerate(edits.items()):
        lines = [
            f"Sub Edit{n}",
            "Dim args(0) As New com.sun.star.beans.PropertyValue",
            'args(0).Name = "Hidden" : args(0).Value = True',
            f'doc = StarDesktop.loadComponentFromURL("{source.resolve().as_uri()}", "_blank", 0, args())',
            'args(0).Name = "FilterName" : args(0).Value = "Calc MS Excel 2007 XML"',
        ]
        for changes, target in stages:
            lines += [*changes, f'doc.storeToURL("{target.resolve().as_uri()}", args())']
        subs.append("\n".join([*lines, "doc.close(True)", "End Sub"]))
    module = "\n".join(["Sub Main", *(f"Edit{n}" for n in range(len(edits))), "End Sub", *subs])
    head, space = '<?xml version="1.0" encoding="UTF-8"?>\n', "http://openoffice.org/2000"
    (library / "script.xlb").write_text(
        f'{head}<library:library xmlns:library="{space}/library" library:name="Standard" library:readonly="false" '
        'library:passwordprotected="false"><library:element library:name="Module1"/></library:library>'
    )
    (library / "Module1.xba").write_text(
        f'{head}<script:module xmlns:script="{space}/script" script:name="Module1" script:language="StarBasic">'
        f"{escape(module)}</script:module>",
        encoding="utf-8",
    )
    (library.parent / "script.xlc").write_text(
        f'{head}<library:libraries xmlns:library="{space}/library" xmlns:xlink="http://www.w3.org/1999/xlink">'
        '<library:library library:name="Standard" xlink:href="$(USER)/basic/Standard/script.xlb/" xlink:type="simple" '
        'library:link="false"/></library:libraries>'
    )
    done = subprocess.run([*command, "macro:///Standard.Module1.Main"], capture_output=True, text=True, timeout=300)
    missing = [target.name for stages in edits.values() for _, target in stages if not target.exists()]
    assert not missing, f"LibreOffice did not write {missing}: {done.stderr[-500:]}"
