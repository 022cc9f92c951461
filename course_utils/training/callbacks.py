"""What may happen around each step of a fit: a callback is an object whose methods are called at those moments."""

import difflib
import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.figures import BLUE, VERMILION
from course_utils.training.arguments import checked_list, positive, shown
from course_utils.training.fitting import Fitting
from course_utils.training.progress import EpochTable


class Callback:
    """Override the moments you want; each gets the learner, whose attributes say where the fit stands.

    `learner.epoch` and `learner.step` count from 0, `learner.loss` is the mini-batch's loss as a number, `learner.results` the
    losses and metrics of the epoch that ended.

    >>> class Shout(Callback):
    ...     def after_epoch(self, learner):
    ...         print(f"epoch {learner.epoch} is done")
    """

    def before_fit(self, learner: Fitting) -> None:
        """Before the first epoch."""

    def before_epoch(self, learner: Fitting) -> None:
        """The model is in training mode; no mini-batch was seen."""

    def before_step(self, learner: Fitting) -> None:
        """Before the mini-batch goes through the model."""

    def after_loss(self, learner: Fitting) -> None:
        """`learner.loss` is known."""

    def after_backward(self, learner: Fitting) -> None:
        """Gradients are known; weights have not moved."""

    def after_step(self, learner: Fitting) -> None:
        """Weights have moved."""

    def after_epoch(self, learner: Fitting) -> None:
        """Training and validation of an epoch are done."""

    def after_cycle(self, learner: Fitting) -> None:
        """The epoch that ended was the last of its cycle; called after `after_epoch`."""

    def after_fit(self, learner: Fitting) -> None:
        """However the fit ended: whole, interrupted or by an error."""

    def after_resume(self, learner: Fitting) -> None:
        """After `before_fit`, where a fit continues from a checkpoint: `load_state` gave back what it had."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: tensors, numbers, text, and lists and dictionaries of them."""
        return {}

    def check_state(self, state: dict[str, Any], learner: Fitting) -> None:
        """Raise an error, of any kind, if `state` did not give this; called before anything is changed by a checkpoint."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""


MOMENTS = tuple(name for name in vars(Callback) if name.startswith(("before_", "after_")))


def checked_callback(callback: Any) -> Callback:
    """The callback that was given; raises a CourseError for a class, or anything else."""
    if isinstance(callback, Callback):
        known = {*MOMENTS, *vars(Callback)}
        for name in dir(callback):
            if name.startswith(("before_", "after_", "on_")) and name not in known and callable(getattr(callback, name)):
                meant = difflib.get_close_matches(name.replace("batch", "step"), MOMENTS, 1, 0.5)
                raise CourseError(
                    f"{type(callback).__name__}.{name} would never be called: the moments of a fit are {', '.join(MOMENTS)}"
                    + (f"; did you mean {meant[0]}?" if meant else "")
                )
        return callback
    if inspect.isclass(callback):
        raise CourseError(f"callbacks holds {shown(callback)}; give an object of it: {callback.__name__}(...)")
    raise CourseError(
        f"callbacks holds {shown(callback)}; give objects of classes that inherit from course_utils.training.Callback"
    )


def _does_nothing(method: Any, moment: str) -> bool:
    return getattr(method, "__func__", None) is getattr(Callback, moment)


class Hooks:
    """The overridden methods of some callbacks, sorted by moment once, so that a moment nobody cares for costs nothing."""

    def __init__(self, callbacks: list[Callback]) -> None:
        for callback in callbacks:  # a user may have put one more into the learner's
            checked_callback(callback)
        self._methods = {
            moment: [method for method in (getattr(c, moment) for c in callbacks) if not _does_nothing(method, moment)]
            for moment in MOMENTS
        }

    def call(self, moment: str, learner: Fitting) -> None:
        """Call the methods for one moment, in the order of the callbacks."""
        for method in self._methods[moment]:
            method(learner)

    @contextmanager
    def around_fit(self, learner: Fitting) -> Iterator[None]:
        """`before_fit` before the block, and `after_fit` however it ends."""
        try:
            self.call("before_fit", learner)
            yield
        finally:
            self.call("after_fit", learner)


class DivergedError(CourseError):
    """The loss is no longer a number."""


class StopAtNaN(Callback):
    """End the fit when the loss is not a number, with the weights as they were before the fit."""

    def before_fit(self, learner: Fitting) -> None:
        """Keep a copy of all weights and running averages."""
        self._kept = [t.detach().clone() for t in _tensors(learner.training_model)]

    def after_loss(self, learner: Fitting) -> None:
        """Raise DivergedError at a loss of NaN or infinity."""
        if math.isfinite(learner.loss):
            return
        with torch.no_grad():
            for tensor, value in zip(_tensors(learner.training_model), self._kept, strict=True):
                tensor.copy_(value)
        rates = [group["lr"] for group in learner.optimizer.param_groups]
        raise DivergedError(
            f"the loss became {learner.loss} in epoch {learner.epoch}, step {learner.step}, at a learning rate of "
            f"{', '.join(f'{rate:.3g}' for rate in rates)}. The weights are back to what they were before this fit. "
            f"Try a rate ten times lower ({rates[-1] / 10:.1g}), look at lr_find().plot(), give the learner clip=1.0, "
            "or look for NaN or infinite values in the data."
        )

    def after_fit(self, learner: Fitting) -> None:
        """Let go of the copy."""
        self._kept = []


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


class ClipGradients(Callback):
    """Scale the gradients down where their norm over all weights is above `max_norm`."""

    def __init__(self, max_norm: float) -> None:
        self.max_norm = positive("clip", max_norm, ", the largest norm that gradients may have together; None lets them be")

    def after_backward(self, learner: Fitting) -> None:
        """Clip before the step."""
        torch.nn.utils.clip_grad_norm_(learner.training_model.parameters(), self.max_norm)


class Recorder(Callback):
    """Keeps the loss and the rates of every step, and the results of every epoch, over all fits of a learner.

    `ends` counts the steps that were done when each epoch ended. `sizes` holds (steps done, side in pixels) for each size of
    pictures that was trained on, in turn; it stays empty where the data are no pictures.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[list[float]] = []
        self.momenta: list[float] = []
        self.epochs: list[dict[str, float]] = []
        self.ends: list[int] = []
        self.sizes: list[tuple[int, int]] = []

    def after_step(self, learner: Fitting) -> None:
        """Note what the step did."""
        groups = learner.optimizer.param_groups
        self.losses.append(learner.loss)
        self.rates.append([group["lr"] for group in groups])
        self.momenta.append(groups[-1].get("momentum", groups[-1].get("betas", (0.0,))[0]))

    def after_epoch(self, learner: Fitting) -> None:
        """Note what the epoch reached."""
        self.epochs.append(learner.results)
        self.ends.append(len(self.losses))

    def plot_loss(self, smooth: float = 0.95) -> Any:
        """Draw the training loss of each step, smoothed by an exponential average; return the axes."""
        average, smoothed = 0.0, []
        for step, loss in enumerate(self.losses, 1):
            average = smooth * average + (1 - smooth) * loss
            smoothed.append(average / (1 - smooth**step))
        return self._plot(smoothed, "training loss (smoothed)")

    def plot_rate(self) -> Any:
        """Draw the learning rate of each step, a line for each layer group that has a rate of its own; return the axes."""
        axes = self._plot([rates[-1] for rates in self.rates], "learning rate")
        if any(rate != rates[-1] for rates in self.rates for rate in rates):
            axes.set_ylabel("learning rate of the last layer group")
        return axes

    def plot_epochs(self) -> Any:
        """Draw training and validation loss after each epoch; where they part, the network overfits. Return the axes."""
        axes = self._plot([epoch["train loss"] for epoch in self.epochs], "loss")
        axes.plot([epoch["valid loss"] for epoch in self.epochs], color=VERMILION, label="valid loss")
        axes.lines[0].set(label="train loss", color=BLUE)
        axes.set_xlabel("epoch")
        axes.legend()
        return axes

    def _plot(self, values: list[float], label: str) -> Any:
        import matplotlib.pyplot as plt

        if not values:
            raise CourseError("nothing is recorded yet; call fit() first")
        axes = plt.subplots(figsize=(6, 3.2))[1]
        axes.plot(values)
        axes.set(xlabel="step (mini-batches)", ylabel=label)
        axes.grid(alpha=0.3)
        return axes


def with_usual(given: Sequence[Callback] | Callback, recorder: Recorder, clip: float | None) -> list[Callback]:
    """The callbacks of every learner, then those that a user gave; raises a CourseError for what is not a callback."""
    clipping = [] if clip is None else [ClipGradients(clip)]
    own = checked_list("callbacks", given, checked_callback)
    if twice := [one for number, one in enumerate(own) if any(one is other for other in own[:number])]:
        raise CourseError(f"callbacks holds {shown(twice[0])} twice, and it would be called twice each time; give it once")
    return [StopAtNaN(), *clipping, recorder, *own]


class Checkpoint(Callback):
    """Saves all that a fit needs to continue, after each cycle; `Learner.resume` reads it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def after_cycle(self, learner: Fitting) -> None:
        """Save, replacing the checkpoint before."""
        learner.save_checkpoint(self.name)


class Progress(Callback):
    """A bar with the loss and the time left, and under it a table of epochs.

    In a notebook the table stays in the saved file as plain HTML and the bar goes; in a terminal each epoch is a line.
    """

    def __init__(self) -> None:
        self.table = EpochTable(total=0, show=False)  # until the fit begins: it may be interrupted before

    def before_fit(self, learner: Fitting) -> None:
        """Show an empty bar for all steps of the fit."""
        steps = learner.steps_per_epoch
        self.table = EpochTable(total=learner.schedule.epochs * steps, done=learner.epochs_done * steps, show=True)

    def after_step(self, learner: Fitting) -> None:
        """Move the bar."""
        self.table.advance(note=f"loss {learner.loss:.4f}")

    def after_epoch(self, learner: Fitting) -> None:
        """Add a row."""
        self.table.add_row({"epoch": learner.epoch, **learner.results})

    def after_fit(self, learner: Fitting) -> None:
        """Leave the table alone."""
        self.table.close()


class EpochLines(Callback):
    """A line for each epoch, where nobody watches a bar: in a file, or for another program to read."""

    def before_fit(self, learner: Fitting) -> None:
        """Begin a table."""
        self.table = EpochTable(total=0, show=False)

    def after_epoch(self, learner: Fitting) -> None:
        """Print the epoch."""
        self.table.add_row({"epoch": learner.epoch, **learner.results})
        with suppress(OSError):  # a reader that has gone, or a full disk, does not end the training
            print(self.table.last(), flush=True)
