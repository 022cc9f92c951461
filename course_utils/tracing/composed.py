"""Layers and functions that are made of simpler ones, each with what it does, written with those."""

from collections.abc import Callable
from typing import Any

from torch import nn

from course_utils.tracing import attention, recurrent

# Each takes the module and what its forward takes, and gives what that gives, in ordinary PyTorch; shapes are known in it.
WRITTEN_OUT: dict[type[nn.Module], Callable[..., Any]] = {**recurrent.WRITTEN_OUT, **attention.WRITTEN_OUT}
WRITTEN_OUT_CALLS: dict[Any, Callable[..., Any]] = attention.WRITTEN_OUT_CALLS
