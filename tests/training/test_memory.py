"""Memory that is full is said in words, and the learner can be used at once."""

import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.training import Callback, Data, Learner, OutOfMemory


class Hungry(nn.Module):
    """A network that fails as PyTorch does when memory is full, once it is told to."""

    error = None

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.seen = []

    def forward(self, x):
        activations = self.linear(x)
        self.seen.append(weakref.ref(activations))
        if self.error is not None:
            raise self.error
        return activations


def made():
    x = torch.randn(32, 4)
    y = (x[:, 0] > 0).long()
    return Learner(Data.from_tensors((x, y), (x, y), batch_size=8), Hungry(), progress=False)


CALLS = [lambda x: x.fit(0.1, 1), lambda x: x.validate(), lambda x: x.predict(), lambda x: x.lr_find()]
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"),
    MemoryError(),
    np._core._exceptions._ArrayMemoryError((10**6, 10**6), np.dtype(float)),
]


@pytest.mark.parametrize(("call", "error"), list(zip([*CALLS, CALLS[0]], ERRORS, strict=True)))
def test_full_memory_says_what_to_make_smaller_and_lets_go_of_what_it_held(call, error):
    learner = made()
    learner.model.error = error
    with pytest.raises(OutOfMemory, match=r"memory is full while .* smaller batch_size \(now 8\)") as caught:
        call(learner)
    gc.collect()
    assert all(ref() is None for ref in learner.model.seen)  # though `caught` is kept, as notebooks do
    assert caught.value.__cause__ is None
    learner.model.error = None
    learner.fit(0.1, 1)
    learner.validate()


@pytest.mark.parametrize("moment", ["before_fit", "after_fit"])
def test_full_memory_around_a_fit_is_told_too(moment):
    def fill(callback, learner):
        raise MemoryError

    learner = made()
    learner.callbacks.append(type("Hoarder", (Callback,), {moment: fill})())
    with pytest.raises(OutOfMemory, match=r"memory is full while training\. .* smaller batch_size \(now 8\)"):
        learner.fit(0.1, 1)


def test_after_fit_finds_free_memory():
    found = []

    class Looking(Callback):
        def after_fit(self, learner):
            gc.collect()
            found.extend(ref() for ref in learner.model.seen)

    learner = made()
    learner.model.error = MemoryError()
    learner.callbacks.append(Looking())
    with pytest.raises(OutOfMemory):
        learner.fit(0.1, 1)
    assert found == [None]


def test_the_processors_own_complaint():
    class Huge(Hungry):
        def forward(self, x):
            torch.empty(2**60)
            return super().forward(x)

    learner = made()
    learner.model = Huge()
    with pytest.raises(OutOfMemory, match="smaller batch_size"):
        learner.predict()


def test_other_errors_are_not_taken_for_it():
    learner = made()
    learner.model.error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        learner.fit(0.1, 1)
