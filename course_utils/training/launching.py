"""Starting several processes on this machine that train together, where nobody else can reach them.

What the processes tell each other first (who is there, and at which address) goes through files in a new folder that only their
user may enter, and what they exchange while they train through the machine's loopback address. So nothing listens where another
machine could write into it: PyTorch's own meeting place is a port on all interfaces, and what is written there is unpickled.
"""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import torch

from course_utils.errors import CourseError
from course_utils.files import writing
from course_utils.training.devices import default_device

STORE = "COURSE_STORE"
"""The environment variable that names the file through which processes meet that `launch` started."""

LOOPBACK = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)


def launch(number: int, module: str, arguments: Sequence[str]) -> None:
    """Run `python -m module arguments` in a number of processes of this machine, as torchrun does; when one fails, all end.

    They listen on the loopback address alone, so no other machine reaches them, and what they meet in is gone when they end.

    Raises a CourseError that names the process that failed first.
    """
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    check_machine(number)
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what it says is said below
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // number)))  # the cores are shared, too
    try:
        with _meeting_place() as folder:
            config = LaunchConfig(
                1,
                1,
                number,
                run_id=uuid4().hex,
                rdzv_backend="c10d",
                rdzv_endpoint=str(folder / "launcher"),
                rdzv_configs={"store_type": "file"},
                local_addr="127.0.0.1",
                logs_specs=DefaultLogsSpecs(log_dir=str(folder)),  # else it leaves a folder in the place for temporary files
                max_restarts=0,
                monitor_interval=0.1,
            )
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


@contextmanager
def _meeting_place() -> Iterator[Path]:
    """Give a new folder (0700), gone afterwards; meanwhile, processes that are started meet there and talk over loopback."""
    with writing("a temporary folder"):
        folder = TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True)
    wanted = {
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # else the launcher opens a port for the processes, on all interfaces
        STORE: str(Path(folder.name) / "processes"),
        **({"GLOO_SOCKET_IFNAME": LOOPBACK, "NCCL_SOCKET_IFNAME": LOOPBACK} if LOOPBACK else {}),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with folder:
            yield Path(folder.name)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_machine(here: int) -> None:
    """Raise a CourseError if so many processes cannot work together on this machine."""
    chosen = default_device()
    of_one = chosen.index is not None if chosen.type == "cuda" else chosen.type != "cpu"
    if here > 1 and of_one and "COURSE_DEVICE" in os.environ:
        raise CourseError(f"COURSE_DEVICE is {str(chosen)!r}, where one process computes; for {here} set it to cuda or cpu")
    gpus = torch.cuda.device_count() if chosen.type == "cuda" else 0
    if 0 < gpus < here:
        raise CourseError(
            f"{here} processes need a GPU each, and this machine has {gpus}; start {gpus}, or set COURSE_DEVICE=cpu "
            "to use the CPU"
        )
