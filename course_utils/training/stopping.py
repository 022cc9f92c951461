"""Callbacks that look at how good each epoch was: stop when nothing gets better, and keep the weights of the best."""

import inspect
import math
from typing import Any

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.architecture import unwrapped
from course_utils.training.arguments import flag, not_negative, shown, whole
from course_utils.training.callbacks import Callback
from course_utils.training.custom_metrics import Metric, name_of, named
from course_utils.training.filling import put_weights
from course_utils.training.fitting import Fitting
from course_utils.training.metrics import accuracy, f_beta, log_loss, rmspe, top_k_accuracy
from course_utils.training.storage import StorageError

HIGHER_IS_BETTER = {
    "train loss": False,
    "valid loss": False,
    name_of(accuracy): True,
    name_of(top_k_accuracy): True,
    name_of(f_beta): True,
    name_of(log_loss): False,
    name_of(rmspe): False,
}


class _Monitor(Callback):
    """Knows which epoch of a fit was the best so far, by a loss or a metric."""

    def __init__(
        self, monitor: str | Metric = "valid loss", min_delta: float = 0.0, higher_is_better: bool | None = None
    ) -> None:
        if not (isinstance(monitor, str) or callable(monitor)):
            raise CourseError(f"monitor is {shown(monitor)}; it is 'valid loss', 'train loss', or a metric or its name")
        self.monitor = monitor if isinstance(monitor, str) else name_of(monitor)
        self.min_delta = not_negative("min_delta", min_delta)
        self.higher_is_better = None if higher_is_better is None else flag("higher_is_better", higher_is_better)
        self.best, self.best_epoch = math.nan, -1

    def before_fit(self, learner: Fitting) -> None:
        """Look whether there is such a column, and in which direction it is better; nothing is the best yet."""
        metrics = named(learner.metrics)
        columns = ["train loss", "valid loss", *metrics]
        if self.monitor not in columns:
            raise CourseError(
                f"{type(self).__name__} cannot watch {self.monitor!r}: there is no such column in this fit, which has "
                f"{', '.join(columns)}"
            )
        higher = self.higher_is_better
        if higher is None:
            higher = getattr(metrics.get(self.monitor), "higher_is_better", None)  # torchmetrics' know
        if higher is None:
            higher = HIGHER_IS_BETTER.get(self.monitor.rstrip(" 0123456789") if self.monitor in metrics else self.monitor)
        if higher is None:
            raise CourseError(
                f"{type(self).__name__} watches {self.monitor!r}, a metric that this package does not know; say whether more "
                f"of it is better: {type(self).__name__}({self.monitor!r}, higher_is_better=True) or False"
            )
        self._sign = 1.0 if higher else -1.0
        self.best, self.best_epoch = math.nan, -1

    def is_best(self, learner: Fitting) -> bool:
        """Whether the epoch that ended is better than all before it, by more than `min_delta`; the same in all processes."""
        value = learner.results[self.monitor]
        better = not math.isnan(value) and (math.isnan(self.best) or self._sign * (value - self.best) > self.min_delta)
        if learner.processes.once(lambda: better):
            self.best, self.best_epoch = value, learner.epoch
            return True
        return False

    def __repr__(self) -> str:
        """As it was made: what it watches, and the options that were given."""
        usual = {name: option.default for name, option in inspect.signature(type(self)).parameters.items() if name != "monitor"}
        given = {name: vars(self).get(name, default) for name, default in usual.items()}
        options = [f"{name}={value!r}" for name, value in given.items() if value != usual[name]]
        return f"{type(self).__name__}({', '.join([repr(self.monitor), *options])})"

    def state(self) -> dict[str, Any]:
        """The best so far."""
        return {"monitor": self.monitor, "best": self.best, "best_epoch": self.best_epoch}

    def check_state(self, state: dict[str, Any], learner: Fitting) -> None:
        """A number, which may be NaN as nothing was the best yet, and a whole one."""
        monitor, kind = state["monitor"], type(self).__name__
        if not isinstance(monitor, str) or not isinstance(state["best"], float):
            raise ValueError(f"{kind} watched {shown(monitor)}, the best {shown(state['best'])}")
        if monitor != self.monitor:
            raise StorageError(
                f"the checkpoint was saved with {kind}({monitor!r}), and this learner has {kind}({self.monitor!r}), which "
                "watches something else; make it with the same. Nothing was changed"
            )
        whole("best_epoch", state["best_epoch"], least=-1)

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])


class EarlyStopping(_Monitor):
    """End a fit when a loss or a metric was no better for `patience` epochs in a row; a printed line says so.

    Args:
        monitor: a column of the table of epochs: "valid loss", "train loss", or a metric (the function or its name).
        patience: how many epochs to wait for a better one.
        min_delta: how much better counts as better.
        higher_is_better: for a metric that this package does not know.

    The weights are those of the last epoch; `KeepBest` beside it gives those of the best. A fit that is resumed from a
    checkpoint stops at the epoch at which it would have stopped. (Prechelt, 1998, "Early Stopping - But When?")

    >>> from torch import nn
    >>> from course_utils.training import Data, Learner
    >>> x = torch.zeros(4, 1); y = torch.tensor([0, 1, 0, 1])  # nothing to learn
    >>> data = Data.from_tensors((x, y), (x, y))
    >>> learner = Learner(data, nn.Linear(1, 2, bias=False), callbacks=[EarlyStopping(patience=2)], progress=False)
    >>> learner.fit(0.1, 50)
    Stopped early after epoch 2: valid loss was no better for 2 epochs (0.6931 in epoch 0).
    """

    def __init__(
        self,
        monitor: str | Metric = "valid loss",
        patience: int = 3,
        min_delta: float = 0.0,
        higher_is_better: bool | None = None,
    ) -> None:
        super().__init__(monitor, min_delta, higher_is_better)
        self.patience = whole("patience", patience, of=", the epochs to wait for a better one")
        self.waited = 0

    def before_fit(self, learner: Fitting) -> None:
        """Start to count."""
        super().before_fit(learner)
        self.waited = 0

    def after_epoch(self, learner: Fitting) -> None:
        """Count the epochs since the best."""
        self.waited = 0 if self.is_best(learner) else self.waited + 1
        self._stop_if_waited(learner)

    def _stop_if_waited(self, learner: Fitting) -> None:
        if self.waited >= self.patience:
            best = f" ({self.best:.4f} in epoch {self.best_epoch})" if self.best_epoch >= 0 else ""
            epochs = f"{self.waited} epoch{'s' * (self.waited > 1)}"
            learner.stop(
                f"Stopped early after epoch {learner.epochs_done - 1}: {self.monitor} was no better for {epochs}{best}."
            )

    def state(self) -> dict[str, Any]:
        """The best so far, and how long it was waited for a better one."""
        return super().state() | {"waited": self.waited}

    def check_state(self, state: dict[str, Any], learner: Fitting) -> None:
        """Those of the best so far, and how many epochs were waited."""
        super().check_state(state, learner)
        whole("waited", state["waited"], least=0)

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state(state)
        self.waited = int(state["waited"])

    def after_resume(self, learner: Fitting) -> None:
        """Stop at once where the fit that was saved had stopped."""
        self._stop_if_waited(learner)


class KeepBest(_Monitor):
    """Leave the weights of the best epoch when a fit ends, whole, early or by Ctrl-C; a printed line says if they are others.

    Args:
        monitor: a column of the table of epochs: "valid loss", "train loss", or a metric (the function or its name).
        min_delta: how much better counts as better.
        higher_is_better: for a metric that this package does not know.

    A copy of what is trained is kept in memory, and in checkpoints. After a loss that is not a number the weights are those
    from before the fit, as `DivergedError` says.

    >>> KeepBest("accuracy")
    KeepBest('accuracy')
    """

    def __init__(
        self, monitor: str | Metric = "valid loss", min_delta: float = 0.0, higher_is_better: bool | None = None
    ) -> None:
        super().__init__(monitor, min_delta, higher_is_better)
        self._kept: dict[str, Tensor] = {}

    def before_fit(self, learner: Fitting) -> None:
        """Nothing is kept yet."""
        super().before_fit(learner)
        self._kept = {}

    def after_epoch(self, learner: Fitting) -> None:
        """Copy the weights of an epoch that is better than those before."""
        if self.is_best(learner):
            self._kept = {name: t.detach().clone() for name, t in unwrapped(learner.training_model).state_dict().items()}

    def after_fit(self, learner: Fitting) -> None:
        """Put the best weights back, if others are there."""
        kept, self._kept = self._kept, {}
        if not kept or not math.isfinite(learner.loss):
            return
        model = unwrapped(learner.training_model)
        now = model.state_dict()
        if all(torch.equal(now[name], kept[name].to(now[name].device)) for name in now):
            return
        put_weights(model, kept)
        learner.say(
            f"The weights are those of epoch {self.best_epoch}, the best of {learner.epochs_done}: {self.monitor} "
            f"{self.best:.4f}."
        )

    def state(self) -> dict[str, Any]:
        """The best so far, and its weights."""
        return super().state() | {"weights": self._kept}

    def check_state(self, state: dict[str, Any], learner: Fitting) -> None:
        """Those of the best so far, and weights of the whole model or of what a fit trains of it."""
        super().check_state(state, learner)
        shapes = {name: tuple(weight.shape) for name, weight in state["weights"].items()}
        models = (unwrapped(learner.model), unwrapped(learner.training_model))
        if shapes and shapes not in [{name: tuple(t.shape) for name, t in m.state_dict().items()} for m in models]:
            raise ValueError("the weights that KeepBest kept are of another model")

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state(state)
        self._kept = dict(state["weights"])
