"""Computing anybody's metrics: any function of (values, targets) that gives one number, for tensors or for NumPy arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from course_utils.errors import CourseError

Metric = Callable[[Any, Any], Any]


def compute(metric: Metric, values: Tensor, targets: Tensor) -> float:
    """What a metric says of values and targets, whether it was written for tensors or for NumPy arrays.

    It is given copies as tensors; where that ends in an error, or in something that is not one number, copies as arrays.

    >>> import torch
    >>> p, t = torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1])
    >>> compute(lambda p, t: (p.argmax(1) == t).mean(), p, t)  # the mean of booleans: PyTorch has none, NumPy has
    0.5
    """
    complaints: dict[str, str] = {}
    cause: Exception | None = None
    for kind in ("tensors", "NumPy arrays"):
        copies = [t.clone() if kind == "tensors" else t.numpy().copy() for t in (values, targets)]
        try:
            return _as_number(metric(*copies))
        except CourseError:
            raise
        except Exception as error:  # anything may go wrong in a function of the user's
            complaints[kind] = f"{type(error).__name__}: {error}" if not isinstance(error, _NoNumberError) else str(error)
            cause = error
    given = " and ".join(f"{what} {tuple(t.shape)} {t.numpy().dtype}" for what, t in (("values", values), ("targets", targets)))
    raise CourseError(
        f"the metric {name_of(metric)} must make one number of {given}. "
        + " ".join(f"Given {kind}: {complaint}." for kind, complaint in complaints.items())
    ) from cause


class _NoNumberError(Exception):
    """A metric gave something else."""


def _as_number(result: Any) -> float:
    shape = tuple(getattr(result, "shape", ()))
    if isinstance(result, Tensor | np.ndarray) and np.prod(shape) == 1:
        result = result.item()
    if isinstance(result, int | float | np.number | np.bool_) and not isinstance(result, np.complexfloating):
        return float(result)
    kind = type(result).__name__
    raise _NoNumberError(f"it gave a {kind} of shape {shape}" if shape else f"it gave a {kind}")


def named(metrics: Sequence[Metric]) -> dict[str, Metric]:
    """The metrics by the names of their columns; those that are called the same get a number.

    >>> list(named([max, lambda p, t: 0.0, lambda p, t: 1.0]))
    ['max', '<lambda>', '<lambda> 2']
    """
    names: dict[str, Metric] = {}
    for metric in metrics:
        name = name_of(metric)
        same = sum(name_of(other) == name for other in names.values())
        names[f"{name} {same + 1}" if same else name] = metric
    return names


def name_of(metric: Metric) -> str:
    """What a function is called; a functools.partial is called what its function is called."""
    metric = getattr(metric, "func", metric)
    return str(getattr(metric, "__name__", type(metric).__name__))
