"""Layers and functions that are made of simpler ones, each with what it does, written with those."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.tracing import attention, recurrent

# Each takes the module and what its forward takes, and gives what that gives, in ordinary PyTorch; shapes are known in it.
WRITTEN_OUT: dict[type[nn.Module], Callable[..., Any]] = {**recurrent.WRITTEN_OUT, **attention.WRITTEN_OUT}
SOFTMAXES = ("softmax", F.softmax, torch.softmax)
WRITTEN_OUT_CALLS: dict[Any, Callable[..., Any]] = attention.WRITTEN_OUT_CALLS
