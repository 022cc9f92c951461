"""The Learner: data, a model, and the loop that fits one to the other."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training import checkpoints, schedules, storage
from course_utils.training.arguments import (
    Rates,
    checked_groups,
    checked_list,
    checked_loss,
    checked_metric,
    checked_model,
    checked_path,
    made_optimizer,
    not_negative,
    one_of,
    rates_for,
    shown,
    whole,
)
from course_utils.training.callbacks import (
    Callback,
    Checkpoint,
    ClipGradients,
    Hooks,
    Progress,
    Recorder,
    StopAtNaN,
    checked_callback,
)
from course_utils.training.data import Data, Loader, Split, WithoutSingle
from course_utils.training.devices import restore_random_state
from course_utils.training.distributed import processes, rank
from course_utils.training.evaluation import Metric, compute, named
from course_utils.training.losses import LOSSES, Loss, mean_loss
from course_utils.training.meaning import layers_of, options_of
from course_utils.training.memory import explained
from course_utils.training.progress import Bar, can_be_seen
from course_utils.training.schedules import LearningRateSearch, Schedule
from course_utils.training.shapes import said_in_shapes
from course_utils.work import find_saved, models_folder

LayerGroup = nn.Module | Sequence[nn.Module]

SGD = partial(torch.optim.SGD, momentum=0.9)
BATCH_NORMS = nn.modules.batchnorm._BatchNorm  # of any number of dimensions, and those that other libraries derive from it


@dataclass
class Predictions:
    """What a model says of a set, in the order of its files or rows.

    Attributes:
        values: (N, classes) probabilities for a classifier, (N, ...) numbers on the target's own scale for a regression.
        targets: the right answers, (N,) or (N, classes); None for a test set.
        items: what each example is called.
        classes: the names of the columns of `values`; None for a regression.
    """

    values: Tensor
    targets: Tensor | None
    items: Sequence[str]
    classes: Sequence[str] | None = None

    @property
    def probabilities(self) -> Tensor:
        """The values of a classifier, (N, classes)."""
        return self.values

    @property
    def log_probabilities(self) -> Tensor:
        """Their natural logarithms, as the lecture's library gave them (0:35:48); no lower than the smallest float's."""
        return self.values.clamp_min(torch.finfo(self.values.dtype).tiny).log()

    def __len__(self) -> int:
        return len(self.values)


class Learner:
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
        mixed_precision: compute in 16 bits where that is safe; by default on NVIDIA GPUs.
        channels_last: keep images in the memory order that convolutions are fastest in; by default where the model has any.
        progress: show bars and tables; by default in notebooks and terminals.
        path: the folder for weights and checkpoints; by default `models` in the work folder of the data (see
            `course_utils.work`).

    >>> from course_utils.training import Data, accuracy, set_seed
    >>> set_seed(0)
    >>> x = torch.randn(500, 2); y = (x[:, 0] > x[:, 1]).long()
    >>> data = Data.from_tensors(train=(x[:400], y[:400]), valid=(x[400:], y[400:]))
    >>> learner = Learner(data, nn.Linear(2, 2), metrics=[accuracy], progress=False)
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
        layer_groups: Sequence[LayerGroup] | None = None,
        optimizer: Callable[[list[dict[str, Any]]], torch.optim.Optimizer] = SGD,
        callbacks: Sequence[Callback] | Callback = (),
        clip: float | None = None,
        mixed_precision: bool | None = None,
        channels_last: bool | None = None,
        progress: bool | None = None,
        path: str | Path | None = None,
    ) -> None:
        if not isinstance(data, Data):
            raise CourseError(f"data is {shown(data)}; give a Data, such as Data.from_tensors(train=(x, y), valid=(x, y))")
        self.data, self.model = data, checked_model(model).to(data.device)
        self.metrics = checked_list("metrics", metrics, checked_metric)
        self.processes = processes()  # this one alone, or those that torchrun started
        self.processes.same_weights(model)
        self.loss_function = LOSSES[data.task] if loss is None else checked_loss(loss)
        self.layer_groups = self._checked_groups(layer_groups)
        self.make_optimizer = optimizer
        self.optimizer = made_optimizer(optimizer, [{"params": list(model.parameters())}])
        self.recorder = Recorder()
        clipping = [] if clip is None else [ClipGradients(clip)]
        own = checked_list("callbacks", callbacks, checked_callback)
        self.callbacks: list[Callback] = [StopAtNaN(), *clipping, self.recorder, *own]
        self.progress = can_be_seen() if progress is None else progress
        self.path = models_folder(data.path) if path is None else checked_path("path", path)

        on_gpu = data.device.type == "cuda"
        self.mixed_precision = on_gpu if mixed_precision is None else mixed_precision
        self._dtype = torch.bfloat16 if not on_gpu or torch.cuda.is_bf16_supported() else torch.float16
        self._scaler = torch.amp.GradScaler(data.device.type, enabled=self.mixed_precision and self._dtype == torch.float16)
        self.channels_last = _has_convolution(model) if channels_last is None else channels_last
        if self.channels_last:
            self.model.to(memory_format=torch.channels_last)

        self.first_trainable = 0  # the layer group from which on weights move
        self.bn_frozen = False
        self.epoch = self.step = self.epochs_done = self.rows = 0
        self.loss, self.results = float("nan"), dict[str, float]()
        self.fitting: dict[str, Any] = {}  # the schedule, rates and weight decay of the fit, for its checkpoints
        self.stopped = ""  # why the fit ends with this epoch

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
            checkpoint: a name; all that is needed to go on is saved under it after each cycle, see `resume`.

        A model with batch norm learns nothing from a last mini-batch of one example: it is left out of each epoch.

        Raises:
            StorageError: the folder for the checkpoint cannot be written to; nothing was trained.
            OutOfMemory: the message says what to make smaller.
            DivergedError: the loss is no longer a number; the weights are then as they were before.

        Ctrl-C ends the fit at once and keeps what was learnt; also while activations are precomputed or while validating.
        """
        cosine = cycle_len is not None
        schedule = schedules.cosine_restarts(cycles, cycle_len or 0, cycle_mult) if cosine else schedules.constant(cycles)
        self._fit(schedule, lr, weight_decay, checkpoint)

    def fit_one_cycle(self, lr: Rates, epochs: int, weight_decay: float | None = None, checkpoint: str | None = None) -> None:
        """Train for one long cycle in which the rate first rises to `lr`, then falls; see `schedules.one_cycle`."""
        self._fit(schedules.one_cycle(epochs), lr, weight_decay, checkpoint)

    def resume(self, checkpoint: str) -> None:
        """Go on with the fit that saved this checkpoint, as if it had never stopped: on the processor equal to the last bit.

        The learner must have been made as it was then: the same data, model, and options. A checkpoint that does not fit (other
        classes, layers, statistics, optimiser, callbacks) raises a StorageError that says what differs, and changes nothing.
        """
        state = checkpoints.read(self, find_saved(self._file(checkpoint, ".checkpoint"), self.data.path))
        self.model.load_state_dict(state["model"])
        self.freeze_to(state["first_trainable"])
        self.bn_freeze(state["bn_frozen"])
        saved = state["fit"]
        self._fit(schedules.again(saved["plan"]), saved["lr"], saved["weight_decay"], checkpoint, state)

    def stop(self, why: str) -> None:
        """End the fit after this epoch; for callbacks. `why` is printed."""
        self.stopped = why

    def say(self, words: str) -> None:
        """Print a line; of several processes one does."""
        if rank() == 0:
            print(words)

    def _fit(
        self,
        schedule: Schedule,
        lr: Rates,
        weight_decay: float | None,
        checkpoint: str | None,
        resumed: dict[str, Any] | None = None,
    ) -> None:
        self.schedule = schedule
        if checkpoint is not None:
            storage.check_writable(self._file(checkpoint, ".checkpoint"))
        try:
            with explained(self.data, "preparing the mini-batches"):
                self.start_training(lr, weight_decay)
        except KeyboardInterrupt:  # preparing the mini-batches may take a while: pictures through a frozen network
            self.model.eval()
            if self.processes.several:
                raise
            print("Stopped by you before the first step; the weights are as they were.")
            return
        self.fitting = {"plan": list(schedule.made_by), "lr": self._rates(lr), "weight_decay": weight_decay}
        self.epochs_done, self.step, self.stopped = 0, 0, ""
        if resumed:
            self.optimizer.load_state_dict(resumed["optimizer"])
            self.epochs_done = resumed["epochs_done"]
            self.recorder.__dict__.update(resumed["recorder"])
            restore_random_state(resumed["random"])
        extra = [] if checkpoint is None else [Checkpoint(checkpoint)]
        self._hooks = Hooks([*self.callbacks, *([Progress()] if self.progress else []), *extra])
        try:
            self._hooks.call("before_fit", self)
            if resumed:
                checkpoints.restore_callbacks(self, resumed)
            with explained(self.data, "training"):
                while self.epochs_done < schedule.epochs and not self.stopped:
                    self._fit_epoch(self.epochs_done)
            if self.stopped:
                self.say(self.stopped)
        except KeyboardInterrupt:
            if self.processes.several:  # each was stopped somewhere else, so none can go on
                raise
            done = f"{self.step} of {self.steps_per_epoch} steps"
            if self.step == self.steps_per_epoch and self.epochs_done == self.epoch:
                done += ", while validating"
            print(f"Stopped by you in epoch {self.epoch}, after {done}; what was learnt is kept.")
        finally:
            self._hooks.call("after_fit", self)
            self.model.eval()

    def _fit_epoch(self, epoch: int) -> None:
        self.epoch, self.step = epoch, 0
        self.set_training_mode()
        self._hooks.call("before_epoch", self)
        total, seen = 0.0, 0
        for x, y in self.training_batches():
            self._set_rates(self.schedule, epoch + self.step / self.steps_per_epoch)
            self._hooks.call("before_step", self)
            total += self.train_step(x, y) * self.rows
            seen += self.rows
            self.step += 1
        self.results = {"train loss": total / max(seen, 1), **self.validate()}
        self.epochs_done = epoch + 1
        self._hooks.call("after_epoch", self)
        if self.schedule.ends_cycle(epoch):
            self._hooks.call("after_cycle", self)

    def train_step(self, x: Any, y: Tensor) -> float:
        """One step of gradient descent on a mini-batch; returns its loss."""
        self.optimizer.zero_grad()
        with self._precision():
            outputs = self._forward(x, self.processes.parallel(self.training_model))
            loss = mean_loss(self.loss_function, self.data.checked_outputs(outputs), y)
        loss, self.loss, self.rows = self.processes.mean_loss(loss, len(y))
        self._hooks.call("after_loss", self)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self.optimizer)
        self._hooks.call("after_backward", self)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self._hooks.call("after_step", self)
        return self.loss

    def start_training(self, lr: Rates, weight_decay: float | None = None) -> None:
        """Make a new optimiser with a parameter group for each layer group that is not frozen, and enter training mode."""
        groups: list[dict[str, Any]] = []
        decay = {} if weight_decay is None else {"weight_decay": not_negative("weight_decay", weight_decay)}
        for rate, modules in zip(self._rates(lr), self.layer_groups, strict=True):
            weights = [p for module in modules for p in module.parameters() if p.requires_grad]
            if weights:
                groups.append({"params": weights, "lr": rate, "full_lr": rate, **decay})
        if not groups:
            raise CourseError("every layer is frozen, so there is nothing to train; call unfreeze() or freeze_to(-1)")
        if decay and "weight_decay" not in self.optimizer.defaults:
            raise CourseError(f"{type(self.optimizer).__name__} knows no weight decay; leave weight_decay out, or take another")
        self.optimizer = made_optimizer(self.make_optimizer, groups)
        self._hooks = Hooks(self.callbacks)
        self.steps_per_epoch = len(self.training_batches())
        self.set_training_mode()

    def training_batches(self) -> Loader:
        """One pass over the training set: shuffled, augmented mini-batches, of which each process gets its rows."""
        batches = self.loader("train", augment=True, shuffle=True)
        still = {id(module) for module in self._still()}
        if any(isinstance(m, BATCH_NORMS) and id(m) not in still for m in self.training_model.modules()):
            batches = WithoutSingle(batches, len(self.data.train_ds), self.data.batch_size)
        shared: Loader = self.processes.share(batches, training=True)
        return shared

    def _set_rates(self, schedule: Schedule, epochs_done: float) -> None:
        position = schedule.position(epochs_done)
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_lr"] * schedule.rate(position)
            if schedule.momentum and "momentum" in group:
                group["momentum"] = schedule.momentum(position)
            elif schedule.momentum and "betas" in group:
                group["betas"] = (schedule.momentum(position), group["betas"][1])

    def _rates(self, lr: Rates) -> list[float]:
        """One full rate for each layer group."""
        return rates_for(lr, len(self.layer_groups))

    @property
    def steps_in_fit(self) -> int:
        """Mini-batches in the whole fit."""
        return self.schedule.epochs * self.steps_per_epoch

    @property
    def steps_done(self) -> int:
        """Mini-batches in the epochs that are done."""
        return self.epochs_done * self.steps_per_epoch

    def lr_find(
        self, start: float = 1e-5, stop: float = 10.0, steps: int = 100, weight_decay: float | None = None
    ) -> LearningRateSearch:
        """Try growing learning rates, then put everything back to the bit; see `schedules.find_learning_rate`."""
        return schedules.find_learning_rate(self, start, stop, steps, weight_decay)

    # -- what is trained -------------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Train the last layer group alone."""
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        """Train every layer group."""
        self.freeze_to(0)

    def freeze_to(self, n: int) -> None:
        """Freeze the layer groups before the nth, counted from the end if negative; batch norms in them stand still too."""
        n, groups = whole("n", n, least=None, of=", the number of a layer group"), len(self.layer_groups)
        if not -groups <= n < groups:
            raise CourseError(f"freeze_to({n}): this model has {groups} layer groups, so n is {-groups} to {groups - 1}")
        self.first_trainable = n % groups
        for number, modules in enumerate(self.layer_groups):
            for module in modules:
                module.requires_grad_(number >= self.first_trainable)
                if number < self.first_trainable:
                    module.zero_grad()  # whose memory is free again

    def bn_freeze(self, frozen: bool = True) -> None:
        """Keep the running averages of every batch norm as they are, in layers that train too (lecture 0:18:25)."""
        self.bn_frozen = frozen

    def set_training_mode(self) -> None:
        """Training mode, but for the batch norms that stand still: those of frozen layer groups, and all after `bn_freeze`."""
        self.training_model.train()
        for module in self._still():
            if isinstance(module, BATCH_NORMS):
                module.eval()

    def _still(self) -> list[nn.Module]:
        """The modules of layer groups whose batch norms stand still."""
        still = self.layer_groups if self.bn_frozen else self.layer_groups[: self.first_trainable]
        return [m for modules in still for part in modules for m in part.modules()]

    def set_data(self, data: Data) -> None:
        """Go on with other data of the same task and classes, as with larger images; the model stays (lecture 1:35:40).

        Raises a CourseError where the outputs of the model would mean something else: another task, other classes, or the same
        in another order.
        """
        if data.task != self.data.task:
            raise CourseError(
                f"the new data is {data.task}, but this learner's loss and metrics are for {self.data.task}; make a new "
                "learner, or the data with the same task"
            )
        if data.classes != self.data.classes:
            raise CourseError(
                f"the new data has other classes than this learner's model: {_difference(data.classes, self.data.classes)}. "
                "Make the data with the same labels, or a new learner."
            )
        self.data = data.to(self.data.device)

    # -- what the model says ---------------------------------------------------------------------------------------------

    def validate(self) -> dict[str, float]:
        """The loss and the metrics over the whole validation set."""
        outputs, targets = self._outputs(self.loader("valid"))
        if targets is None:
            raise CourseError("the validation set has no targets to compare with")
        values = self.data.activation(outputs)
        if self.data.task == "regression" and values.numel() == targets.numel():
            values = values.view_as(targets)  # (N, 1) minus (N,) would be (N, N)
        results = {"valid loss": mean_loss(self.loss_function, outputs, targets).item()}
        return results | {name: compute(metric, values, targets) for name, metric in named(self.metrics).items()}

    def predict(self, split: Split = "valid") -> Predictions:
        """Predictions for one split, in the order of its files or rows."""
        one_of("split", split, get_args(Split))
        bar = Bar(self.loader(split), description="predicting", show=self.progress)
        outputs, targets = self._outputs(bar)
        return Predictions(self.data.activation(outputs), targets, self.data.items(split), self.data.classes)

    def tta(self, split: Split = "valid", n: int = 4) -> Predictions:
        """Test-time augmentation: the mean of the predictions for each plain example and for `n` augmented views of it."""
        if not self.data.augments:
            raise CourseError(
                f"tta() averages over augmented views, but this {type(self.data).__name__} augments nothing; use predict()"
            )
        one_of("split", split, get_args(Split))
        n = whole("n", n, least=None, of=" of augmented views")
        if n < 1:
            raise CourseError(f"tta() was asked for {n} augmented views; ask for 1 or more")
        loaders = [self.data.loader(split, augment=view > 0) for view in range(n + 1)]
        views = []
        bar: Bar[None] = Bar(total=sum(map(len, loaders)), description="predicting with augmentation", show=self.progress)
        with bar:
            for loader in loaders:
                outputs, targets = self._outputs(loader, self.model, bar)
                views.append(self.data.activation(outputs))
        return Predictions(torch.stack(views).mean(0), targets, self.data.items(split), self.data.classes)

    @torch.no_grad()
    def _outputs(
        self, loader: Iterable[tuple[Any, Any]], model: nn.Module | None = None, bar: Bar[None] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Raw outputs and targets of all mini-batches, on the processor; the same in every process."""
        model = model or self.training_model
        model.eval()
        outputs, targets = [], []
        with explained(self.data, "predicting"):
            for x, y in self.processes.share(loader):
                with self._precision():
                    outputs.append(self._forward(x, model).float().cpu())
                if y is not None:
                    targets.append(y.cpu())
                if bar:
                    bar.advance()
        outputs, targets = self.processes.gather(outputs), self.processes.gather(targets)
        if not outputs:
            raise CourseError("there is nothing to predict: the set has no examples")
        return torch.cat(outputs), torch.cat(targets) if targets else None

    def _forward(self, x: Any, model: Callable[..., Tensor] | None = None) -> Tensor:
        """Outputs for a mini-batch: a tensor, or a tuple of the model's several inputs, in the model's precision."""
        precision = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), torch.float32)
        parts = x if isinstance(x, tuple | list) else (x,)
        inputs = [part.to(self.data.device, precision if part.is_floating_point() else None) for part in parts]
        if self.channels_last:
            inputs = [part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part for part in inputs]
        with said_in_shapes(self.model, x):
            outputs: Tensor = (model or self.training_model)(*inputs)
        if not isinstance(outputs, Tensor):
            raise CourseError(
                f"the model gave a {type(outputs).__name__}; a learner takes one tensor, the raw outputs (N, ...). Give it a "
                "model that returns that part alone, such as a module whose forward is `return self.network(x)[0]`."
            )
        return outputs

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.data.device.type, self._dtype) if self.mixed_precision else nullcontext()

    @property
    def training_model(self) -> nn.Module:
        """The part of the model that a fit runs: all of it, unless a subclass has the outputs of the rest at hand."""
        return self.model

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> Loader:
        """The mini-batches that `training_model` takes."""
        return self.data.loader(split, augment, shuffle)

    def summary(self, depth: int = 4) -> Any:
        """A table of the layers, down to `depth`: the shapes that come out, with -1 for the batch, and counts of weights."""
        from torchinfo import summary

        x, _ = next(iter(self.data.loader("valid")))
        parts = x if isinstance(x, tuple | list) else (x,)
        inputs = [part[:1].clone().to(self.data.device) for part in parts]  # a view would count as the whole mini-batch
        columns = ("output_size", "num_params", "trainable")
        table = summary(self.model, input_data=inputs, mode="eval", col_names=columns, col_width=18, depth=depth, verbose=0)
        for layer in table.summary_list:
            if layer.output_size and isinstance(layer.output_size[0], int):
                layer.output_size[0] = -1
        return table

    # -- on disk ---------------------------------------------------------------------------------------------------------

    def save(self, name: str) -> Path:
        """Write the weights to `path/name.safetensors` and return that path; folders that are missing are made."""
        return storage.save_weights(self.model, self._file(name, ".safetensors"), self._about())

    def load(self, name: str) -> None:
        """Read the weights that `save(name)` wrote.

        Raises a StorageError that says what differs if they are of another architecture, or mean something else here: other
        classes or another order of them, another task, other statistics of the inputs. The model is then as it was.
        """
        file = find_saved(self._file(name, ".safetensors"), self.data.path)
        storage.load_weights(self.model, file, self.meaning(), self.load_advice)

    load_advice = ""  # what to do where weights mean something else

    def export(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write one file that predicts where there is neither the data nor Jupyter; `course_utils.load_predictor` reads it.

        It holds the weights and what belongs to them, of pictures (classes, size, normalisation) or of tables (categories,
        scales), and nothing that could run. `path` is relative to the current folder, and gets the suffix `.course` where it
        has none; folders on the way to it that are missing are made.

        Args:
            path: the file to write; one that is there is replaced.
            options: `threshold`, of pictures with several labels: a number or one per class, by default 0.2.

        Raises:
            CourseError: there is no predictor for data of this kind (`Data.from_tensors`).
            FileError: the system does not let it be written.
        """
        return self.data.export(self, path, **options)

    def meaning(self) -> dict[str, Any]:
        """What the model's numbers stand for: those of the data (see `Data.meaning`), and the kinds of its layers."""
        return {**self.data.meaning(), "layers": layers_of(self.model), "options": options_of(self.model)}

    def _about(self) -> dict[str, str]:
        return {"model": type(self.model).__name__, "meaning": json.dumps(self.meaning())}

    def save_checkpoint(self, name: str) -> Path:
        """Write all that a fit needs to go on: weights, optimiser, schedule, random state, history."""
        checkpoints.refuse_before_a_fit(self)
        return storage.save_checkpoint(checkpoints.taken_from(self), self._file(name, ".checkpoint"))

    def _file(self, name: str, suffix: str) -> Path:
        return self.path / f"{storage.checked_name(name).removesuffix(suffix)}{suffix}"

    def __repr__(self) -> str:
        parts = f"{type(self.model).__name__} in {counted(len(self.layer_groups), 'layer group')}"
        frozen = f", the first {self.first_trainable} frozen" if self.first_trainable else ""
        return f"{type(self).__name__}({self.data!r}, {parts}{frozen}, on {self.data.device})"

    def _checked_groups(self, layer_groups: Sequence[LayerGroup] | None) -> list[tuple[nn.Module, ...]]:
        groups = checked_groups([self.model] if layer_groups is None else layer_groups)
        grouped = [id(p) for modules in groups for module in modules for p in module.parameters()]
        left_out = [name for name, p in self.model.named_parameters() if id(p) not in grouped]
        if left_out:
            raise CourseError(
                f"layer_groups leave out {len(left_out)} weights of the model, first {left_out[0]}; every layer belongs in one"
            )
        if len(set(grouped)) != len(grouped):
            raise CourseError("a layer stands in two layer_groups; each belongs in one")
        return groups


def _has_convolution(model: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) for module in model.modules())


def _difference(new: Sequence[str] | None, old: Sequence[str] | None) -> str:
    """What is different about the new classes, in a few words."""
    if new is None or old is None:
        return f"{'none' if new is None else len(new)} instead of {'none' if old is None else len(old)}"
    extra, missing = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    if not extra and not missing and len(new) == len(old):
        at = next(i for i, (a, b) in enumerate(zip(new, old, strict=True)) if a != b)
        return f"the same in another order (number {at} is {new[at]!r}, was {old[at]!r})"
    parts = [
        f"{what} {len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("it adds", extra), ("it lacks", missing))
        if names
    ]
    return f"{len(new)} instead of {len(old)}: {' and '.join(parts)}"
