"""The `course` command."""

import errno
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, nullcontext, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import course_utils
from course_utils.errors import CourseError
from course_utils.names import counted, printable, some_of
from course_utils.plain_text import plain
from course_utils.system_errors import OTHER, WRITING, system_error

if TYPE_CHECKING:
    from course_utils.tabular.predictor import TablePredictor
    from course_utils.vision.predictor import ImagePredictor

app = typer.Typer(help="The lessons, their data, and whether this machine is ready for them.", no_args_is_help=True)
console = Console()

REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EMFILE, errno.EIO}
"""What a system refuses though the program is right: said in a sentence; other errors show where they come from."""


def say(text: object, style: str = "") -> None:
    """Print text as it is: no brackets in it are markup, no control characters reach the terminal, no line is broken."""
    console.print(shown(text, style), soft_wrap=True)


def shown(text: object, style: str = "") -> Text:
    """Text for a line or a cell of a table; see `say`."""
    return Text(plain(text, console.encoding), style)


@app.command()
def lab(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where JupyterLab listens; by default the first free one from 8888 on.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser; without one the address is printed.")] = True,
) -> None:
    """Open the lessons in JupyterLab."""
    from course_utils.hosts import installing
    from course_utils.lessons import find_lessons

    root = _laid_out()
    if find_spec("jupyterlab") is None:
        raise CourseError(f"JupyterLab is not installed: {installing('jupyterlab')}; or open {root / 'notebooks'} in VS Code")
    with chdir(root):
        _draw_samples()
        first = find_lessons()[0].relative_to(root).as_posix()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{first}"]
    if port:
        command.append(f"--port={port}")
    if not (browser and _has_browser()):
        command.append("--no-browser")
        say("No browser here: open the address below that starts with http://127.0.0.1 in one.")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container
    try:
        raise typer.Exit(subprocess.run(command, cwd=root, env=_quiet_jupyter(), check=False).returncode)
    except KeyboardInterrupt:
        raise typer.Exit from None


@app.command()
def lessons(
    name: Annotated[str | None, typer.Argument(help="Which: 01, cats, ...; without it, all.")] = None,
) -> None:
    """Run lessons from top to bottom without a screen, into build/; a line for each says how long it took and its result.

    Where the project's folder may not be written to, that is the folder build among your own work.
    """
    from course_utils.files import can_write
    from course_utils.lessons import find_lessons, run_lesson
    from course_utils.work import work_folder

    root = _laid_out()
    build = root / "build" if can_write(root / "build") else work_folder("build")
    with chdir(root):
        chosen = find_lessons(name)
        _draw_samples()
    failed = []
    for notebook in chosen:
        with console.status(shown(f"{notebook.stem} ...")) as status:
            try:
                run = run_lesson(
                    notebook,
                    build,
                    lambda done, cells, stem=notebook.stem: status.update(shown(f"{stem}: cell {done + 1} of {cells}")),  # type: ignore[misc]
                )
            except CourseError as error:
                failed.append(notebook.stem)
                console.print(shown("failed", "red") + shown(f" {notebook.stem}: {error}"), soft_wrap=True)
                continue
        say(f"{run.name}  {run.seconds:.0f} s  {run.headline}")
    for workbook in sorted((root / "spreadsheets").glob("*.xlsx")):
        shutil.copy2(workbook, build)
    say(f"The executed notebooks and the workbooks are in {build}")
    if failed:
        raise typer.Exit(1)


@app.command()
def copy(
    folder: Annotated[Path, typer.Argument(help="Where to; it is made where it is missing.")],
    update: Annotated[bool, typer.Option("--update", help="Bring what is new to a course that was laid out before.")] = False,
) -> None:
    """Lay the course out in a folder of your own: notebooks, workbooks, and a place for data.

    With --update what you changed stays, and its new version is put beside it. To have run a notebook is no change: what counts
    is the text and code of its cells.
    """
    from course_utils.lessons import copy_course

    copied = copy_course(folder.expanduser(), update)
    for name, beside in copied.beside.items():
        say(f"You changed {name}: yours stays, and the new version is {beside}")
    if copied.gone:
        say(f"No part of the course any more, and left where it is: {some_of(copied.gone)}")
    if not update:
        there = copied.folder.absolute() != Path.cwd()
        say(
            f"The course is in {copied.folder}. Go there (cd {copied.folder}), and course lab opens the lessons."
            if there
            else "The course is in this folder; course lab opens the lessons."
        )
    elif copied.written:
        say(f"Brought to {copied.folder}: {some_of(copied.written)}")
    elif not copied.beside:
        say(f"Nothing is new: {copied.folder} has what course_utils {course_utils.__version__} brings, beside what you changed")


@app.command()
def present(
    name: Annotated[str, typer.Argument(help="Which lesson: 01, cats, ...; or the path of a notebook.")],
    out: Annotated[Path | None, typer.Option(help="Write the slides to this file, and open nothing.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As a PDF, by Chromium, Chrome or Edge.")] = False,
    handout: Annotated[bool, typer.Option("--handout", help="For paper: two slides a page, what to say beside them.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures", help="Still pictures for the widgets: nothing is run.")] = False,
    light: Annotated[bool | None, typer.Option("--light/--dark", help="By default as this machine.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Where JupyterLab listens: slides lead to the one that runs, or to 8888."),
    ] = None,
) -> None:
    """Open a lesson as slides: one file that needs no network, in which the widgets live.

    The first time, the lesson is run as far as its widgets need it, which takes up to some minutes; --pictures does without.
    Press ? in the slides for their keys: S opens the speaker's window, C shows the whole code, M a map, J the
    slide's cell in the JupyterLab that runs. What to say is in the notebook's cells tagged notes, each after the cell that it
    belongs to.
    """
    from course_utils.lessons.slides.writing import write_slides

    theme: Literal["light", "dark", "system"] = "system" if light is None else "light" if light else "dark"
    root = Path.cwd() if name.endswith(".ipynb") else _laid_out()
    target = out and out.absolute()
    with chdir(root), console.status(shown(f"{name} ...")) as status:
        target = write_slides(
            name, target, pdf=pdf, handout=handout, pictures=pictures, theme=theme, port=port,
            on_cell=lambda done, cells: status.update(shown(f"making the widgets: cell {done + 1} of {cells}")), say=say,
        )  # fmt: skip
    say(f"Written to {target}")
    if out is None and _has_browser():
        typer.launch(target.as_uri())


@app.command()
def student(
    out: Annotated[Path, typer.Argument(help="Where to; what is there is never replaced.")],
    grader: Annotated[str, typer.Option("--for", help="plain, nbgrader or otter.")] = "plain",
) -> None:
    """Write the lessons for students: without solutions, to hand out as they are, or as what a grader makes its own from.

    With --for nbgrader the folder is an instructor's course folder, whose notebooks nbgrader generate_assignment takes; with
    --for otter it has a master notebook for each lesson, which otter assign takes. Both hold the solutions between marks, and
    the grader takes them out.
    """
    from course_utils.lessons.editions import student_edition

    say(f"Written to {student_edition(out, grader)}")


@app.command()
def solutions(out: Annotated[Path, typer.Argument(help="Where to; what is there is never replaced.")]) -> None:
    """Write the lessons with every solution open, for whoever teaches them."""
    from course_utils.lessons.editions import solutions_edition

    say(f"Written to {solutions_edition(out)}")


@app.command(name="html")
def html_pages(
    out: Annotated[Path, typer.Argument(help="Where to: a new folder, or one that was written so before.")],
    without_solutions: Annotated[
        bool, typer.Option("--without-solutions", help="Leave the exercises' solutions out, in the notebooks to download too.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option("--pictures", help="Show widgets as pictures; without it the lessons are run once for those that move."),
    ] = False,
) -> None:
    """Write the lessons as pages: browse them with no Python, server or network, or put them on any web space.

    Open index.html in a browser. All links are relative and nothing is loaded from elsewhere, so the folder can be copied to a
    USB stick, zipped for a class, or uploaded to any web space (GitHub Pages, a university's server), into any folder there.
    Search, workbooks and notebooks to download are in it. Written again, the pages are replaced; other files beside them stay.

    For widgets that move, the lessons are run once, which takes some minutes; the next time that is done already.
    """
    from course_utils.lessons.alive import living_pages
    from course_utils.lessons.site import write_site

    with console.status(shown("the pages ...")) as status:

        def living(notebook: Path) -> dict[str, list[str]]:
            def on_cell(done: int, cells: int) -> None:
                status.update(shown(f"{notebook.stem}: running for its widgets, cell {done + 1} of {cells}"))

            try:
                return living_pages(notebook, on_cell, lambda line: say(f"{notebook.stem}: {line}"))
            except CourseError as error:
                say(str(error), "yellow")
                return {}

        index = write_site(out, solutions=not without_solutions, living=None if pictures else living)
    say(f"Written to {index}")


@app.command()
def data(
    name: Annotated[str | None, typer.Argument(help="Which dataset; without it, what is there of each.")] = None,
    real: Annotated[bool | None, typer.Option("--real/--sample", help="Insist on the real data, or draw the stand-in.")] = None,
) -> None:
    """Get a dataset, or see what is there."""
    from course_utils.data import DATASETS, data_folder, get, status
    from course_utils.data.places import why_data_folder

    if name is not None:
        say(get(name, sample=None if real is None else not real))
        return
    table = Table("name", "what", "real", "drawn", box=None)
    for dataset in DATASETS.values():
        here = status(dataset.name)
        drawn = "yes" if here.sample else "not yet" if dataset.maker else "-"
        table.add_row(shown(dataset.name), shown(dataset.title), "yes" if here.real else "no", drawn)
    console.print(table)
    say(f"The data folder is {data_folder()}: {why_data_folder()}.")
    say("course data NAME gets one; --real downloads it, --sample draws its stand-in.")


@app.command()
def train(
    lesson: Annotated[str, typer.Argument(help="Which data: rossmann, dogscats, dogbreeds or planet.")],
    nproc: Annotated[int, typer.Option(min=1, help="Processes that train together: one for each GPU.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data; by default those of the lesson.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, help="Rows or pictures in a step, of all processes together; by default the lesson's.")
    ] = None,
    real: Annotated[bool | None, typer.Option("--real/--sample", help="Insist on the real data, or on its stand-in.")] = None,
    save: Annotated[str | None, typer.Option(help="Save the weights under this name.")] = None,
) -> None:
    """Train a lesson's network without a notebook, in one process or in several.

    Processes started with --nproc listen on this machine's loopback address alone: no other machine can reach them. To train on
    several machines, torchrun starts them, and listens on all of its interfaces: use it only in a network that you trust.
    """
    from course_utils.data import get, status
    from course_utils.recipes import RECIPES
    from course_utils.training import set_seed
    from course_utils.training.distributed import processes, rank, world_size
    from course_utils.training.launching import launch
    from course_utils.training.storage import checked_name

    if lesson not in RECIPES:
        raise CourseError(f"nothing is trained on {lesson!r}; there are {', '.join(RECIPES)}")
    if save:
        checked_name(save)
    sample = None if real is None else not real
    if nproc > 1 and world_size() == 1:
        get(lesson, sample)
        found = "--real" if real or (real is None and status(lesson).real) else "--sample"
        launch(nproc, "course_utils.cli", [*sys.argv[1:], found])
        return
    with redirect_stdout(io.StringIO()) if rank() else nullcontext():
        folder = processes().once(lambda: get(lesson, sample))
        set_seed(42)
        chosen = {"epochs": epochs, "batch_size": batch_size}
        learner = RECIPES[lesson](folder, **{name: value for name, value in chosen.items() if value is not None})
        results = ", ".join(f"{name} {value:.4f}" for name, value in learner.recorder.epochs[-1].items())
        say(f"{lesson}: {results}")
        if save:
            say(f"Saved to {learner.save(save)}")
    processes().end()


@app.command()
def predict(
    predictor: Annotated[Path, typer.Argument(help="The file that learner.export(...) wrote, such as pets.course.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, or folders, with all below; for a network of tables .csv, .csv.gz, .feather or .parquet files with "
            "the columns that it learnt from, the features among them."
        ),
    ],
) -> None:
    """Predict with a network that was exported, where its training data are not needed.

    For each picture a line tells the file, the label and its probability; for each row of a table the file, the row's Id (its
    number, from 1, where there is no column Id) and the value; tabs are between them. Pictures and tables that cannot be read
    are named on standard error, and the others predicted all the same; the exit code is then 1.

    A network of tables needs the columns that it was trained on, under their names: features are not built here, but written
    beforehand with course_utils.tabular.write_table. load_predictor(file).columns names them.
    """
    from course_utils.predictor import load_predictor
    from course_utils.vision.predictor import ImagePredictor

    ready = load_predictor(predictor)
    lines = _lines_of_pictures(ready, inputs) if isinstance(ready, ImagePredictor) else _lines_of_tables(ready, inputs)
    failed = 0
    for line in lines:
        if isinstance(line, CourseError):
            failed += 1
            typer.echo(plain(line), err=True)
        else:
            typer.echo("\t".join(map(printable, line)))
    if failed:
        raise typer.Exit(1)


Line = tuple[object, ...] | CourseError


def _lines_of_pictures(predictor: "ImagePredictor", inputs: list[Path]) -> Iterator[Line]:
    """The file, label and probability of each picture, or the error of one that cannot be read."""
    from course_utils.vision.disk import pictures_in

    pictures = []
    for path in inputs:
        if not os.path.isdir(path):
            pictures.append(path)
            continue
        try:
            there = pictures_in(path, "")
        except CourseError as error:
            yield error
            continue
        pictures += [path / name for name in there.pictures]
        if there.others:
            unused = counted(len(there.others), "file", "is/are")
            typer.echo(f"{unused} not used in {path}: {some_of(there.others)}", err=True)
    for picture, found in zip(pictures, predictor.predict_each(pictures), strict=True):
        if isinstance(found, CourseError):
            yield found
        else:
            label = found.label if isinstance(found.label, str) else ", ".join(found.label)
            yield picture, label, "" if found.probability is None else f"{found.probability:.3f}"


def _lines_of_tables(predictor: "TablePredictor", inputs: list[Path]) -> Iterator[Line]:
    """The file, the Id or row number and the value of each row, or the error of a table that cannot be read."""
    for path in inputs:
        try:
            table = predictor.read(path)
            values = predictor.predict(table)
        except CourseError as error:
            message = str(error)
            yield error if str(path) in message else CourseError(f"{path}: {message}")
            continue
        ids = next((name for name in table.columns if str(name).lower() == "id"), None)
        rows = range(1, len(values) + 1) if ids is None else table[ids].tolist()
        for row, value in zip(rows, values, strict=True):
            yield path, row, value


@app.command()
def export(
    name: Annotated[str | None, typer.Argument(help="Which workbook; without it, a list.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to; by default NAME.xlsx here.")] = None,
) -> None:
    """Write one of the ready-made workbooks, in which every activation is a live formula, or one with formulas to fill in."""
    from course_utils.lessons.workbooks import workbook_makers

    workbooks = workbook_makers()
    if name is None:
        for known, make in workbooks.items():
            say(f"{known:<22} {(make.__doc__ or '').strip()}")
        say("course export NAME writes one.")
        return
    if name not in workbooks:
        raise CourseError(f"there is no workbook {name!r}; there are {', '.join(workbooks)}")
    path = output or Path(f"{name}.xlsx")
    if output is None and path.exists():
        raise CourseError(
            f"{path} is there already; nothing was written. Name another place with -o, or the same to replace it"
        )
    say(f"Written to {workbooks[name](path)}")


@app.command()
def grade(
    files: Annotated[list[Path], typer.Argument(help="Workbooks that were filled in, as a spreadsheet saved them.")],
    key: Annotated[
        str | None, typer.Option(help="The blank as it was handed out, or the name of a ready-made one; see below.")
    ] = None,
) -> None:
    """Tell which regions of a workbook with formulas to fill in are right, and its marks; for several files, a line for each.

    Nothing in a file is run: the values that a spreadsheet stored are compared, and the formulas are looked at. The ready-made
    exercises are compared with this package. Any other is compared with the key in the file itself, which whoever filled it in
    could have changed, unless --key names the blank that was handed out. The exit code is 1 where a file could not be graded.
    """
    from course_utils.excel import grade as grade_file

    failed = False
    for file in files:
        try:
            found = grade_file(file, key)
        except CourseError as error:
            if len(files) == 1:
                raise
            typer.echo(plain(error), err=True)
            failed = True
            continue
        if len(files) > 1:
            say("; ".join([f"{file}: {found}", *found.notes]))
            continue
        table = Table("part", "", "numbers", "marks", "", box=None)
        for region in found.regions:
            colour = "green" if region.right else "yellow"
            cells, marks = f"{region.cells_right} of {region.cells}", f"{region.marks:g} of {region.out_of:g}"
            remarks = shown("; ".join(region.remarks))
            table.add_row(shown(region.name), shown(region.verdict, colour), cells, marks, remarks)
        console.print(table)
        for line in (f"{file}: {found}", *found.notes):
            say(line)
    if failed:
        raise typer.Exit(1)


@app.command(name="export-widgets")
def export_widgets(folder: Annotated[Path, typer.Argument(help="Where to; a folder that is empty or not there yet.")]) -> None:
    """Write every widget as a page that moves in any browser with no Python and no network, and a page that leads to them."""
    from course_utils.widgets import export_widgets

    say(f"Written to {export_widgets(folder)}")


@app.command()
def doctor() -> None:
    """Check whether this machine is ready for the lessons."""
    from course_utils.doctor import MARKS, Report, checks

    colours = {True: "green", None: "yellow", False: "red"}
    found = []
    for check in checks():
        found.append(check)
        advice = shown(f"  {check.advice}", "dim") if check.advice else ""
        mark = shown(f"{MARKS[check.ok]:<7}", colours[check.ok])
        console.print(mark + shown(f" {check.name:<12} {check.found}") + advice, soft_wrap=True)
    report = Report(tuple(found))
    say(report.verdict)
    if not report.ready:
        raise typer.Exit(1)


def _laid_out() -> Path:
    """The folder with the lessons; where they are only inside the installed package, whoever sits here is asked first."""
    from course_utils.lessons import copy_course, find

    ask = find.project_folder() == find.PACKED and sys.stdin.isatty()
    if ask and typer.confirm(f"The lessons are not laid out yet. Lay them out in {find.HOME}?", default=True):
        copy_course(find.HOME.expanduser())
    return find.writable_folder()


def _draw_samples() -> None:
    """Make sure that each dataset that can be drawn is there, real or drawn."""
    from course_utils.data import DATASETS, get, status

    for dataset in DATASETS.values():
        here = status(dataset.name)
        if dataset.maker and not (here.real or here.sample):
            say(f"Drawing {dataset.title} (once) ...")
            get(dataset.name, sample=True)


def _quiet_jupyter() -> dict[str, str]:
    """Environment variables with which JupyterLab does not ask about news or look for updates: nothing leaves the machine."""
    ours = Path(__file__).parent / "jupyter"
    theirs = os.environ.get("JUPYTER_CONFIG_PATH")
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join([str(ours), *([theirs] if theirs else [])])}


def _has_browser() -> bool:
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def main() -> None:
    """Run the command; an error made on purpose, or one of the system, is its message alone."""
    try:
        app()
    except CourseError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = _refusal(error)
        if message is None:
            raise
        _fail(message)


def _refusal(error: Exception) -> str | None:
    """In words, an error that says that this machine has no more to give or does not let us; None for any other.

    >>> _refusal(OSError(errno.ENOSPC, "No space left on device", "/data/dogs.zip"))
    '/data/dogs.zip: the disk is full; make room, or choose another folder'
    >>> _refusal(KeyError("a mistake in the program"))
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return "there is not enough memory; close other programs and notebooks, or lower --batch-size where there is one"
    number = system_error(error)
    if number == errno.ENOENT and not _folder_is_there():
        return "the folder that you are in was deleted; go to another one"
    if number not in REFUSALS:
        return None
    if number == errno.EACCES:
        reason, advice = "you may not read or write there, or another program has the file open", WRITING[number][1]
    else:
        reason, advice = OTHER.get(number) or WRITING[number]
    return f"{getattr(error, 'filename', None) or 'a file'}: {reason}; {advice}"


def _folder_is_there() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _fail(message: str) -> NoReturn:
    if os.environ.get("RANK", "0") != "0":
        time.sleep(2)  # process 0 may be saying the same; then this one is ended before it can
    say(message, "red")
    sys.exit(1)


if __name__ == "__main__":
    main()
