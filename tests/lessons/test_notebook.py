"""Reading a notebook."""

import json

import pytest

from course_utils.errors import CourseError
from course_utils.lessons.notebook import read_notebook
from course_utils.lessons.slides.writing import write_slides

CELLS = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# Old\n", "\n", "text"]},
    {"cell_type": "code", "metadata": {}, "execution_count": None, "source": "print(1)", "outputs": []},
]


def written(folder, content):
    path = folder / "one.ipynb"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_cells_of_an_older_file_are_called_by_their_place(tmp_path):
    old = written(tmp_path, {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": CELLS})
    assert [cell.id for cell in read_notebook(old).cells] == ["cell-0", "cell-1"]
    older = {"cell_type": "code", "language": "python", "input": "1", "outputs": [], "metadata": {}}
    old = written(tmp_path, {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [older] * 2}]})
    assert [cell.id for cell in read_notebook(old).cells] == ["cell-0", "cell-1"]


def test_an_older_file_becomes_slides(tmp_path):
    old = written(tmp_path, {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": CELLS})
    assert 'id="cell-0"' in write_slides(str(old), tmp_path / "one.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "hello",
        "",
        "[]",
        "{}",
        {"nbformat": 99, "cells": []},
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]},
    ],
)
def test_what_is_no_notebook_is_named(tmp_path, content):
    path = written(tmp_path, content)
    with pytest.raises(CourseError, match=r"one\.ipynb cannot be read as a notebook \(.+\); open it in JupyterLab"):
        read_notebook(path)


def test_text_in_another_encoding_and_a_missing_file_are_named(tmp_path):
    (tmp_path / "one.ipynb").write_bytes(b"\xff\xfe{")
    with pytest.raises(CourseError, match=r"cannot be read as a notebook"):
        read_notebook(tmp_path / "one.ipynb")
    with pytest.raises(CourseError, match="it is not there"):
        read_notebook(tmp_path / "two.ipynb")
