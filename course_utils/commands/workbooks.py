"""`course export` and `course grade`: workbooks, and those that were filled in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from course_utils.commands.terminal import console, say, shown
from course_utils.errors import CourseError
from course_utils.plain_text import plain


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
