import errno
import io
import json
import os
import subprocess
import sys
from collections import namedtuple
from contextlib import redirect_stdout

import nbformat
import pytest
import torch

from course_utils import __version__, cli, data, doctor
from course_utils.errors import CourseError
from course_utils.training import Data, Learner, set_seed


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `course ...`; gives exit code and output."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, capsys.readouterr().out

    return command


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder like the project's, with lessons of one or two cells."""
    for name, sources in {
        "01_cats_vs_dogs": ["x = 6 * 7", "print(f'{x} right')"],
        "02_fails": ["1 / 0"],
    }.items():
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        cells[-1].metadata["tags"] = ["headline"]
        notebook = nbformat.v4.new_notebook(cells=cells)
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "spreadsheets").mkdir()
    (tmp_path / "spreadsheets" / "sheet.xlsx").write_bytes(b"sheet")
    monkeypatch.chdir(tmp_path / "notebooks")
    for command in ("lab", "lessons"):
        monkeypatch.setattr(f"course_utils.commands.{command}.draw_samples", lambda: None)
    return tmp_path


def test_a_lesson_runs_and_says_what_it_came_to(run, project):
    code, out = run("lessons", "01")
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("01_cats_vs_dogs"))
    assert line.endswith("42 right")
    executed = nbformat.read(project / "build" / "01_cats_vs_dogs.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "42 right\n"
    assert (project / "build" / "sheet.xlsx").read_bytes() == b"sheet"
    assert "outputs" in json.loads((project / "notebooks" / "01_cats_vs_dogs.ipynb").read_text())["cells"][0]
    assert nbformat.read(project / "notebooks" / "01_cats_vs_dogs.ipynb", 4).cells[1].outputs == []


def test_a_lesson_is_presented_by_its_number_or_as_a_file(run, project):
    for lesson, file in (("01", "by_number.html"), ("01_cats_vs_dogs.ipynb", "by_name.html")):
        code, out = run("present", lesson, "--pictures", "--dark", "--port", "9999", "--out", file)
        assert code == 0
        assert out.split() == ["Written", "to", str(project / "notebooks" / file)]
        page = (project / "notebooks" / file).read_text()
        assert 'data-theme="dark"' in page
        assert "http://localhost:9999/lab/workspaces/slides/tree/notebooks/01_cats_vs_dogs.ipynb#cell-id=" in page
    assert run("present", "01", "--pdf", "--out", "slides.html")[0] == 1


def test_a_lesson_that_fails_is_shown_and_the_others_run(run, project):
    code, out = run("lessons")
    assert code == 1
    assert "42 right" in out
    assert "failed 02_fails" in out
    assert "ZeroDivisionError" in out
    assert (project / "build" / "02_fails.ipynb").is_file()


def test_errors_are_messages_without_a_traceback(run):
    code, out = run("data", "dogcats")
    assert code == 1
    assert "did you mean 'dogscats'" in out
    assert "Traceback" not in out


def test_data_lists_what_is_there(run, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    code, out = run("data")
    assert code == 0
    assert all(name in out for name in ("dogscats", "dogbreeds", "planet", "rossmann", "digits"))


def test_a_workbook_is_written_where_asked_and_never_over_another(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out = run("export", "relu_maxpool")
    assert code == 0
    first = (tmp_path / "relu_maxpool.xlsx").read_bytes()
    code, out = run("export", "relu_maxpool")
    assert code == 1
    assert "nothing was written" in out
    assert run("export", "relu_maxpool", "-o", str(tmp_path / "other.xlsx"))[0] == 0
    assert (tmp_path / "other.xlsx").read_bytes() == first
    assert "conv_example" in run("export")[1]
    assert "there are conv_example" in run("export", "nonsense")[1]


def test_lab_opens_on_the_first_lesson_and_works_as_root_without_a_browser(run, project, monkeypatch):
    started = []

    def start(command, cwd, env, check):
        started.append((command, cwd))
        assert "jupyter" in env["JUPYTER_CONFIG_PATH"]
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("subprocess.run", start)
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    code, out = run("lab", "--port", "9999")
    (command, cwd), *_ = started
    assert code == 0
    assert cwd == project
    assert "--LabApp.default_url=/lab/tree/notebooks/01_cats_vs_dogs.ipynb" in command
    assert {"--port=9999", "--no-browser", "--allow-root"} <= set(command)
    assert "open the address" in out.lower()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package without the project's folder, whose lessons nobody has laid out yet; gives the home folder."""
    package, home = tmp_path / "package", tmp_path / "home"
    (package / "notebooks").mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), package / "notebooks" / "01_cats_vs_dogs.ipynb")
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setattr("course_utils.lessons.find.PROJECT", tmp_path / "nowhere")
    monkeypatch.setattr("course_utils.lessons.find.PACKED", package)
    monkeypatch.setattr("course_utils.lessons.find.HOME", home / "course")
    for command in ("lab", "lessons"):
        monkeypatch.setattr(f"course_utils.commands.{command}.draw_samples", lambda: None)
    return home


def test_copy_lays_the_course_out_and_says_what_to_do_next(run, installed):
    code, out = run("copy", "mine")
    assert (code, (installed / "mine" / "notebooks" / "01_cats_vs_dogs.ipynb").is_file()) == (0, True)
    assert out == "The course is in mine. Go there (cd mine), and course lab opens the lessons.\n"
    assert run("copy", ".")[1] == "The course is in this folder; course lab opens the lessons.\n"
    assert run("copy", "mine", "--update")[1].startswith("Nothing is new: mine has what course_utils ")
    for empty in (["copy", ""], ["train", "dogscats", "--save="], ["predict", "net.course", ""]):
        code, out = run(*empty)
        assert (code, "an argument is empty" in out) == (1, True)
    code, out = run("copy", "nowhere", "--update")
    assert (code, out) == (1, "there is no course in nowhere to update; without --update it is laid out there\n")


def test_copy_says_what_was_changed_and_where_the_new_version_lies(run, installed, tmp_path):
    run("copy", "mine")
    for folder, source in (("home/mine", "x = 2"), ("package", "x = 3")):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(notebook, tmp_path / folder / "notebooks" / "01_cats_vs_dogs.ipynb")
    code, out = run("copy", "mine", "--update")
    assert code == 0
    assert out == (
        "You changed notebooks/01_cats_vs_dogs.ipynb: yours stays, and the new version is notebooks/01_cats_vs_dogs.new.ipynb\n"
    )


@pytest.mark.parametrize(("answer", "there"), [(None, False), ("n", False), ("y", True)])
def test_lab_offers_to_lay_the_course_out_and_does_it_only_when_told_to(run, installed, monkeypatch, answer, there):
    started = []
    monkeypatch.setattr(
        "subprocess.run", lambda *given, **more: started.append(more["cwd"]) or subprocess.CompletedProcess("", 0)
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: answer is not None)
    _, out = run("lab")
    assert (installed / "course" / "notebooks").is_dir() == there
    assert started == ([installed / "course"] if there else [])
    assert there or f"course copy {installed / 'course'} does it" in out


def test_lab_says_what_to_do_where_jupyterlab_is_missing(run, project, monkeypatch):
    monkeypatch.setattr("course_utils.commands.lab.find_spec", lambda name: None)
    code, out = run("lab")
    assert code == 1
    assert out.startswith("JupyterLab is not installed: ")
    assert f"or open {project / 'notebooks'} in VS Code" in out


def test_the_doctor_finds_this_machine_ready(run):
    code, out = run("doctor")
    assert code == 0
    assert "Ready for the lessons." in out
    names = [check.name for check in doctor.checks()]
    assert {"Python", "PyTorch", "weights", "Jupyter", "disk"} <= set(names)


def test_the_doctor_survives_what_is_broken_and_says_so(run, monkeypatch):
    def _broken():
        raise ImportError("libsomething.so is missing")

    monkeypatch.setattr(doctor, "CHECKS", (_broken, doctor._python))
    code, out = run("doctor")
    assert code == 1
    assert "libsomething.so is missing" in out
    assert "Python" in out


def test_it_says_its_version(run):
    assert run("--version") == (0, f"course_utils {__version__}\n")


class Trained:
    """What a recipe gives."""

    def __init__(self, folder, callbacks=(), **chosen):
        self.folder, self.callbacks, self.chosen, self.recorder = folder, callbacks, chosen, self
        self.epochs = [{"train loss": 9.0}, {"train loss": 0.25, "rmspe": 0.125}]
        Trained.last = self

    def save(self, name):
        return self.folder / f"{name}.safetensors"


@pytest.fixture
def recipe(monkeypatch, tmp_path):
    monkeypatch.setattr("course_utils.recipes.RECIPES", {"rossmann": Trained})
    monkeypatch.setattr("course_utils.data.get", lambda name, sample: tmp_path / f"{name} {sample}")


def test_training_ends_with_a_line_of_what_it_reached(run, recipe, tmp_path):
    code, out = run("train", "rossmann")
    assert code == 0
    assert out == "rossmann: train loss 0.2500, rmspe 0.1250\n"
    assert Trained.last.chosen == {}
    code, out = run("train", "rossmann", "--epochs", "2", "--batch-size", "32", "--sample", "--save", "mine")
    assert Trained.last.chosen == {"epochs": 2, "batch_size": 32}
    assert out.splitlines()[1] == f"Saved to {tmp_path / 'rossmann True' / 'mine.safetensors'}"


def test_where_no_bar_can_be_watched_each_epoch_is_a_line(run, recipe, monkeypatch):
    run("train", "rossmann")
    callbacks = Trained.last.callbacks
    x, y = torch.randn(8, 2), torch.tensor([0, 1] * 4)
    set_seed(0)
    data = Data.from_tensors((x, y), (x, y), batch_size=4)
    learner = Learner(data, torch.nn.Linear(2, 2), callbacks=callbacks, progress=False)
    with redirect_stdout(io.StringIO()) as out:
        learner.fit(0.1, 2)
        learner.fit(0.1, 1)
    epochs = [f"{n:5}  {epoch['train loss']:10.4f}" for n, epoch in zip((0, 1, 0), learner.recorder.epochs, strict=False)]
    assert [line[:17] for line in out.getvalue().splitlines()] == [
        "epoch  train loss",
        *epochs[:2],
        "epoch  train loss",
        epochs[-1],
    ]
    with open(os.devnull) as closed, redirect_stdout(closed):  # cannot be written: nobody reads the lines any more
        learner.fit(0.1, 1)
    monkeypatch.setattr("course_utils.training.progress.can_be_seen", lambda: True)
    run("train", "rossmann")
    assert not Trained.last.callbacks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rosmann"], "nothing is trained on 'rosmann'; there are rossmann"),
        (["rossmann", "--save", "a/b"], "'a/b' cannot be the name of saved weights"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_read(run, recipe, monkeypatch, arguments, message):
    monkeypatch.setattr("course_utils.data.get", lambda name, sample: pytest.fail("it was read"))
    code, out = run("train", *arguments)
    assert code == 1
    assert message in out


@pytest.mark.parametrize(
    ("asked", "real", "found"), [([], True, "--real"), ([], False, "--sample"), (["--real"], False, "--real")]
)
def test_several_processes_run_the_same_command_on_the_data_that_was_found(run, recipe, monkeypatch, asked, real, found):
    started = []
    monkeypatch.setattr("course_utils.training.launching.launch", lambda *given: started.append(given))
    monkeypatch.setattr("course_utils.data.status", lambda name: type("Status", (), {"real": real}))
    code, out = run("train", "rossmann", "--nproc", "2", *asked)
    assert (code, out) == (0, "")
    assert started == [(2, "course_utils.cli", ["train", "rossmann", "--nproc", "2", *asked, found])]


# -- names are text, and what the system refuses is a sentence -------------------------------------------------------------

NAMES = ["[red]", "[/q]", "[link=file:///etc]dogs[/link]", ":dog:", "[bold", "a\\", "a\\[red]", "犬 é"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_printed_as_they_are(run, monkeypatch, project, name):
    def fails(*_):
        raise CourseError(f"{name} is no name")

    monkeypatch.setattr("course_utils.data.get", lambda *a, **k: project / name)
    assert run("data", "dogscats")[1] == f"{project / name}\n"
    monkeypatch.setattr("course_utils.recipes.RECIPES", {"rossmann": Trained})
    assert f"Saved to {project / name / 'mine.safetensors'}\n" in run("train", "rossmann", "--save", "mine")[1]
    monkeypatch.setattr("course_utils.excel.WORKBOOKS", {name: lambda path: path})
    assert run("export", name, "-o", str(project / name))[1] == f"Written to {project / name}\n"
    assert name in run("export")[1]
    monkeypatch.setattr(doctor, "CHECKS", (lambda: doctor.Check(name, False, name, name),))
    assert run("doctor")[1].splitlines()[0] == f"missing {name:<12} {name}  {name}"
    monkeypatch.setattr("course_utils.data.DATASETS", {name: Entry(name, name, None)})
    monkeypatch.setattr("course_utils.data.status", lambda name: type("Status", (), {"real": True, "sample": False}))
    assert run("data")[1].splitlines()[1].split("  ")[0].strip() == name
    (project / "notebooks" / "02_fails.ipynb").rename(project / "notebooks" / f"02_{name.replace('/', '')}.ipynb")
    monkeypatch.setattr("course_utils.lessons.run_lesson", fails)
    assert f"failed 02_{name.replace('/', '')}: {name} is no name\n" in run("lessons", "02")[1]


Entry = namedtuple("Entry", "name title maker")


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_printed_as_they_are(run, monkeypatch, name):
    def refuse(*_, **__):
        raise CourseError(f"{name} is no dataset\nand more")

    monkeypatch.setattr("course_utils.data.get", refuse)
    assert run("data", "dogscats") == (1, f"{name} is no dataset\nand more\n")


def test_a_name_does_not_steer_the_terminal(run, monkeypatch):
    monkeypatch.setattr("course_utils.data.get", lambda *a, **k: "dogs\x1b[2J\x1b]0;owned\x07\x9b31m\r\u202egnp.\udcff")
    assert run("data", "dogscats")[1] == r"dogs\x1b[2J\x1b]0;owned\x07\x9b31m\r\u202egnp.\udcff" + "\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/d/a"), "/d/a: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/d/[a]"), "/d/[a]: you may not read or write there"),
        (OSError(errno.EROFS, "Read-only file system"), "the folder is read-only"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (MemoryError(), "not enough memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "--batch-size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "not enough memory"),
    ],
)
def test_what_the_system_refuses_is_a_sentence(run, monkeypatch, error, words):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("course_utils.data.get", refuse)
    code, out = run("data", "dogscats")
    assert code == 1
    assert words in out
    assert "Traceback" not in out
    assert len(out.splitlines()) == 1


def test_a_mistake_in_the_program_shows_where_it_is(run, monkeypatch):
    monkeypatch.setattr("course_utils.data.get", lambda *a, **k: {}["x"])
    monkeypatch.setattr(sys, "argv", ["course", "data", "dogscats"])
    with pytest.raises(KeyError):
        cli.main()


def test_help_says_who_can_reach_the_processes(run):
    assert "loopback address alone" in " ".join(run("train", "--help")[1].split())


@pytest.mark.slow
@pytest.mark.alone
def test_two_processes_print_and_save_once(monkeypatch, tmp_path):
    """That they find what one finds is proved of every kind of data where training in several processes is."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    days = data.get("rossmann", sample=True) / "train.csv"
    header, *rows = days.read_text().splitlines(keepends=True)
    days.write_text(header + "".join(row for row in rows if int(row.split(",")[0]) <= 12))  # a tenth of the shops
    arguments = ["rossmann", "--sample", "--epochs", "1", "--batch-size", "64", "--nproc", "2", "--save", "both"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "course_utils.cli", "train", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    columns, epoch, reached, saved = done.stdout.splitlines()
    assert (columns.split()[0], epoch.split()[0]) == ("epoch", "0")
    assert reached.startswith("rossmann: train loss ")
    assert float(reached.split()[-1]) < 0.5  # RMSPE
    assert [file.name for file in tmp_path.rglob("*.safetensors")] == ["both.safetensors"]
    assert saved.endswith("both.safetensors")


def test_widgets_are_written_as_pages(run, tmp_path, monkeypatch):
    from course_utils.widgets import SoftmaxSigmoid, gallery

    monkeypatch.setattr(gallery, "WIDGETS", (SoftmaxSigmoid,))
    code, out = run("export-widgets", str(tmp_path / "pages"))
    assert (code, out.strip()) == (0, f"Written to {tmp_path / 'pages' / 'index.html'}")
    code, out = run("export-widgets", str(tmp_path / "pages"))
    assert code == 1
    assert "nothing was written" in out
