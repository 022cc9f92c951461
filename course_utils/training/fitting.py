"""What callbacks, checkpoints and the rate finder see of a Learner, and may call on it."""

from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from course_utils.training.custom_metrics import Metric
from course_utils.training.data import Data
from course_utils.training.distributed import OneProcess
from course_utils.training.layer_groups import LayerGroups
from course_utils.training.losses import Loss
from course_utils.training.precision import Precision
from course_utils.training.schedules import Schedule


class Fitting(Protocol):
    """A learner in the middle of a fit.

    Attributes:
        epoch: the number of this epoch, from 0; `epochs_done` are over.
        step: the number of this step in the epoch, from 0; an epoch has `steps_per_epoch`.
        loss: that of the last mini-batch, as a number.
        rows: how many examples it had.
        results: the losses and metrics of the epoch that ended.
        model: the whole model; `training_model` is the part of it that the fit runs.
        layer_groups: its parts from input to output, of which the first may be frozen.
        optimizer: PyTorch's; each fit has a new one.
        schedule: how the rate moves.
        loss_function: (outputs, targets) -> mean loss.
        metrics: what is computed of the validation set after each epoch.
        precision: in how many bits is computed.
        processes: those that share the work; mostly one.
        path: the folder of weights and checkpoints.
        progress: whether bars and tables are shown.
    """

    epoch: int
    epochs_done: int
    step: int
    steps_per_epoch: int
    loss: float
    rows: int
    results: dict[str, float]
    layer_groups: LayerGroups
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    loss_function: Loss
    metrics: list[Metric]
    precision: Precision
    processes: OneProcess
    progress: bool
    path: Path

    @property
    def data(self) -> Data:
        """What it learns from."""

    @property
    def model(self) -> nn.Module:
        """The whole model."""

    @property
    def training_model(self) -> nn.Module:
        """The part of the model that the fit runs."""

    def stop(self, why: str) -> None:
        """End the fit after this epoch, and print why."""

    def say(self, words: str) -> None:
        """Print a line, once where several processes work."""

    def save(self, name: str) -> Path:
        """Write the weights."""

    def save_checkpoint(self, name: str) -> Path:
        """Write all that the fit needs to continue."""
