"""Labels as targets, the numbers that a loss compares with what a network says."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.training.tasks import Task


def encode(labels: Sequence[Sequence[str]], classes: Sequence[str], task: Task) -> Tensor:
    """Class numbers (N,) if the task is single-label, else zeros and ones (N, classes), "one-hot" (lecture 1:29:55).

    >>> encode([["cat"], ["dog"]], ["cat", "dog"], "single-label")
    tensor([0, 1])
    >>> encode([["cat"], ["cat", "dog"]], ["cat", "dog"], "multi-label")
    tensor([[1., 0.],
            [1., 1.]])
    """
    number = {name: i for i, name in enumerate(classes)}
    columns = torch.tensor([number[name] for row in labels for name in row], dtype=torch.int64)
    if task == "single-label":
        return columns
    targets = torch.zeros(len(labels), len(classes))
    targets[np.repeat(np.arange(len(labels)), [len(row) for row in labels]), columns] = 1
    return targets


def only_in_validation(train: Tensor, valid: Tensor, classes: Sequence[str]) -> list[str]:
    """The classes that the targets show in validation alone, so that no network can learn them.

    >>> only_in_validation(torch.tensor([0, 0]), torch.tensor([0, 1]), ["cat", "dog"])
    ['dog']
    """
    if train.dim() == 1:
        train, valid = (torch.nn.functional.one_hot(targets, len(classes)) for targets in (train, valid))
    unknown = valid.any(dim=0) & ~train.any(dim=0)
    return [name for name, alone in zip(classes, unknown.tolist(), strict=True) if alone]
