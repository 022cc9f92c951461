"""The Learner: data, a model, and the loop that fits one to the other.

Read `fit`, `run`, `_fit_epoch` and `train_step` in this order: that is all of training. Callbacks come in at `self.hooks`; how
many bits are computed in (`self.precision`) and in how many processes (`self.processes`) may be skipped at first.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training import checkpoints, schedules, storage
from course_utils.training.arguments import checked_list, checked_loss, checked_metric, checked_model, flag
from course_utils.training.callbacks import Callback, Checkpoint, Hooks, Progress, Recorder, with_usual
from course_utils.training.custom_metrics import Metric, compute, named
from course_utils.training.data import Data, checked_data
from course_utils.training.distributed import processes
from course_utils.training.interrupting import stoppable
from course_utils.training.layer_groups import LayerGroups, Rates
from course_utils.training.loaders import Loader, WithoutSingle
from course_utils.training.losses import LOSSES, Loss, mean_loss
from course_utils.training.memory import explained
from course_utils.training.new_data import refuse_other_meaning
from course_utils.training.one_thread import one_thread_at_a_time
from course_utils.training.optimizers import SGD, made_optimizer
from course_utils.training.precision import Precision
from course_utils.training.predictions import Predictions, outputs_and_targets, predict_with_augmentation
from course_utils.training.progress import Bar, can_be_seen
from course_utils.training.rate_finder import find_learning_rate
from course_utils.training.saving import Saving
from course_utils.training.schedules import Fit
from course_utils.training.shapes import outputs_of
from course_utils.training.summary import summarise
from course_utils.training.tasks import Split, activated_twice, checked_split
from course_utils.work import models_folder


class Learner(Saving):
    """Fits a model to data.

    Args:
        data: training and validation set, as mini-batches; see `Data`.
        model: maps a mini-batch to raw outputs (logits), (N, classes) for a classifier.
        loss: (outputs, targets) -> mean loss; by default the one for `data.task`. Tensors that it brings along, such as
            `nn.CrossEntropyLoss(weight=class_weights(data))`, follow the outputs to their device.
        metrics: functions of (values, targets) that give a number, called after each epoch over the whole validation set; they
            may be written for tensors or for NumPy arrays.
        layer_groups: the model cut from its input to its output into parts that get a rate each, and freeze together; by
            default one group.
        optimizer: makes a PyTorch optimiser from parameter groups; by default SGD with momentum 0.9. Each fit starts a new one.
        callbacks: more of what happens around each step.
        clip: the largest norm that gradients may have together; None lets them be.
        mixed_precision: compute in 16 bits where that is safe; by default on NVIDIA GPUs, but not for a regression.
        channels_last: keep images in memory with the channels of a pixel side by side; by default where convolutions are
            faster so.
        progress: show bars and tables; by default in notebooks and terminals.
        path: the folder for weights and checkpoints; by default `models` in the work folder of the data (see
            `course_utils.work`).

    >>> from course_utils.training import Data, accuracy, set_seed
    >>> set_seed(0)
    >>> x = torch.randn(500, 2); y = (x[:, 0] > x[:, 1]).long()
    >>> data = Data.from_tensors(train=(x[:400], y[:400]), valid=(x[400:], y[400:]))
    >>> learner = Learner(data, torch.nn.Linear(2, 2), metrics=[accuracy], progress=False)
    >>> learner.fit(0.5, 3)
    >>> learner.validate()["accuracy"] > 0.95
    True
    """

    def __init__(
        self,
        data: Data,
        model: nn.Module,
        loss: Loss | None = None,
        metrics: Sequence[Metric] | Metric = (),
        layer_groups: Sequence[nn.Module | Sequence[nn.Module]] | None = None,
        optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer] = SGD,
        callbacks: Sequence[Callback] | Callback = (),
        clip: float | None = None,
        mixed_precision: bool | None = None,
        channels_last: bool | None = None,
        progress: bool | None = None,
        path: str | Path | None = None,
    ) -> None:
        self.data = checked_data(data)
        self.model = checked_model(model).to(data.device)
        self.loss_function = LOSSES[data.task] if loss is None else checked_loss(loss)
        self.metrics = checked_list("metrics", metrics, checked_metric)
        self.layer_groups = LayerGroups([model] if layer_groups is None else layer_groups, model)
        self.make_optimizer = optimizer
        self.optimizer = made_optimizer(optimizer, [{"params": list(model.parameters())}])
        self.recorder = Recorder()
        self.callbacks = with_usual(callbacks, self.recorder, clip)
        self.precision = Precision(model, data.device, data.task, mixed_precision, channels_last)
        self.progress = can_be_seen() if progress is None else flag("progress", progress)
        self.path = models_folder(data.path) if path is None else as_path("path", path, "a folder")
        self.processes = processes()  # this one alone, or those that torchrun started
        self.processes.same_weights(model)

        self.epoch = self.step = self.epochs_done = self.rows = self.steps_per_epoch = 0
        self.loss, self.results = float("nan"), dict[str, float]()
        self.fitting: Fit | None = None  # what the last fit was asked for
        self.stopped = ""  # why the fit ends with this epoch
        self.hooks = Hooks(self.callbacks)
        if line := activated_twice(data.task, model):
            self.say(line)

    # -- fitting ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        lr: Rates,
        cycles: int,
        cycle_len: int | None = None,
        cycle_mult: int = 1,
        weight_decay: float | None = None,
        checkpoint: str | None = None,
    ) -> None:
        """Train for some cycles.

        Without `cycle_len` that is `cycles` epochs at a constant rate. With it, the rate falls along half a cosine over
        `cycle_len` epochs and restarts, each cycle `cycle_mult` times as long as the one before.

        Args:
            lr: the learning rate, or a list or array of one per layer group, first layers first.
            cycles: how many cycles.
            cycle_len: epochs in the first cycle.
            cycle_mult: how many times longer each next cycle is.
            weight_decay: how strongly weights are pulled to zero; None leaves what the optimiser was given.
            checkpoint: a name; all that is needed to continue is saved under it after each cycle, see `resume`.

        A model with batch norm learns nothing from a last mini-batch of one example: it is left out of each epoch.

        Raises:
            StorageError: the folder for the checkpoint cannot be written to; nothing was trained.
            OutOfMemory: the message says what to make smaller.
            DivergedError: the loss is no longer a number; the weights are then as they were before.

        Ctrl-C ends the fit at once and keeps what was learnt; also while activations are precomputed or while validating.
        """
        self.run(Fit(schedules.of_fit(cycles, cycle_len, cycle_mult), self.layer_groups.rates(lr), weight_decay), checkpoint)

    def fit_one_cycle(self, lr: Rates, epochs: int, weight_decay: float | None = None, checkpoint: str | None = None) -> None:
        """Train for one long cycle in which the rate first rises to `lr`, then falls; see `schedules.one_cycle`."""
        self.run(Fit(schedules.one_cycle(epochs), self.layer_groups.rates(lr), weight_decay), checkpoint)

    @one_thread_at_a_time
    def run(self, fit: Fit, checkpoint: str | None = None, resumed: dict[str, Any] | None = None) -> None:
        """Run the fit that `fit`, `fit_one_cycle` or `resume` ask for, from its beginning or from a checkpoint."""
        of_this_fit: list[Callback] = [Progress()] if self.progress else []
        if checkpoint is not None:
            storage.check_writable(storage.file_in(self.path, checkpoint, storage.CHECKPOINT))
            of_this_fit.append(Checkpoint(checkpoint))
        self.schedule, self.stopped = fit.schedule, ""
        self.epochs_done = self.step = self.steps_per_epoch = 0
        try:
            with stoppable(self):
                with explained(self.data, "preparing the mini-batches"):
                    self.start_training(fit.lr, fit.weight_decay)
                self.fitting, self.hooks = fit, Hooks([*self.callbacks, *of_this_fit])
                if resumed:
                    checkpoints.restore_fit(self, resumed)
                within = explained(self.data, "training")  # twice: after_fit finds free memory, and may itself run out of it
                with explained(self.data, "training"), self.hooks.around_fit(self), within:
                    if resumed:
                        checkpoints.restore_callbacks(self, resumed)
                    while self.epochs_done < fit.schedule.epochs and not self.stopped:
                        self._fit_epoch(self.epochs_done)
                    if self.stopped:
                        self.say(self.stopped)
        finally:
            self.model.eval()

    def _fit_epoch(self, epoch: int) -> None:
        self.epoch, self.step = epoch, 0
        self.layer_groups.training_mode(self.training_model)
        self.hooks.call("before_epoch", self)
        total, seen = 0.0, 0
        for x, y in self.training_batches():
            self.schedule.set_rates(self.optimizer, epoch + self.step / self.steps_per_epoch)
            self.hooks.call("before_step", self)
            total += self.train_step(x, y) * self.rows
            seen += self.rows
            self.step += 1
        self.results = {"train loss": total / max(seen, 1), **self.validate()}
        self.epochs_done = epoch + 1
        self.hooks.call("after_epoch", self)
        if self.schedule.ends_cycle(epoch):
            self.hooks.call("after_cycle", self)

    def train_step(self, x: Any, y: Tensor) -> float:
        """One step of gradient descent on a mini-batch; returns its loss."""
        self.optimizer.zero_grad()
        with self.precision.autocast():
            outputs = outputs_of(self.training_model, self.precision.inputs(x), self.processes.parallel(self.training_model))
            loss = mean_loss(self.loss_function, self.data.checked_outputs(outputs), y)
        loss, self.loss, self.rows = self.processes.mean_loss(loss, len(y))
        self.hooks.call("after_loss", self)
        self.precision.backward(loss, self.optimizer)
        self.hooks.call("after_backward", self)
        self.precision.step(self.optimizer)
        self.hooks.call("after_step", self)
        return self.loss

    def start_training(self, lr: Rates, weight_decay: float | None = None) -> None:
        """Make a new optimiser with a parameter group for each layer group that is not frozen, and enter training mode."""
        groups = self.layer_groups.for_optimizer(self.model, lr, weight_decay)
        self.optimizer = made_optimizer(self.make_optimizer, groups)
        self.hooks = Hooks(self.callbacks)
        self.steps_per_epoch = len(self.training_batches())
        self.layer_groups.training_mode(self.training_model)

    def training_batches(self) -> Loader:
        """One pass over the training set: shuffled, augmented mini-batches, of which each process gets its rows."""
        batches = self.loader("train", augment=True, shuffle=True)
        if self.layer_groups.learn_statistics(self.training_model):
            batches = WithoutSingle(batches, len(self.data.train_ds), self.data.batch_size)
        shared: Loader = self.processes.share(batches, training=True)
        return shared

    def stop(self, why: str) -> None:
        """End the fit after this epoch; for callbacks. `why` is printed."""
        self.stopped = why

    lr_find = find_learning_rate

    save_checkpoint = checkpoints.save_checkpoint

    resume = checkpoints.resume

    # -- what is trained -------------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Train the last layer group alone."""
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        """Train every layer group."""
        self.freeze_to(0)

    def freeze_to(self, n: int) -> None:
        """Freeze the layer groups before the nth, counted from the end if negative; batch norms in them are frozen too."""
        self.layer_groups.freeze_to(n)

    def bn_freeze(self, frozen: bool = True) -> None:
        """Keep the running averages of every batch norm as they are, in layers that train too (lecture 0:18:25)."""
        self.layer_groups.batch_norms_frozen = flag("frozen", frozen)

    @property
    def training_model(self) -> nn.Module:
        """The part of the model that a fit runs: all of it, unless a subclass has the outputs of the rest at hand."""
        return self.model

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> Loader:
        """The mini-batches that `training_model` takes."""
        return self.data.loader(split, augment, shuffle)

    def set_data(self, data: Data) -> None:
        """Go on with other data of the same task and classes, as with larger images; the model stays (lecture 1:35:40).

        Raises a CourseError where the inputs or outputs of the model would mean something else: another task, other classes or
        the same in another order, other statistics that inputs are scaled by, another target.
        """
        refuse_other_meaning(checked_data(data), self.data)
        self.data = data.to(self.data.device)

    # -- what the model says ---------------------------------------------------------------------------------------------

    def validate(self) -> dict[str, float]:
        """The loss and the metrics over the whole validation set."""
        outputs, targets = outputs_and_targets(self, self.loader("valid"))
        if targets is None:
            raise CourseError("the validation set has no targets to compare with")
        values = self.data.activation(outputs)
        if self.data.task == "regression" and values.numel() == targets.numel():
            values = values.view_as(targets)  # (N, 1) minus (N,) would be (N, N)
        results = {"valid loss": mean_loss(self.loss_function, outputs, targets).item()}
        return results | {name: compute(metric, values, targets) for name, metric in named(self.metrics).items()}

    def predict(self, split: Split = "valid") -> Predictions:
        """Predictions for one split, in the order of its files or rows."""
        checked_split(split)
        bar = Bar(self.loader(split), description="predicting", show=self.progress)
        outputs, targets = outputs_and_targets(self, bar)
        return Predictions(self.data.activation(outputs), targets, self.data.items(split), self.data.classes)

    tta = predict_with_augmentation

    summary = summarise

    def __repr__(self) -> str:
        parts = f"{type(self.model).__name__} in {counted(len(self.layer_groups), 'layer group')}"
        frozen = f", the first {self.layer_groups.first_trainable} frozen" if self.layer_groups.first_trainable else ""
        return f"{type(self).__name__}({self.data!r}, {parts}{frozen}, on {self.data.device})"
