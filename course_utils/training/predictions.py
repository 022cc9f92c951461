"""What a model says of a set, and of several views of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training.arguments import whole
from course_utils.training.data import Data
from course_utils.training.distributed import OneProcess
from course_utils.training.memory import explained
from course_utils.training.one_thread import refuse_while_trained_elsewhere
from course_utils.training.precision import Precision
from course_utils.training.progress import Bar
from course_utils.training.shapes import outputs_of
from course_utils.training.tasks import Split, checked_split


@dataclass
class Predictions:
    """What a model says of a set, in the order of its files or rows.

    Attributes:
        values: (N, classes) probabilities for a classifier, (N, ...) numbers on the target's own scale for a regression.
        targets: the right answers, (N,) or (N, classes); None for a test set.
        items: what each example is called.
        classes: the names of the columns of `values`; None for a regression.

    >>> Predictions(torch.tensor([[0.9, 0.1]]), None, ["a.jpg"], ["cat", "dog"])
    Predictions(1 example of 2 classes: values (1, 2), no targets)
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

    def __repr__(self) -> str:
        """How much there is of what, on one line: names and numbers of a set would fill pages."""
        of = "" if self.classes is None else f" of {counted(len(self.classes), 'class')}"
        targets = "no targets" if self.targets is None else f"targets {tuple(self.targets.shape)}"
        return f"Predictions({counted(len(self), 'example')}{of}: values {tuple(self.values.shape)}, {targets})"


class Predicting(Protocol):
    """What predicts: a model (of which a fit may run a part), what it takes, and how and where it computes."""

    processes: OneProcess
    precision: Precision
    progress: bool

    @property
    def data(self) -> Data: ...  # noqa: D102

    @property
    def model(self) -> nn.Module: ...  # noqa: D102

    @property
    def training_model(self) -> nn.Module: ...  # noqa: D102


@torch.no_grad()
def outputs_and_targets(
    learner: Predicting, loader: Iterable[tuple[Any, Any]], model: nn.Module | None = None, bar: Bar[None] | None = None
) -> tuple[Tensor, Tensor | None]:
    """Raw outputs of a model and targets of all mini-batches, in the CPU's memory; the same in every process.

    By default it is the learner's `training_model`, whose mini-batches `learner.loader` gives.
    """
    refuse_while_trained_elsewhere(learner.model)
    model = model or learner.training_model
    model.eval()
    outputs, targets = [], []
    with explained(learner.data, "predicting"):
        for x, y in learner.processes.share(loader):
            with learner.precision.autocast():
                outputs.append(outputs_of(model, learner.precision.inputs(x)).float().cpu())
            if y is not None:
                targets.append(y.cpu())
            if bar:
                bar.advance()
    outputs, targets = learner.processes.gather(outputs), learner.processes.gather(targets)
    if not outputs:
        raise CourseError("there is nothing to predict: the set has no examples")
    return torch.cat(outputs), torch.cat(targets) if targets else None


def augmented_views(learner: Predicting, split: Split = "valid", n: int = 4) -> tuple[Tensor, Tensor | None]:
    """Predictions (1 + n, N, ...) for the plain examples and for `n` augmented views of each, and the targets."""
    data = learner.data
    if not data.augments:
        raise CourseError(
            f"tta() averages over augmented views, but this {type(data).__name__} augments nothing; use predict()"
        )
    checked_split(split)
    n = whole("n", n, least=None, of=" of augmented views")
    if n < 1:
        raise CourseError(f"tta() was asked for {n} augmented views; ask for 1 or more")
    loaders = [data.loader(split, augment=view > 0) for view in range(n + 1)]
    views = []
    bar: Bar[None] = Bar(total=sum(map(len, loaders)), description="predicting with augmentation", show=learner.progress)
    with bar:
        for loader in loaders:
            outputs, targets = outputs_and_targets(learner, loader, learner.model, bar)
            views.append(data.activation(outputs))
    return torch.stack(views), targets


def predict_with_augmentation(learner: Predicting, split: Split = "valid", n: int = 4) -> Predictions:
    """Test-time augmentation: the mean of the predictions for each plain example and for `n` augmented views of it."""
    views, targets = augmented_views(learner, split, n)
    return Predictions(views.mean(0), targets, learner.data.items(split), learner.data.classes)
