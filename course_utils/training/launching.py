"""Starting several processes on this machine that train together."""

import logging
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from uuid import uuid4

import torch

from course_utils.errors import CourseError


def launch(number: int, module: str, arguments: Sequence[str]) -> None:
    """Run `python -m module arguments` in a number of processes of this machine, as torchrun does; when one fails, all end.

    Raises a CourseError that names the process that failed first.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    check_machine(number)
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what it says is said below
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // number)))  # the cores are shared, too
    config = LaunchConfig(
        1, 1, number, run_id=uuid4().hex, rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0, monitor_interval=0.1
    )
    try:
        elastic_launch(config, sys.executable)("-u", "-m", module, *arguments)
    except ChildFailedError as error:
        first, failure = error.get_first_failure()
        raise CourseError(
            f"process {first} of {number} "
            + ("failed; its message is above" if failure.exitcode > 0 else f"was ended by signal {-failure.exitcode}")
            + ", and the others were ended with it"
        ) from None
    except SignalException:
        raise KeyboardInterrupt from None


def check_machine(here: int) -> None:
    """Raise a CourseError if so many processes cannot work together on this machine."""
    if find_spec("accelerate") is None:
        raise CourseError(f"accelerate lets {here} processes work together, and is not here; `pip install .[distributed]`")
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise CourseError(
            f"{here} processes need a GPU each, and this machine has {gpus}; start {gpus}, or set CUDA_VISIBLE_DEVICES to "
            "nothing to use the processor"
        )
