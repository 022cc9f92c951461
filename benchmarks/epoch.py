"""What the Learner adds to an epoch: against the shortest loop that one would write by hand."""

import tempfile

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.measure import Row, alternate, seconds
from course_utils.training import Data, Learner, set_seed

STEPS, BATCH_SIZE, RATE = 240, 64, 0.01


def network() -> nn.Module:
    set_seed(0)
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def rows(quick: bool) -> list[Row]:
    """The same network, mini-batches by a random order of the same tensors, and SGD with momentum, in one thread.

    The Learner also validates on one mini-batch and records every step; the loop by hand does neither. A network as small as
    this gains nothing from a second thread, and whatever else the machine does would disturb two threads more than one.
    """
    set_seed(1)
    x, y = torch.randn(STEPS * BATCH_SIZE, 784), torch.randint(10, (STEPS * BATCH_SIZE,))
    by_hand = network()

    def loop() -> None:
        optimizer = torch.optim.SGD(by_hand.parameters(), lr=RATE, momentum=0.9)
        by_hand.train()
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            inputs, targets = x[rows], y[rows]
            optimizer.zero_grad()
            loss = F.cross_entropy(by_hand(inputs), targets)
            loss.backward()
            optimizer.step()

    with tempfile.TemporaryDirectory() as folder:
        data = Data.from_tensors((x, y), (x[:BATCH_SIZE], y[:BATCH_SIZE]), batch_size=BATCH_SIZE, path=folder).to("cpu")
        learner = Learner(data, network(), progress=False)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        learner.fit(RATE, 1)  # the first of each is slower, for reasons of PyTorch's own
        loop()
        ours, peer, ratio = alternate(
            lambda: seconds(lambda: learner.fit(RATE, 1)), lambda: seconds(loop), runs=3 if quick else 15
        )
        torch.set_num_threads(threads)
    name = f"Learner, an epoch of {STEPS} steps / loop by hand"
    return [Row(name, f"{ours / STEPS * 1e6:.0f} us a step", f"{peer / STEPS * 1e6:.0f} us a step", ratio, goal=1.03)]
