"""The lecture's learners: its words for fitting, predicting and saving, over this package's Learner."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import can_write
from course_utils.lecture.messages import Explains, LectureError, keywords, say
from course_utils.masked import refuse_masked
from course_utils.training import metrics as measures
from course_utils.training.arguments import checked_list, checked_metric
from course_utils.training.callbacks import Callback
from course_utils.training.custom_metrics import Metric, name_of
from course_utils.training.devices import default_device
from course_utils.training.fitting import Fitting
from course_utils.training.learner import Learner
from course_utils.training.predictions import Predictions, outputs_and_targets
from course_utils.training.progress import EpochTable
from course_utils.training.rate_finder import LearningRateSearch
from course_utils.training.tasks import Split
from course_utils.work import models_folder

SMOOTH = 0.98  # how much of the average is kept at each step in `sched.losses`
Array = NDArray[Any]
Metrics = Sequence[Metric] | Metric | None

accuracy = accuracy_np = measures.accuracy


def accuracy_multi(preds: Array | Tensor, targs: Array | Tensor) -> float:
    """The share of labels that are right where a tag is said from 0.5 on: both (N, classes)."""
    return float(((np.asarray(preds) > 0.5) == (np.asarray(targs) > 0.5)).mean())


class Sched:
    """What happened at each step of the last fit or search.

    Attributes:
        lrs: the rate of the last layer group.
        losses: the training loss, smoothed.
        iterations: the numbers of the steps.
    """

    def __init__(self, lrs: Sequence[float] = (), losses: Sequence[float] = (), search: bool = False) -> None:
        self.lrs, self.losses, self.iterations = list(lrs), list(losses), list(range(len(lrs)))
        self._search = search

    @classmethod
    def of_fit(cls, rates: Sequence[Sequence[float]], losses: Sequence[float]) -> "Sched":
        """From the rates of all groups and the loss of each step."""
        average, smoothed = 0.0, []
        for step, loss in enumerate(losses, 1):
            average = SMOOTH * average + (1 - SMOOTH) * loss
            smoothed.append(average / (1 - SMOOTH**step))
        return cls([groups[-1] for groups in rates], smoothed)

    def plot_lr(self) -> None:
        """Draw the rate of each step."""
        self._draw(self.iterations, self.lrs, "iterations", "learning rate")

    def plot_loss(self) -> None:
        """Draw the smoothed loss of each step but the first ten."""
        shown = self._but(10, 0, "plot_loss()")
        self._draw(self.iterations[shown], self.losses[shown], "iterations", "loss")

    def plot(self, n_skip: int = 10) -> None:
        """Draw the losses of a search over its rates, but for the first `n_skip` steps and the last five."""
        if self.lrs and not self._search:
            raise LectureError("sched.plot() draws what lr_find() saw, and the last that ran was a fit; call lr_find() first")
        shown = self._but(n_skip, 5, f"plot({n_skip})")
        self._draw(self.lrs[shown], self.losses[shown], "learning rate (log scale)", "loss", "log")

    def _but(self, first: int, last: int, call: str) -> slice:
        """All steps but the first and last few; the first are there where else no line would be left, and then the last."""
        steps = len(self.lrs)
        if first + last + 2 <= steps:
            return slice(first, steps - last)
        if steps:
            print(f"{call} leaves too few of the {steps} steps for a line, so the first are shown, too.")
        return slice(0, steps - last if last + 2 <= steps else steps)

    @staticmethod
    def _draw(x: Sequence[float], y: Sequence[float], xlabel: str, ylabel: str, scale: str = "linear") -> None:
        import matplotlib.pyplot as plt

        if not x:
            raise LectureError("nothing was trained yet; call fit() or lr_find() first")
        axes = plt.subplots()[1]
        axes.plot(x, y, marker="o" if len(x) < 10 else None)
        axes.set(xlabel=xlabel, ylabel=ylabel, xscale=scale)


class Rows(Callback):
    """Prints a row for each epoch, where no table is shown."""

    def before_fit(self, learner: Fitting) -> None:
        """Begin a table."""
        self.table = EpochTable(total=0, show=False)

    def after_epoch(self, learner: Fitting) -> None:
        """Print the row, and the names of the columns above the first."""
        self.table.add_row({"epoch": learner.epoch, **learner.results})
        lines = self.table.as_text().splitlines()
        print(*(lines if len(lines) == 2 else lines[-1:]), sep="\n")


class SaveCycles(Callback):
    """Saves the weights after each cycle, as `<name>_cyc_0` and so on."""

    def __init__(self, name: str) -> None:
        self.name, self.cycle = name, 0

    def after_cycle(self, learner: Fitting) -> None:
        """Save, and count."""
        learner.save(f"{self.name}_cyc_{self.cycle}")
        self.cycle += 1


class LectureLearner(Explains):
    """The lecture's words for a Learner of this package, which is its `learner`.

    `data` is the lecture's own kind of data, whose `inner` is the Data of this package; `path` is where it lies, and `bs` its
    mini-batch. Predictions are arrays: logarithms of probabilities with one label each, probabilities with several, and for a
    regression numbers (N, 1).
    """

    VALID_BATCHES: ClassVar[int] = 1  # a mini-batch to validate holds as many times `bs` rows

    def __init__(self, learner: Learner, data: Any, metrics: Metrics = None) -> None:
        self.learner, self.data, self.sched = learner, data, Sched()
        self.metrics: Metrics = metrics
        self._whole: nn.Module = learner.model
        self.learner.path = place_of_weights(data)
        if not learner.progress:
            learner.callbacks.append(Rows())

    # -- fitting ---------------------------------------------------------------------------------------------------------

    @keywords
    def fit(
        self,
        lrs: Any,
        n_cycle: int,
        cycle_len: int | None = None,
        cycle_mult: int = 1,
        wds: float | None = None,
        metrics: Metrics = None,
        cycle_save_name: str | None = None,
    ) -> None:
        """Train for some cycles, with a row for each epoch; see `Learner.fit`.

        Args:
            lrs: the learning rate, or a list or array of one for each layer group.
            n_cycle: epochs at a constant rate; with `cycle_len` cycles in each of which the rate falls along a cosine.
            cycle_len: epochs in the first cycle.
            cycle_mult: how many times longer each next cycle is.
            wds: weight decay.
            metrics: in place of those of the learner; functions of arrays (predictions, targets). Each has two columns: the
                mean over mini-batches, which the lecture shows, and the figure of the whole set, which is the true one.
            cycle_save_name: the weights of each cycle are saved under it.
        """
        learner, start = self.learner, len(self.learner.recorder.losses)
        usual = list(learner.callbacks)
        learner.metrics = self._columns(self.metrics if metrics is None else metrics)
        if learner.metrics:
            say(
                "(mean of batches) is the mean over mini-batches, which the lecture's own tables show; (whole set) is over all "
                "validation examples at once, whatever the size of a mini-batch."
            )
        learner.callbacks = usual + ([SaveCycles(cycle_save_name)] if cycle_save_name else [])
        try:
            learner.fit(lrs, n_cycle, cycle_len, cycle_mult, wds)
        finally:
            learner.callbacks = usual
            if steps := learner.recorder.losses[start:]:  # of a fit that was refused nothing is to be seen
                self.sched = Sched.of_fit(learner.recorder.rates[start:], steps)

    @keywords
    def lr_find(self, start_lr: float = 1e-5, end_lr: float = 10.0, wds: float | None = None) -> None:
        """Let the rate grow from step to step over one pass through the training set, then put everything back; see `sched`."""
        steps = len(self.learner.training_batches())
        search: LearningRateSearch = self.learner.lr_find(start_lr, end_lr, steps, wds)
        self.sched = Sched(search.rates, search.losses, search=True)

    def _columns(self, metrics: Metrics) -> list[Metric]:
        """Two of this package's metrics for each of the lecture's."""
        size, each = self.VALID_BATCHES * self.data.bs, checked_list("metrics", metrics, checked_metric)
        return [self._column(m, rows, of) for m in each for rows, of in ((size, "mean of batches"), (None, "whole set"))]

    def _column(self, metric: Metric, rows: int | None, of: str) -> Metric:
        def column(values: Any, targets: Any) -> float:
            preds, targs = self.arrays(torch.as_tensor(values), torch.as_tensor(targets))
            step, found = rows or len(preds), []
            for start in range(0, len(preds), step):
                part, truth = preds[start : start + step], targs[start : start + step]
                try:
                    found.append(float(metric(part, truth)))
                except CourseError:
                    raise
                except Exception as error:  # anything may go wrong in a function of the user's
                    raise LectureError(
                        f"the metric {name_of(metric)} must make one number of two arrays, predictions {part.shape} and "
                        f"targets {truth.shape}; it ended in {type(error).__name__}: {error}"
                    ) from error
            return math.fsum(found) / len(found)

        column.__name__ = f"{name_of(metric)} ({of})"
        return column

    # -- what is trained -------------------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Train the last layer group alone."""
        self.learner.freeze()

    def unfreeze(self) -> None:
        """Train every layer group."""
        self.learner.unfreeze()

    def freeze_to(self, n: int) -> None:
        """Freeze the layer groups before the nth."""
        self.learner.freeze_to(n)

    def bn_freeze(self, do_freeze: bool = True) -> None:
        """Keep the running averages of all batch norms as they are."""
        self.learner.bn_freeze(do_freeze)

    def set_data(self, data: Any) -> None:
        """Go on with other data of the same classes, as with larger pictures; everything but the last group is frozen again."""
        if not isinstance(data, type(self.data)):
            raise LectureError(f"set_data was given a {type(data).__name__}; give an object of {type(self.data).__name__}")
        self.learner.set_data(data.inner)
        self.data, self.learner.path = data, place_of_weights(data)
        self.freeze()

    def save(self, name: str) -> None:
        """Write the weights to the folder `models` of the data."""
        self.learner.save(name)

    def load(self, name: str) -> None:
        """Read the weights that `save(name)` wrote."""
        self.learner.load(name)

    # -- what the model says ---------------------------------------------------------------------------------------------

    def arrays(self, values: Tensor, targets: Tensor) -> tuple[Array, Array]:
        """What this package's predictions and targets are in the lecture: see the class."""
        return self._array(values), targets[:, None].numpy() if self._is_column(targets) else targets.numpy()

    def _array(self, values: Tensor) -> Array:
        if self.learner.data.task == "single-label":
            values = Predictions(values, None, ()).log_probabilities
        array: Array = (values[:, None] if self._is_column(values) else values).numpy()
        return array

    def _split(self, is_test: bool) -> Split:
        if is_test and self.learner.data.test_ds is None:
            raise LectureError("this data has no test set to predict; name its folder as test_name='test1' where data is made")
        return "test" if is_test else "valid"

    def _is_column(self, numbers: Tensor) -> bool:
        return self.learner.data.task == "regression" and numbers.ndim == 1

    @keywords
    def predict(self, is_test: bool = False) -> Array:
        """Predictions (N, classes) for the validation set, or the test set, in the order of its files or rows."""
        return self._array(self.learner.predict(self._split(is_test)).values)

    @keywords
    def predict_with_targs(self, is_test: bool = False) -> tuple[Array, Array]:
        """Predictions as `predict` gives them, and the targets; those of a test set are zeros."""
        split, data = self._split(is_test), self.learner.data
        targets = data.targets(split)
        if targets is None:
            known = data.targets("train")
            assert known is not None
            targets = known.new_zeros(len(data.items(split)), *known.shape[1:])
        return self.arrays(self.learner.predict(split).values, targets.cpu())

    def predict_array(self, arr: Array) -> Array:
        """Predictions (B, classes) for a mini-batch that was prepared by hand, such as (B, 3, s, s) for pictures."""
        example = self.learner.data.train_ds[0][0]
        if isinstance(example, Tensor) and np.ndim(arr) == example.ndim:
            raise LectureError(
                f"the array has shape {np.shape(arr)}, which is one example; a network takes mini-batches: give arr[None]"
            )
        refuse_masked("the array", arr)
        outputs, _ = outputs_and_targets(self.learner, [(torch.as_tensor(arr), None)], self.learner.model)
        return self._array(self.learner.data.activation(outputs))

    def predict_dl(self, dl: Iterable[Any]) -> Array:
        """Predictions for mini-batches `[x, y]` of any loader."""
        batches = ((batch[0], None) for batch in dl)
        outputs, _ = outputs_and_targets(self.learner, batches, self.learner.model)
        return self._array(self.learner.data.activation(outputs))

    @property
    def model(self) -> nn.Module:
        """The network, or its head while that is trained on stored activations."""
        return self.learner.training_model

    def summary(self) -> "OrderedDict[str, dict[str, Any]]":
        """Each layer of the network, in order: the shapes that go in and come out (-1 for the batch), and its weights."""
        from torchinfo import summary

        *parts, _ = next(iter(self.data.val_dl))
        inputs = self.learner.precision.inputs([part[:1].clone() for part in parts])
        table = summary(self._whole, input_data=inputs, mode="eval", depth=99, verbose=0)
        layers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        for layer in table.summary_list:
            weights = list(layer.module.parameters(recurse=False))
            if layer.is_leaf_layer or weights:
                layers[f"{layer.class_name}-{len(layers) + 1}"] = {
                    "input_shape": [-1, *layer.input_size[1:]],
                    "output_shape": [-1, *layer.output_size[1:]],
                    "trainable": any(weight.requires_grad for weight in weights),
                    "nb_params": sum(weight.numel() for weight in weights),
                }
        return layers

    def __repr__(self) -> str:
        return repr(self.model)


def place_of_weights(data: Any) -> Path:
    """The folder `models` of the data, or one in the work folder where the data are only to be read; a line says so."""
    folder = Path(data.path) / "models"
    if can_write(folder):
        return folder
    elsewhere = models_folder(data.path)
    say(f"{folder} cannot be written to, so weights are saved to {elsewhere}.")
    return elsewhere


# -- arrays and tensors --------------------------------------------------------------------------------------------------


def to_np(v: Any) -> Array:
    """A tensor as an array; a list of tensors becomes a list of arrays."""
    if isinstance(v, list | tuple):
        return [to_np(part) for part in v]  # type: ignore[return-value]
    return v.detach().cpu().numpy() if isinstance(v, Tensor) else np.asarray(v)


def T(a: Any) -> Tensor:  # noqa: N802 (the lecture's own name)
    """An array as a tensor, whole numbers in 64 bits and others in 32."""
    refuse_masked("the array", a)
    tensor = torch.as_tensor(np.asarray(a)) if not isinstance(a, Tensor) else a
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def V(x: Any) -> Tensor:  # noqa: N802
    """An array or a tensor where networks compute; once it had to be wrapped, too."""
    return T(x).to(default_device())


def to_gpu(x: Any) -> Any:
    """A tensor or a network on the GPU where there is one, else as it is."""
    return x.to(default_device())


def children(m: nn.Module) -> list[nn.Module]:
    """The layers right below a network."""
    return list(m.children())
