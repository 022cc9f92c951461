"""Saying what to make smaller when the memory is full, and giving back what is held of it."""

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from course_utils.errors import CourseError
from course_utils.training.allocator import memory_kept

SAID = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "alloc_failed")


class OutOfMemory(CourseError):  # noqa: N818 - what it is called everywhere
    """The memory of the CPU or the GPU is full."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is full: PyTorch's on GPUs and on the CPU, NumPy's, Python's.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000000 bytes"))
    True
    >>> is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    False
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in SAID)


@contextmanager
def explained(data: Any, doing: str) -> Iterator[None]:
    """Keep memory from step to step (see `memory_kept`), and turn an error that says that it is full into what to make smaller.

    The frames in which it happened hold the mini-batch and all activations; they are cleared, so that the learner can be used
    at once, even where a notebook keeps the error.
    """
    message = ""
    try:
        with memory_kept(data.device):
            yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        traceback.clear_frames(error.__traceback__)
    if not message:
        return
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    where = "the GPU's memory" if data.device.type == "cuda" else "the memory"
    size = getattr(getattr(data, "transforms", None), "size", None)
    smaller = f"a smaller batch_size (now {data.batch_size})"
    if size is not None:
        smaller += f", smaller pictures (now {size} x {size} pixels; set_data takes others)"
    raise OutOfMemory(
        f"{where} is full while {doing}. Make the data with {smaller}, take a smaller network, or close what else uses the "
        f"memory; this learner can be used at once. PyTorch said: {message[:200]}"
    ) from None
