import subprocess
import sys

import nbformat
from nbclient import NotebookClient

from course_utils.training.progress import Bar, EpochTable


def test_a_bar_closes_when_its_loop_is_left_early(capfd):
    for number in Bar(range(5), description="counting", show=True):
        if number == 2:
            break
    assert "counting" in capfd.readouterr().err


def test_the_table_is_text_and_html():
    table = EpochTable(total=4, show=False)
    table.add_row({"epoch": 0, "train loss": 1.23456})
    table.add_row({"epoch": 1, "train loss": 0.5})
    assert table.as_text().splitlines()[1:] == ["    0      1.2346", "    1      0.5000"]
    assert table.as_html().count("<tr>") == 3


def test_a_saved_notebook_keeps_the_table_and_no_bar():
    source = """
import torch
from torch import nn
from course_utils.training import Data, Learner, accuracy
x = torch.randn(64, 2); y = (x[:, 0] > 0).long()
learner = Learner(Data.from_tensors((x, y), (x, y)), nn.Linear(2, 2), metrics=[accuracy])
learner.fit(0.1, 2)
predictions = learner.predict()
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert not [o for o in outputs if o.output_type == "stream"], outputs
    assert not [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.data]
    tables = [o.data["text/html"] for o in outputs if "<table>" in o.data.get("text/html", "")]
    assert len(tables) == 1
    assert tables[0].count("<tr>") == 3
    assert "accuracy" in tables[0]


def test_training_works_where_jupyter_and_matplotlib_are_not_installed():
    code = """
import sys
for name in ("IPython", "ipykernel", "ipywidgets", "matplotlib", "pandas"):
    sys.modules[name] = None
import torch
from course_utils.training import Data, Learner
x = torch.randn(8, 2); y = x[:, 0]
learner = Learner(Data.from_tensors((x, y), (x, y)), torch.nn.Linear(2, 1), progress=True)
learner.fit(0.1, 1)
print(len(learner.recorder.losses))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("1")


def test_names_of_metrics_are_text_in_both_tables():
    table = EpochTable(total=1, show=False)
    table.add_row(
        {"epoch": 0, "<lambda>": 0.5, "<img src=x onerror=alert(1)>": 0.5, "a & 'b'": 0.5, "two\nlines \x1b[31m": 0.5}
    )
    page = table.as_html()
    assert "&lt;lambda&gt;" in page
    assert "<img" not in page
    assert "a &amp; " in page
    assert page.count("<th>") == 5
    assert len(table.as_text().splitlines()) == 2
    assert "\x1b" not in table.as_text() + page
