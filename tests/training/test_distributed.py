"""Two processes against one, on the processor; what they run is in in_processes.py."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import torch.nn.functional as F

from course_utils.errors import CourseError
from course_utils.training import distributed, launching
from course_utils.training.batch_norm import BatchNormOverAll
from course_utils.training.distributed import Share
from course_utils.training.loaders import TensorLoader

pytestmark = pytest.mark.alone  # it starts processes and ends them

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(HERE.parents[1])}
SAME = ("classes", "numbers", "odd_sizes", "pictures", "table", "parquet", "diverging")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each process found: `results[2][1]` is process 1 of two, which train while this one trains alone."""
    folder = tmp_path_factory.mktemp("processes")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*start, str(HERE / "in_processes.py"), str(folder)]
    two = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(distributed, "default_device", lambda: torch.device("cpu"))  # as where the two are
            one = in_processes().found(tmp_path_factory.mktemp("process"))
    finally:
        said, _ = two.communicate()
    assert two.returncode == 0, said
    return {1: [json.loads(one)], 2: [json.loads((folder / f"{rank} of 2.json").read_text()) for rank in range(2)]}


def in_processes():
    """The file of the scenarios as a module, which is a script for the others."""
    spec = spec_from_file_location("in_processes", HERE / "in_processes.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def close(a, b):
    """Whether two nested results are alike: numbers to 1e-5, all else exactly."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    return a == b if isinstance(a, str) else a == pytest.approx(b, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("scenario", SAME)
def test_two_processes_find_what_one_finds(results, scenario):
    (one,) = results[1]
    for process in results[2]:
        for what, expected in one[scenario].items():
            assert close(expected, process[scenario][what]), what


@pytest.mark.parametrize("scenario", [*SAME, "files", "unlike", "too_small", "stopping"])
def test_all_processes_find_the_same_to_the_bit(results, scenario):
    first, second = (process[scenario] for process in results[2])
    for what in first.keys() - {"masks", "written"}:
        assert first[what] == second[what], what


def test_the_scenarios_learn_something(results):
    """What never moved would be the same in any number of processes."""
    (one,) = results[1]
    for scenario, epochs in {"classes": 4, "numbers": 3, "pictures": 2, "table": 3}.items():
        seen = one[scenario]["epochs"]
        assert len(seen) == epochs
        assert seen[-1]["train loss"] < seen[0]["train loss"]
    assert "0.1.running_mean" in one["classes"]["names"]
    assert one["odd_sizes"]["targets"][0] != []


def test_a_loss_of_nan_in_one_process_ends_the_fit_in_all(results):
    for process in results[2]:
        assert "the loss became nan in epoch 0, step 1" in process["diverging"]["message"]


def test_all_processes_stop_at_the_same_epoch_with_the_weights_of_the_same(results):
    for process in (*results[1], *results[2]):
        assert len(process["stopping"]["losses"]) == 5 * 7  # epoch 2 is process 0's best, and two more are no better
    (one,), (first, _) = results[1], results[2]
    assert close(one["stopping"]["predictions"], first["stopping"]["predictions"])
    assert "Stopped early after epoch 4" in first["stopping"]["said"]
    assert "The weights are those of epoch 2, the best of 5: mine 0.3000." in first["stopping"]["said"]


def test_process_0_alone_writes_and_all_may_read(results):
    (one,) = results[1]
    for rank, process in enumerate(results[2]):
        files = process["files"]
        assert files["written"] == (one["files"]["written"] if rank == 0 else [])
        assert files["there"]
        assert files["message"] == "StorageError"  # what process 0 could not write is an error in all
        assert close(one["files"]["first"], files["first"])
        assert close(one["files"]["whole"], files["resumed"])
        assert files["whole"] == files["resumed"]


def test_process_0_alone_shows_anything(results):
    shown = [process["shown"]["shown"] for process in results[2]]
    assert shown[0] > 100
    assert shown[1] == 0


def test_dropout_differs_between_processes_and_nothing_else_does(results):
    """Without a seed of their own they have the same weights and orders; see also the test to the bit."""
    first, second = (np.array(process["unlike"]["masks"][0]) for process in results[2])
    assert first.shape == second.shape == (8, 8)  # half of a mini-batch of 16
    assert 0.2 < (first != second).mean() < 0.8


def test_fewer_rows_than_processes_are_refused(results):
    assert results[1][0]["too_small"]["message"] == ""
    for process in results[2]:
        assert "no mini-batch has a row for each of the 2 processes" in process["too_small"]["message"]


def test_one_process_pays_nothing(results):
    assert [process["joined"] for process in (*results[1], *results[2])] == [False, True, True]


def test_alone_everything_is_handed_through():
    alone, loader, model = distributed.OneProcess(), TensorLoader(torch.arange(3), None, 2), torch.nn.Linear(1, 1)
    assert alone.share(loader).iterable is loader  # which is looked at on its way, see Checked
    assert alone.parallel(model) is model
    loss = torch.tensor(2.5, requires_grad=True)
    given = alone.mean_loss(loss, 7)
    assert given[0] is loss
    assert given[1:] == (2.5, 7)
    assert alone.end() is None  # and this process goes on


# -- without starting any process ------------------------------------------------------------------------------------------


class Process:
    """One of several, without the others."""

    def __init__(self, rank, world):
        self.rank, self.world, self.passes = rank, world, 0

    def same_random_numbers(self):
        self.passes += 1


@pytest.mark.parametrize("world", [2, 3, 5])
@pytest.mark.parametrize(("rows", "size"), [(10, 5), (11, 5), (12, 5), (13, 5), (4, 6), (1, 6), (7, 1)])
def test_each_row_is_one_processs_and_the_whole_comes_back_in_order(world, rows, size):
    x = torch.arange(rows * 2).view(rows, 2)
    shares = [list(Share(TensorLoader(x, x[:, 0], size), Process(rank, world), False)) for rank in range(world)]
    assert all(torch.equal(part[:, 0], y) for share in shares for part, y in share)
    together = distributed.SeveralProcesses.__new__(distributed.SeveralProcesses)
    together.world = world

    def everyone(outputs, parts):
        outputs[:] = [[part for part, _ in share] for share in shares]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.distributed.all_gather_object", everyone)
        assert torch.equal(torch.cat(together.gather([])), x)


@pytest.mark.parametrize("world", [2, 3])
def test_in_training_a_mini_batch_without_a_row_for_each_process_is_left_out_by_all(world):
    loader = TensorLoader(torch.arange(11), torch.arange(11), 5)
    parties = [Process(rank, world) for rank in range(world)]
    steps = [[x.tolist() for x, _ in Share(loader, party, True)] for party in parties]
    assert [len(s) for s in steps] == [2] * world  # 5, 5 and not 1
    assert sorted(row for s in steps for x in s for row in x) == list(range(10))
    assert [party.passes for party in parties] == [1] * world


def test_numbers_of_a_type_that_cannot_be_sent_are_named(tmp_path):
    model = torch.nn.Linear(2, 2)
    model.register_buffer("steps", torch.zeros(3, dtype=torch.int16))
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        with pytest.raises(CourseError, match=r"steps of the model holds torch.int16, which .* cannot send to each other"):
            distributed.SeveralProcesses.same_weights(None, model)
        model.steps = model.steps.long()
        distributed.SeveralProcesses.same_weights(None, model)
    finally:
        torch.distributed.destroy_process_group()


def test_a_loader_that_can_take_its_share_is_told():
    class Sharing:
        shard = (0, 1)

        def __iter__(self):
            yield torch.tensor(self.shard), None

    loader = Sharing()
    ((x, _),) = Share(loader, Process(1, 4), False)
    assert x.tolist() == [1, 4]


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 5), (6, 4, 3, 3)])
def test_batch_norm_over_one_process_is_pytorchs(shape, monkeypatch):
    monkeypatch.setattr("torch.distributed.all_reduce", lambda tensor: None)
    torch.manual_seed(0)
    x = (torch.randn(shape) * 3 + 20).requires_grad_()
    theirs, ours = (
        [torch.zeros(4), torch.ones(4), torch.rand(4).requires_grad_(), torch.rand(4).requires_grad_()] for _ in "ab"
    )
    for a, b in zip(theirs, ours, strict=True):
        b.data.copy_(a.data)
    gradients = []
    for values, mode in ((theirs, nullcontext()), (ours, BatchNormOverAll())):
        x.grad = None
        with mode:
            outputs = F.batch_norm(x, *values, training=True, momentum=0.2)
        (outputs * torch.arange(outputs.numel()).view(shape).sin()).sum().backward()
        gradients.append([outputs, x.grad, values[2].grad, values[3].grad])
    for a, b in zip(theirs + gradients[0], ours + gradients[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    with BatchNormOverAll():
        still = F.batch_norm(x, *ours, training=False)
    torch.testing.assert_close(still, F.batch_norm(x, *ours, training=False))


def test_processes_without_enough_gpus_are_told_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    with pytest.raises(CourseError, match=r"2 processes need a GPU each, and this machine has 1"):
        launching.launch(2, "nothing", [])


# -- how they end ----------------------------------------------------------------------------------------------------------

ENDLESS = """
import os, sys, torch
from course_utils.training import Callback, Data, Learner
from course_utils.training.distributed import rank, world_size
from course_utils.training.launching import launch

class Say(Callback):
    def after_epoch(self, learner):
        if learner.epoch == 2:
            if rank() == 1 and "die" in sys.argv:
                os._exit(3)
            print(f"process {rank()} is there", flush=True)
        if learner.epoch == 2 and "die" in sys.argv:
            print(oct(os.stat(os.path.dirname(os.environ["COURSE_STORE"])).st_mode), flush=True)

if __name__ == "__main__" and world_size() == 1:
    launch(2, "endless", sys.argv[1:])
elif __name__ == "__main__":
    x = torch.randn(64, 4)
    data = Data.from_tensors((x, x[:, 0]), (x, x[:, 0]), batch_size=8)
    Learner(data, torch.nn.Linear(4, 1), callbacks=[Say()]).fit(0.01, 100_000)
    print("went on")
"""


def endless(folder, *arguments):
    (folder / "endless.py").write_text(ENDLESS)
    (folder / "temporary").mkdir()
    environment = {
        **ENVIRONMENT,
        "PYTHONPATH": os.pathsep.join([str(folder), ENVIRONMENT["PYTHONPATH"]]),
        "TMPDIR": str(folder / "temporary"),
    }
    return subprocess.Popen(
        [sys.executable, str(folder / "endless.py"), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_process_that_dies_ends_the_others_with_a_message(tmp_path):
    started = endless(tmp_path, "die")
    out, _ = started.communicate(timeout=300)
    assert started.returncode == 1
    assert "process 1 of 2 failed" in out
    assert "the others were ended with it" in out
    assert "went on" not in out
    assert "0o40700" in out  # what they meet in is closed to others
    assert_all_ended(started, tmp_path)


def test_nothing_listens_where_another_machine_could_reach_it_and_an_interrupt_ends_all(tmp_path):
    started = endless(tmp_path)
    out = ""
    with listening(started) as addresses:
        while out.count("is there") < 2:
            line = started.stdout.readline()
            assert line, out
            out += line
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does
    out += started.communicate(timeout=300)[0]
    assert started.returncode != 0
    assert "went on" not in out
    assert "Stopped by you" not in out  # which says that one may go on
    assert_all_ended(started, tmp_path)
    assert addresses, "the processes talk to each other"
    assert addresses <= {"127.0.0.1", "::1"}


@contextmanager
def listening(started):
    """The addresses at which a process, or one that it started, listened at any time within the block."""
    addresses, over = set(), threading.Event()

    def watch():
        family = psutil.Process(started.pid)
        while not over.wait(0.02):
            pids = {started.pid, *(child.pid for child in family.children(recursive=True))}
            found = [c for c in psutil.net_connections("tcp") if c.pid in pids and c.status == psutil.CONN_LISTEN]
            addresses.update(c.laddr.ip for c in found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield addresses
    finally:
        over.set()
        watcher.join()


def assert_all_ended(started, folder):
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)
    left = os.listdir(folder / "temporary")
    assert [name for name in left if not name.startswith("torchinductor")] == []  # PyTorch keeps those


def test_the_environment_is_as_before_and_the_folder_gone(monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")
    before = dict(os.environ)
    with launching._meeting_place() as folder:
        assert Path(os.environ[launching.STORE]).parent == folder
        assert folder.stat().st_mode & 0o777 == 0o700
    assert dict(os.environ) == before
    assert not folder.exists()


def test_no_place_for_temporary_files_is_said(monkeypatch):
    monkeypatch.setattr(launching, "TemporaryDirectory", full)
    with pytest.raises(CourseError, match="the disk is full"):
        launching.launch(2, "nothing", [])


def full(**_):
    raise OSError(errno.ENOSPC, "No space left on device")
