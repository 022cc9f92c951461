"""`course train`: a lesson's network without a notebook."""

import io
import sys
from contextlib import nullcontext, redirect_stdout
from typing import Annotated, Any

import typer

from course_utils.commands.terminal import say
from course_utils.errors import CourseError


def train(
    lesson: Annotated[str, typer.Argument(help="Which data: rossmann, dogscats, dogbreeds or planet.")],
    nproc: Annotated[int, typer.Option(min=1, help="Processes that train together: one for each GPU.")] = 1,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs, for pictures those that follow the new head's; by default the lesson's.")
    ] = None,
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
    from course_utils.training.callbacks import EpochLines
    from course_utils.training.distributed import processes, rank, world_size
    from course_utils.training.launching import launch
    from course_utils.training.progress import can_be_seen
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
        chosen: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size}
        chosen["callbacks"] = None if can_be_seen() else [EpochLines()]
        learner = RECIPES[lesson](folder, **{name: value for name, value in chosen.items() if value is not None})
        results = ", ".join(f"{name} {value:.4f}" for name, value in learner.recorder.epochs[-1].items())
        saved = learner.save(save) if save else None
        say(f"{lesson}: {results}")
        if saved:
            say(f"Saved to {saved}")
    processes().end()
