"""A workbook and a model kept in step: saved by other programs, while open there, where both changed, and when interrupted."""

import shutil
import time

import openpyxl
import pytest
import torch
from torch import nn

from course_utils.excel import WorkbookError, export_model, follow, read_input, read_weights
from course_utils.networks import letter_a, letter_network
from course_utils.widgets import LayerPipeline
from tests.excel import office

QUICK = 0.02  # seconds between looks


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))


@pytest.fixture
def file(model, tmp_path):
    return export_model(model, torch.tensor([1.0, 2.0, 3.0]), tmp_path / "net.xlsx")


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def save_by_openpyxl(file, name, value):
    """Put a number into the first cell of a name, as another program does that saves the whole workbook."""
    book = openpyxl.load_workbook(file)
    sheet, area = next(iter(book.defined_names[name].destinations))
    book[sheet][area.replace("$", "").split(":")[0]] = value
    book.save(file.with_name("saved.part"))
    file.with_name("saved.part").replace(file)


def test_what_is_saved_comes_into_the_model(model, file, capsys):
    with follow(file, model, interval=QUICK) as following:
        save_by_openpyxl(file, weight_name(file), 7.5)
        wait_for(lambda: model[0].weight[0, 0] == 7.5)
        save_by_openpyxl(file, "input", -4.0)
        wait_for(lambda: following.x[0] == -4)
    assert following.x.tolist() == [-4, 2, 3]
    said = capsys.readouterr().out
    assert "net.xlsx was saved: 0.weight came into the notebook" in said
    assert said.rstrip().endswith("net.xlsx is not followed any more")


def weight_name(file):
    return next(name for name in openpyxl.load_workbook(file).defined_names if name.endswith("weight"))


def test_what_changes_in_the_notebook_is_written(model, file):
    styled = openpyxl.load_workbook(file)
    styled["Network"]["B1"] = "my own title"
    styled.create_sheet("Mine")["A1"] = "=Network!B9"
    styled.save(file)
    with follow(file, model, interval=QUICK) as following:
        with torch.no_grad():
            model[2].bias += 1.25
        following.x = [0.5, 0.25, 0.125]
        wait_for(lambda: any("were written" in message for message in following.messages))
    assert torch.equal(read_weights(file)["2.bias"], model[2].bias)
    assert read_input(file).tolist() == [0.5, 0.25, 0.125]
    book = openpyxl.load_workbook(file)
    assert book["Network"]["B1"].value == "my own title"
    assert book["Mine"]["A1"].value == "=Network!B9"
    assert book.calculation.fullCalcOnLoad
    shown = openpyxl.load_workbook(file, data_only=True)["Network"]
    formulas = [cell.coordinate for row in book["Network"] for cell in row if cell.data_type == "f"]
    assert formulas
    assert all(shown[place].value is None for place in formulas)  # what stood there is not true any more


@pytest.mark.parametrize("lock", ["~$net.xlsx", ".~lock.net.xlsx#"])
def test_an_open_workbook_is_written_once_it_is_closed(lock, model, file):
    before, mark = file.read_bytes(), file.with_name(lock)
    mark.touch()
    with follow(file, model, interval=QUICK) as following:
        nn.init.ones_(model[0].bias)
        wait_for(lambda: any("is open elsewhere" in message for message in following.messages))
        time.sleep(5 * QUICK)
        assert file.read_bytes() == before
        assert sum("is open elsewhere" in message for message in following.messages) == 1
        mark.unlink()
        wait_for(lambda: file.read_bytes() != before)
    assert read_weights(file)["0.bias"].tolist() == [1, 1]


def test_what_could_not_be_written_until_the_end_is_said(model, file):
    file.with_name("~$net.xlsx").touch()
    before = file.read_bytes()
    with follow(file, model, interval=QUICK) as following:
        nn.init.ones_(model[0].bias)
    assert file.read_bytes() == before
    assert following.messages[-2] == "net.xlsx does not hold what the notebook changed last: 0.bias"


def test_nothing_is_lost_where_both_changed(model, file):
    mark = file.with_name("~$net.xlsx")
    mark.touch()  # so that the notebook's change waits
    name = weight_name(file)
    with follow(file, model, interval=QUICK) as following:
        with torch.no_grad():
            model[0].weight.fill_(3)
            model[2].weight.fill_(4)
        wait_for(lambda: len(following.messages) > 1)
        save_by_openpyxl(file, name, 9.0)
        wait_for(lambda: model[0].weight[0, 0] == 9)
        mark.unlink()
    copy = file.with_name("net (notebook 1).xlsx")
    kept = read_weights(copy)
    assert kept["0.weight"].tolist() == [[3, 3, 3]] * 2
    assert kept["2.weight"].tolist() == [[4, 4]] * 2
    found = read_weights(file)
    assert found["0.weight"][0, 0] == 9
    assert all(torch.equal(found[key], value) for key, value in model.state_dict().items())
    assert any("net (notebook 1).xlsx" in message and "0.weight" in message for message in following.messages)


def test_changes_of_different_tensors_come_together(model, file):
    mark = file.with_name("~$net.xlsx")
    mark.touch()
    with follow(file, model, interval=QUICK) as following:
        nn.init.constant_(model[2].bias, 6.0)
        wait_for(lambda: len(following.messages) > 1)
        save_by_openpyxl(file, "input", 5.0)
        wait_for(lambda: following.x[0] == 5)
        mark.unlink()
    assert read_weights(file)["2.bias"].tolist() == [6, 6]
    assert read_input(file)[0] == 5
    assert [path.name for path in file.parent.iterdir()] == ["net.xlsx"]


def test_a_file_that_is_half_saved_is_waited_for(model, file):
    whole = file.with_name("whole.xlsx")
    shutil.copy(file, whole)
    save_by_openpyxl(whole, weight_name(file), 2.5)
    data = whole.read_bytes()
    with follow(file, model, interval=QUICK) as following:
        file.write_bytes(data[: len(data) // 2])
        time.sleep(6 * QUICK)
        file.unlink()
        time.sleep(4 * QUICK)
        assert len(following.messages) == 1
        file.write_bytes(data)
        wait_for(lambda: model[0].weight[0, 0] == 2.5)


def test_what_cannot_be_read_is_said_and_the_next_save_counts(model, file, monkeypatch):
    monkeypatch.setattr("course_utils.excel.saved_file.PATIENCE", 0.05)
    before = model[0].weight.clone()
    with follow(file, model, interval=QUICK) as following:
        save_by_openpyxl(file, weight_name(file), "seven")
        wait_for(lambda: any("cannot be read" in message and "seven" in message for message in following.messages))
        assert torch.equal(model[0].weight, before)
        save_by_openpyxl(file, weight_name(file), 7)
        wait_for(lambda: model[0].weight[0, 0] == 7)


def test_an_interrupt_leaves_the_notebook_usable(model, file):
    def interrupted():
        with follow(file, model, interval=QUICK):
            nn.init.zeros_(model[0].bias)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert read_weights(file)["0.bias"].tolist() == [0, 0]  # what had changed was written
    following = follow(file, model, interval=QUICK)
    again = follow(file, model, interval=QUICK)  # as when a cell is run again
    assert not following.running
    assert again.running
    again.stop()
    again.stop()
    assert again.messages[-1] == "net.xlsx is not followed any more"


def test_nan_is_not_written(model, file):
    before = file.read_bytes()
    with follow(file, model, interval=QUICK) as following:
        nn.init.constant_(model[0].bias, float("nan"))
        wait_for(lambda: any("nan or inf" in message for message in following.messages))
    assert file.read_bytes() == before


def test_a_copy_keeps_what_cells_can_hold(model, file):
    file.with_name("~$net.xlsx").touch()
    with follow(file, model, interval=QUICK) as following:
        with torch.no_grad():
            model[0].weight.fill_(float("nan"))
            model[2].weight.fill_(4)
        wait_for(lambda: len(following.messages) > 1)
        save_by_openpyxl(file, weight_name(file), 9.0)
        wait_for(lambda: model[0].weight[0, 0] == 9)
    kept = read_weights(file.with_name("net (notebook 1).xlsx"))
    assert kept["2.weight"].tolist() == [[4, 4]] * 2
    assert any("but for 0.weight with nan or inf" in message for message in following.messages)


class Screen:
    """A widget of which anything may become the input."""

    def __init__(self, x):
        self.x = x


def test_what_was_saved_is_not_lost_where_the_screen_shows_another_input(model, file):
    screen = Screen(torch.tensor([1.0, 2.0, 3.0]))
    with follow(file, model, screen, interval=QUICK) as following:
        screen.x = torch.ones(4)
        wait_for(lambda: any("x has shape (4,), and net.xlsx holds one of (3,)" in message for message in following.messages))
        save_by_openpyxl(file, weight_name(file), 9.0)
        time.sleep(6 * QUICK)
        screen.x = torch.tensor([1.0, 2.0, 3.0])
        wait_for(lambda: model[0].weight[0, 0] == 9)
    assert read_weights(file)["0.weight"][0, 0] == 9


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))

    def forward(self, a, b):
        return self.weight * a + b


@pytest.mark.parametrize("named", [True, False])
def test_several_inputs_are_followed_in_the_form_in_which_they_were_given(named, tmp_path):
    model, x = Sum(), {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])}
    file = export_model(model, x if named else tuple(x.values()), tmp_path / "sum.xlsx")
    parts = (lambda x: tuple(x.values())) if named else tuple
    with follow(file, model, interval=QUICK) as following:
        save_by_openpyxl(file, "b_in", 7.0)
        wait_for(lambda: parts(following.x)[1].tolist() == [7, 4])
        wait_for(lambda: any("the input 'b' came into the notebook" in message for message in following.messages))
        following.x = {**following.x, "a": [5.0, 6.0]} if named else ([5.0, 6.0], following.x[1])
        with pytest.raises(WorkbookError, match=r"holds several inputs: give a (dictionary of a, b|tuple \(a, b\))"):
            following.x = torch.zeros(2)
        with pytest.raises(WorkbookError, match=r"x\['?[b1]'?\] has shape \(3,\), and sum.xlsx holds one of \(2,\)"):
            following.x = {"a": torch.zeros(2), "b": torch.zeros(3)} if named else (torch.zeros(2), torch.zeros(3))
    assert [part.tolist() for part in parts(read_input(file))] == [[5, 6], [7, 4]]
    assert isinstance(read_input(file), dict if named else tuple)


def test_an_input_that_was_turned_is_none_of_the_same_shape(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten())
    file = export_model(model, torch.rand(1, 2, 3), tmp_path / "net.xlsx")
    with follow(file, model, interval=QUICK) as following:
        with pytest.raises(WorkbookError, match=r"x has shape \(1, 3, 2\), and net.xlsx holds one of \(1, 2, 3\)"):
            following.x = torch.zeros(1, 3, 2)
        following.x = torch.zeros(2, 3)
    assert read_input(file).tolist() == [[[0, 0, 0], [0, 0, 0]]]


def test_a_relative_path_means_the_folder_of_then(model, file, monkeypatch):
    monkeypatch.chdir(file.parent)
    with follow("net.xlsx", model, interval=QUICK):
        monkeypatch.chdir("/")
        nn.init.ones_(model[0].bias)
    assert read_weights(file)["0.bias"].tolist() == [1, 1]


def test_a_model_of_other_precision_is_compared_in_that_of_the_workbook(model, file):
    before = file.read_bytes()
    with follow(file, model.double(), interval=QUICK) as following:
        with torch.no_grad():
            model[0].bias += 1e-12
        with pytest.raises(WorkbookError, match=r"x has shape \(2,\), and net.xlsx holds one of \(3,\)"):
            following.x = [1.0, 2.0]
        with pytest.raises(WorkbookError, match="x is 'three'; give numbers of shape"):
            following.x = "three"
    assert file.read_bytes() == before


def test_the_pipeline_on_the_screen_follows(tmp_path):
    model, image = letter_network(), letter_a()[None]
    file = export_model(model, image, tmp_path / "letter.xlsx", class_names=None)
    pipeline = LayerPipeline(model, image)
    with follow(file, model, pipeline, interval=QUICK):
        before = pipeline.values("conv1")
        save_by_openpyxl(file, "conv1_weight", 3.0)
        wait_for(lambda: (pipeline.values("conv1") != before).any())
        assert model.conv1.weight[0, 0, 0, 0] == 3
        save_by_openpyxl(file, "input", 0.5)
        wait_for(lambda: pipeline.x[0, 0, 0] == 0.5)
        pipeline.x = 1 - pipeline.x
    assert torch.equal(read_input(file).double().reshape(pipeline.x.shape), pipeline.x)


def test_the_button_stops_it(model, file, monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    following = follow(file, model, interval=QUICK)
    following._ipython_display_()
    button, label = displayed[0].children
    button.click()
    assert not following.running
    assert button.disabled
    assert label.value == "net.xlsx is not followed any more"


def test_what_differs_at_first_is_asked_for(model, file):
    nn.init.zeros_(model[0].bias)
    with pytest.raises(WorkbookError, match=r"hold different numbers at first: 0.bias. Say which count"):
        follow(file, model)
    old = read_weights(file)["0.bias"]
    with follow(file, model, start="workbook", interval=QUICK):
        assert torch.equal(model[0].bias, old)
    nn.init.zeros_(model[0].bias)
    with follow(file, model, start="model", interval=QUICK):
        pass
    assert read_weights(file)["0.bias"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": nn.Linear(3, 2)}, "give the model that it was exported from"),
        ({"model": "net"}, "model is 'net'"),
        ({"widget": 3}, "widget is 3; give a LayerPipeline"),
        ({"start": "both"}, "start is 'both'"),
        ({"interval": 0}, "interval is 0"),
        ({"path": "none.xlsx"}, "no file"),
    ],
)
def test_what_does_not_fit_is_said(change, message, model, file):
    given = {"path": file, "model": model, **change}
    given["path"] = file.parent / given["path"]
    with pytest.raises(WorkbookError, match=message):
        follow(**given)


@pytest.mark.libreoffice
@pytest.mark.skipif(office.SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc")
def test_to_libreoffice_and_back(model, file, tmp_path):
    """What is written LibreOffice computes as PyTorch does; what LibreOffice saves comes back, and is written into again."""
    with follow(file, model, interval=QUICK):
        nn.init.constant_(model[0].weight, 0.75)
    saved = office.recalculate([file], tmp_path / "out")[file]
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    shown = [value for (sheet, _), value in office.values(saved).items() if sheet == "Network" and isinstance(value, float)]
    for want in copy_of(model)(x).softmax(0).tolist():
        assert any(abs(value - want) < 1e-9 for value in shown)
    written = copy_of(model).float().state_dict()
    nn.init.constant_(model[0].weight, 0.5)
    shutil.copy(saved, file)
    with follow(file, model, start="workbook", interval=QUICK):
        assert all(torch.equal(value, written[key]) for key, value in model.state_dict().items())
        nn.init.constant_(model[2].bias, -2.0)
    assert read_weights(file)["2.bias"].tolist() == [-2, -2]
    old, new = openpyxl.load_workbook(saved)["Network"], openpyxl.load_workbook(file)["Network"]
    differ = [
        a.value for row, other in zip(old, new, strict=True) for a, b in zip(row, other, strict=True) if a.value != b.value
    ]
    assert sorted(differ) == pytest.approx(sorted(written["2.bias"].tolist()))


def copy_of(model):
    other = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    other.load_state_dict(model.state_dict())
    return other.double()
