"""`course data`: the datasets."""

from typing import Annotated

import typer
from rich.table import Table

from course_utils.commands.terminal import console, say, shown


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
