"""A notebook that runs without a screen."""

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lessons import run_lesson


def test_nothing_is_printed_beside_what_the_lesson_prints(tmp_path, capfd):
    headline = new_code_cell("print('it ran')", metadata={"tags": ["headline"]})
    nbformat.write(new_notebook(cells=[headline]), tmp_path / "a.ipynb")
    run = run_lesson(tmp_path / "a.ipynb", tmp_path / "build")
    assert (run.headline, run.notebook) == ("it ran", tmp_path / "build" / "a.ipynb")
    assert capfd.readouterr() == ("", "")  # the kernel has nothing to warn of either
