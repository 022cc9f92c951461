"""The widgets of a lesson as pages."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.errors import CourseError
from course_utils.lessons import alive
from course_utils.lessons.alive import WIDGET, living_pages

VIEW = new_output("display_data", {WIDGET: {"model_id": "1", "version_major": 2, "version_minor": 1}})


def written(folder, *cells):
    made = [
        new_code_cell(source, id=name, outputs=[VIEW] * views, metadata={"tags": tags}) for name, source, views, tags in cells
    ]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A lesson"), *made]), folder / "01_made_up.ipynb")
    return folder / "01_made_up.ipynb"


@pytest.fixture(autouse=True)
def _work(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))


def test_widgets_become_pages_once_and_nothing_else_is_run(tmp_path, monkeypatch):
    runs, told = [], []
    execute = alive.execute
    monkeypatch.setattr(alive, "execute", lambda content, *rest: runs.append(content) or execute(content, *rest))
    notebook = written(
        tmp_path,
        ("import", "from IPython.display import display\nfrom course_utils.widgets import SoftmaxSigmoid", 0, []),
        ("not-needed", "raise SystemError('run')", 0, []),
        ("two", "display(SoftmaxSigmoid([1, 2, 3], list('abc')))\nSoftmaxSigmoid([3, 1], list('ab'))", 2, []),
        ("foreign", "import ipywidgets\nipywidgets.IntSlider()", 1, []),
        ("solution", "SoftmaxSigmoid()", 1, ["solution"]),
        ("after", "raise SystemError('run')", 0, []),
    )
    steps = []
    pages = living_pages(notebook, lambda done, cells: steps.append((done, cells)), told.append)
    assert {cell: len(found) for cell, found in pages.items()} == {"two": 2, "foreign": 1}
    assert all(page.startswith("<!doctype html>") for page in pages["two"])
    assert pages["foreign"] == [""]
    assert "[1.0, 2.0, 3.0]" in pages["two"][0]
    assert "[3.0, 1.0]" in pages["two"][1]
    assert told == ["1 widget stays a picture: it needs its kernel"]
    assert steps == [(done, 4) for done in range(4)]
    assert living_pages(notebook, say=told.append) == pages
    assert len(runs) == 1


def test_where_nothing_lives_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(alive, "execute", None)
    assert living_pages(written(tmp_path, ("plain", "print(1)", 0, []))) == {}


def test_where_the_few_cells_fail_all_are_run_and_where_those_fail_it_is_said(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(alive, "execute", lambda content, *rest: ran.append(len(content.cells)) or ValueError("no such data"))
    notebook = written(tmp_path, ("not-needed", "1", 0, []), ("w", "2", 1, []))
    with pytest.raises(CourseError, match=r"01_made_up.ipynb failed, so its widgets stay pictures[\s\S]*no such data"):
        living_pages(notebook)
    assert ran == [2, 3]
    assert not list((tmp_path / "work").rglob("*.json"))


def test_what_is_kept_is_made_again_when_a_cell_changed_or_the_file_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(alive, "_displayed", lambda notebook, cells, *rest: {"w": [{"page": cells[0].source}]})
    assert living_pages(written(tmp_path, ("w", "first", 1, []))) == {"w": ["first"]}
    assert living_pages(written(tmp_path, ("w", "second", 1, []))) == {"w": ["second"]}
    (kept,) = (tmp_path / "work").rglob("*.json")
    kept.write_text('{"w": [{"pa')
    assert living_pages(tmp_path / "01_made_up.ipynb") == {"w": ["second"]}


def test_what_is_kept_of_a_notebook_whose_name_begins_alike_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(alive, "_displayed", lambda notebook, cells, *rest: {"w": [{"page": notebook.stem}]})
    for name in ("a-b", "a", "a"):
        nbformat.write(new_notebook(cells=[new_code_cell(f"{name!r}", id="w", outputs=[VIEW])]), tmp_path / f"{name}.ipynb")
        assert living_pages(tmp_path / f"{name}.ipynb") == {"w": [name]}
    assert sorted(path.stem[:-13] for path in (tmp_path / "work").rglob("*.json")) == ["a", "a-b"]
