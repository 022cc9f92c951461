"""Pages of the widgets by themselves, read without a browser."""

import base64
import io
import json
import re

import numpy as np
import pytest
from openpyxl import load_workbook

from course_utils.widgets import ConvolutionExplorer, SoftmaxSigmoid, WidgetError, export_widgets, gallery
from course_utils.widgets.base.alone import LARGEST, with_workbook, witness
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.gallery import WIDGETS, file_name


@pytest.fixture(scope="module")
def examples():
    return {kind: kind.example() for kind in WIDGETS}


def held(page, name):
    return re.search(rf'<script type="[^"]*" id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)[1]


@pytest.mark.parametrize("kind", WIDGETS, ids=file_name)
def test_a_page_is_small_and_its_numbers_are_those_of_pytorch(kind, examples, run):
    widget = examples[kind]
    page = widget.html()
    assert len(page.encode()) < LARGEST
    assert not re.search(r"""(?:src|href)=["'](?!data:)|\burl\(|@import|https?:(?!//www\.w3\.org)""", page)
    told = json.loads(held(page, "witness"))
    assert told
    for name, values in widget._numbers().items():
        row = np.ravel(values).astype(float)
        assert told[name]["size"] == row.size
        np.testing.assert_array_equal(told[name]["values"], row[:: told[name]["every"]])
    state = {name: value for name, value in widget.get_state().items() if not name.startswith("_anywidget")}
    given = {"plain": {}, "bytes": {}}
    for name, value in state.items():
        raw = isinstance(value, (bytes, memoryview))
        given["bytes" if raw else "plain"][name] = list(value) if raw else value
    model = """{ get: (name) => (name in given.state.bytes
        ? new DataView(Uint8Array.from(given.state.bytes[name]).buffer) : given.state.plain[name]) }"""
    given["plain"].pop("layout", None)
    computed = run(kind._module, f"it.default.computed({model})", {"state": given})
    answer = run(BASE / "alone.js", "it.compare(given[0], given[1])", [told, computed])
    assert answer["compared"] == sum(value is not None for one in told.values() for value in one["values"])
    assert answer["difference"] <= 1e-12


def test_the_page_notices_numbers_that_are_not_pytorchs(run):
    told = witness({"a": [[1.0, 2.0], [3.0, 4.0]], "b": [1e-9]})
    compare = "given.map((computed) => it.compare(computed[0], computed[1]).difference)"
    wrong = [
        {"a": [[1, 2], [3, 4.0000001]], "b": 1e-9},
        {"a": [1, 2, 3], "b": 1e-9},
        {"a": [1, 2, 3, 4]},
        {"a": [1, 2, 3, "x"], "b": 1e-9},
    ]
    answers = run(BASE / "alone.js", compare, [[told, one] for one in wrong])
    assert answers[0] == pytest.approx(2.5e-8)
    assert answers[1:] == ["Infinity"] * 3
    assert run(BASE / "alone.js", compare, [[told, {"a": [1, 2, [3, 4]], "b": [1e-9]}]]) == [0]


def test_of_many_numbers_some_travel():
    told = witness({"many": np.arange(1001.0)})["many"]
    assert told["size"] == 1001
    assert told["values"] == np.arange(1001.0)[:: told["every"]].tolist()
    assert len(told["values"]) <= 400


def test_a_page_has_its_workbook_inside_where_there_is_room():
    explorer = ConvolutionExplorer(np.eye(6), export_path="mine & yours.xlsx")
    page = explorer.html()
    assert 'id="workbook" data-name="mine &amp; yours.xlsx"' in page
    book = load_workbook(io.BytesIO(base64.b64decode(held(page, "workbook"))), data_only=True)
    cells = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
    assert set(explorer.output.ravel().tolist()) <= cells
    assert 'id="workbook"' not in SoftmaxSigmoid().html()
    assert with_workbook(page, b"0" * LARGEST, "a.xlsx") == page


def test_all_widgets_become_pages_with_one_that_leads_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "WIDGETS", (SoftmaxSigmoid,))
    index = export_widgets(tmp_path / "new" / "pages")
    assert sorted(path.name for path in index.parent.iterdir()) == ["index.html", "softmax_sigmoid.html"]
    text = index.read_text()
    assert '<a href="softmax_sigmoid.html"><h2>Softmax and sigmoid</h2>' in text
    with pytest.raises(WidgetError, match=r"pages has softmax_sigmoid\.html, index\.html already; nothing was written"):
        export_widgets(index.parent)
    assert index.read_text() == text


def test_what_travels_of_the_largest_image_of_a_lesson_is_small():
    explorer = ConvolutionExplorer(np.random.default_rng(0).random((28, 28)), relu=True, pool=2)
    inputs = {name: value for name, value in explorer._page_state().items() if name != "layout"}
    assert "output" not in inputs
    assert len(json.dumps(inputs)) < 50_000
