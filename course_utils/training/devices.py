"""Where the numbers are computed, and how a run is made repeatable."""

import os
import random
from typing import Any

import numpy as np
import torch

from course_utils.errors import CourseError
from course_utils.names import shortened
from course_utils.training.arguments import shown, whole


def default_device() -> torch.device:
    """The fastest device of this machine: an NVIDIA GPU (`cuda`), else an Apple GPU (`mps`), else the CPU (`cpu`).

    The environment variable `COURSE_DEVICE` names another, as `cpu` while somebody else needs the GPU. Raises CourseError
    where there is no such device.

    >>> default_device().type in {"cuda", "mps", "cpu"}
    True
    """
    if named := os.environ.get("COURSE_DEVICE"):
        return as_device(named, "COURSE_DEVICE")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def as_device(device: Any, name: str = "device") -> torch.device:
    """A device of this machine, by its name; raises CourseError for a name that none has, and for one that is not there.

    The error calls what was given by `name`, and says what PyTorch said of it.

    >>> as_device("cpu")
    device(type='cpu')
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise CourseError(f"{name} is {shown(device)}; give 'cpu', 'cuda' (an NVIDIA GPU) or 'mps' (an Apple GPU)") from error
    if found.type == "meta":
        raise CourseError(f"{name} is 'meta', where tensors have shapes and no numbers; give 'cpu', 'cuda' or 'mps'")
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, ImportError) as error:  # the latter two where PyTorch was built without such GPUs
        built_without = isinstance(error, NotImplementedError | ImportError)
        said = str(error).partition("\n")[0].partition(". ")[0]  # a GPU may be there, and its memory full
        reason = "it was built without it" if built_without else shortened(said, 120)
        raise CourseError(
            f"{name} is {str(found)!r}, which PyTorch cannot use here ({reason}); give 'cpu', or ask `course doctor`"
        ) from error
    return found


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's random numbers: new weights, shuffling and augmentation repeat from here.

    Raises CourseError for what is not a whole number of 64 bits.

    >>> set_seed(1); a = torch.rand(3)
    >>> set_seed(1); b = torch.rand(3)
    >>> torch.equal(a, b)
    True
    """
    seed = whole("seed", seed, least=None)
    if not -(2**63) <= seed < 2**64:
        raise CourseError(f"seed is {seed}; PyTorch takes whole numbers of 64 bits, such as 42")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """The state of Python's, NumPy's and PyTorch's random numbers, as lists, numbers and tensors.

    Those of NVIDIA GPUs are among them once this process computes on one: to ask for them takes memory of every GPU.
    """
    version, numbers, spare = random.getstate()
    algorithm, keys, position, has_spare, numpy_spare = np.random.get_state()
    return {
        "python": [version, list(numbers), spare],
        "numpy": [algorithm, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_spare, numpy_spare],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "mps": [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back what `random_state` gave, here or on a machine with other GPUs."""
    version, numbers, spare = state["python"]
    random.setstate((version, tuple(numbers), spare))
    algorithm, keys, position, has_spare, numpy_spare = state["numpy"]
    np.random.set_state((algorithm, keys.numpy().astype(np.uint32), position, has_spare, numpy_spare))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_initialized():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
    if state["mps"] and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"][0])
