"""One Learner in several processes: `torchrun --nproc-per-node 2 script.py` runs the script twice, as one.

Each process, with a GPU or some of the CPU's cores, has the whole model. All walk through the same mini-batches, and each
takes its share of the rows. What they find is put together wherever one process would have seen all rows: gradients, losses,
mean and variance in batch norms, predictions. So the numbers are those of one process with mini-batches of the same size, but
for what is random in each row (dropout, augmentation), which each process draws for its own rows. The loss must be a mean over
rows. A last mini-batch with fewer rows than there are processes trains nothing.

Every process makes the same calls, predict() and save() too, or the others wait for it; what must happen once, like printing,
is for the process whose `rank()` is 0.

Who can reach them: `course train --nproc 2`, and `launching.launch(2, "script", [])` for a script of your own, start processes
of this machine that listen on its loopback address alone. torchrun opens ports on all interfaces, with --standalone and with
--rdzv-endpoint=localhost:0 --local-addr=127.0.0.1 too, and whoever can reach them can make the processes run any code, for
what is written there is unpickled. So use torchrun, which several machines need, only in a network in which you trust everybody
(a cluster's own, or behind a firewall), and name the first machine by its address there: torchrun --nnodes=2
--rdzv-backend=c10d --rdzv-endpoint=ADDRESS:29500. GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME choose the interface of what the
processes exchange, not of those ports.

(The idea is Goyal et al., 2017, "Accurate, Large Minibatch SGD"; the means are PyTorch's DistributedDataParallel.)
"""

import atexit
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.batch_norm import BatchNormOverAll
from course_utils.training.devices import default_device, random_state, restore_random_state
from course_utils.training.launching import STORE, check_machine
from course_utils.training.loaders import Checked

T = TypeVar("T")


def world_size() -> int:
    """How many processes torchrun started together; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1)) if "RANK" in os.environ else 1


def rank() -> int:
    """The number of this process among them, from 0; process 0 alone writes files and shows progress."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


@cache
def processes() -> "OneProcess":
    """What this process has to do with others: it joins them when first asked, and waits until all have."""
    return SeveralProcesses() if world_size() > 1 else OneProcess()


class OneProcess:
    """The only process: nothing to share, nothing to put together."""

    several = False

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return default_device()

    def share(self, batches: Any, training: bool = False) -> Any:
        """Its rows of each mini-batch: all."""
        return Checked(batches)

    def gather(self, parts: list[Tensor]) -> list[Tensor]:
        """The rows of all processes, in order, from those that `share` gave to each; a tensor for each mini-batch."""
        return parts

    def parallel(self, model: nn.Module) -> Callable[..., Tensor]:
        """The model for training steps: gradients are means over all processes, batch norms see the rows of all."""
        return model

    def mean_loss(self, loss: Tensor, rows: int) -> tuple[Tensor, float, int]:
        """From the mean loss of this process's rows: what to differentiate, the mean over all rows, and how many they are."""
        return loss, loss.item(), rows

    def same_weights(self, model: nn.Module) -> None:
        """Give the model in every process the weights that it has in process 0."""

    def once(self, function: Callable[[], T]) -> T:
        """Run a function in process 0 alone; every process gets its result, or the CourseError that it raised."""
        return function()

    def end(self) -> None:
        """What a process that was started for one task calls when it is done."""


class SeveralProcesses(OneProcess):
    """One of several processes."""

    several = True

    def __init__(self) -> None:
        check_machine(int(os.environ.get("LOCAL_WORLD_SIZE", 1)))
        chosen = default_device()
        on_gpu = chosen.type == "cuda"
        if on_gpu:
            torch.cuda.set_device(chosen.index or int(os.environ.get("LOCAL_RANK", 0)))
        self._device = torch.device("cuda" if on_gpu else "cpu")
        dist.init_process_group("nccl" if on_gpu else "gloo", **_meeting())
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        self._random_numbers = torch.get_rng_state()
        self._trained: list[Any] = []
        self._wrapped: nn.Module | None = None
        atexit.register(self._leave)

    def _leave(self) -> None:
        """Part from the other processes, and end the threads that talk to them, as PyTorch asks for."""
        self._wrapped = None
        if dist.is_initialized():
            dist.destroy_process_group()

    @property
    def device(self) -> torch.device:
        """Where this process computes; `cuda` is a GPU of its own."""
        return self._device

    def share(self, batches: Any, training: bool = False) -> "Share":
        """Its rows of each mini-batch: of two processes the first has rows 0, 2, 4..., the second 1, 3, 5..."""
        return Share(batches, self, training)

    def gather(self, parts: list[Tensor]) -> list[Tensor]:
        """Put the rows back into one order; a process that had no rows of the last mini-batch has a part less."""
        everyone: list[Any] = [None] * self.world
        dist.all_gather_object(everyone, [part.clone() for part in parts])  # a view would bring along all that it is a view of
        return [_interleaved(batch) for batch in zip_longest(*everyone)]

    def parallel(self, model: nn.Module) -> Callable[..., Tensor]:
        """Wrap the model, again when other weights are trained; it stays what it is, and so do the names of its weights."""
        trained = [model, *(weight for weight in model.parameters() if weight.requires_grad)]
        if list(map(id, trained)) != list(map(id, self._trained)):
            self._wrapped = None  # first, since it listens to the gradients of the same weights
            self._wrapped, self._trained = nn.parallel.DistributedDataParallel(model), trained
        return self._forward

    def _forward(self, *inputs: Any) -> Tensor:
        assert self._wrapped is not None
        with BatchNormOverAll(), self._own_random_numbers():
            outputs: Tensor = self._wrapped(*inputs)
        return outputs

    def mean_loss(self, loss: Tensor, rows: int) -> tuple[Tensor, float, int]:
        """Weigh the loss by its rows, since gradients are averaged over processes as if all had the same number."""
        sums = torch.tensor([loss.item() * rows, rows], dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        total, all_rows = sums.tolist()
        return loss * (rows * self.world / all_rows), total / all_rows, int(all_rows)

    def same_weights(self, model: nn.Module) -> None:
        """Send them from process 0 to the others; a CourseError for a type of numbers that they cannot send."""
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            try:
                dist.broadcast(tensor.data, src=0)
            except (RuntimeError, ValueError, TypeError) as error:
                if "scalar type" not in str(error) and "data type" not in str(error):
                    raise
                raise CourseError(
                    f"{name} of the model holds {tensor.dtype}, which several processes cannot send to each other; keep it in "
                    "float32 or int64, or train in one process"
                ) from error

    def once(self, function: Callable[[], T]) -> T:
        """Send what came of it from process 0 to the others."""
        outcome: list[Any] = [None, None]
        if self.rank == 0:
            try:
                outcome[0] = function()
            except CourseError as error:
                outcome[1] = error
        dist.broadcast_object_list(outcome, src=0)
        if outcome[1] is not None:
            raise outcome[1]
        result: T = outcome[0]
        return result

    def end(self) -> None:
        """End this process here and now: when Python tidies up, threads that libraries left behind abort it now and then."""
        self._leave()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def same_random_numbers(self) -> None:
        """Go on with the random numbers of process 0, which draws none but what one process would have drawn."""
        state = [random_state() | {"cuda": [], "mps": []}]
        dist.broadcast_object_list(state, src=0)
        restore_random_state(state[0])
        common = torch.Generator()
        common.set_state(torch.get_rng_state())
        seed = int(torch.randint(2**31, (), generator=common)) + self.rank
        self._random_numbers = torch.Generator().manual_seed(seed).get_state()
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Let the block draw numbers that no other process draws: with the same, dropout would be the same in all."""
        common = torch.get_rng_state()
        torch.set_rng_state(self._random_numbers)
        try:
            yield
        finally:
            self._random_numbers = torch.get_rng_state()
            torch.set_rng_state(common)


def _meeting() -> dict[str, Any]:
    """Where this process meets the others: in the file that `launch` chose, else at torchrun's address."""
    if STORE not in os.environ:
        return {}
    return {"init_method": Path(os.environ[STORE]).as_uri(), "rank": rank(), "world_size": world_size()}


class Share:
    """The rows of each mini-batch that are one process's; see `SeveralProcesses.share`.

    A loader with an attribute `shard` is told (rank, world) and gives them itself, so that it need not load the others: of each
    mini-batch rows rank, rank + world, ... if there are any, and in a shuffled pass nothing of a mini-batch that has fewer rows
    than there are processes.
    """

    def __init__(self, batches: Any, party: SeveralProcesses, training: bool) -> None:
        self.batches, self.party, self.training = batches, party, training
        loader = getattr(batches, "iterable", batches)  # what a progress bar counts
        self.sharded = hasattr(loader, "shard")
        if self.sharded:
            loader.shard = (party.rank, party.world)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        if not self.training:
            yield from self._mine(1)
            return
        self.party.same_random_numbers()
        steps = 0
        for batch in self._mine(self.party.world):
            yield batch
            steps += 1
        if not steps:
            raise CourseError(
                f"no mini-batch has a row for each of the {self.party.world} processes; make mini-batches larger, or start "
                "fewer processes"
            )

    def _mine(self, fewest: int) -> Iterator[tuple[Any, Any]]:
        """Leaves out mini-batches of fewer than `fewest` rows, and those that have no row for this process."""
        if self.sharded:
            yield from self.batches
            return
        rank, world = self.party.rank, self.party.world
        for x, y in self.batches:
            if len(x[0] if isinstance(x, tuple | list) else x) >= max(fewest, rank + 1):
                yield _every(x, rank, world), _every(y, rank, world)


def _every(batch: Any, rank: int, world: int) -> Any:
    """Rows rank, rank + world, ... of a tensor, of each of several tensors, or of nothing."""
    if isinstance(batch, tuple | list):
        return tuple(_every(part, rank, world) for part in batch)
    return None if batch is None else batch[rank::world]


def _interleaved(parts: Sequence[Tensor | None]) -> Tensor:
    """The rows of which `parts` are each process's.

    >>> _interleaved([torch.tensor([0, 2, 4]), torch.tensor([1, 3])])
    tensor([0, 1, 2, 3, 4])
    """
    there = [part for part in parts if part is not None]
    rows = there[0].new_empty((sum(map(len, there)), *there[0].shape[1:]))
    for number, part in enumerate(there):
        rows[number :: len(parts)] = part
    return rows
