"""Devices by their names: those of this machine, and a sentence for all others."""

from contextlib import nullcontext

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from course_utils.errors import CourseError
from course_utils.training.devices import as_device, default_device, random_state, restore_random_state
from course_utils.training.launching import check_machine
from course_utils.training.precision import Precision


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(CourseError, match=r"device is 'gpu'; give 'cpu', 'cuda' \(an NVIDIA GPU\) or 'mps'"):
        as_device("gpu")
    for name in (f"cuda:{torch.cuda.device_count()}", "hpu"):
        with pytest.raises(CourseError, match=f"device is '{name}', which PyTorch cannot use here"):
            as_device(name)
    with pytest.raises(CourseError, match="device is 'meta', where tensors have shapes and no numbers"):
        as_device("meta")


def test_a_gpu_that_is_full_is_not_said_to_be_missing(monkeypatch):
    def full(*shape, device):
        raise torch.OutOfMemoryError("CUDA error: out of memory\nCUDA kernel errors might be reported later")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(CourseError, match=r"device is 'cuda', which PyTorch cannot use here \(CUDA error: out of memory\)"):
        as_device("cuda")


def test_whatever_pytorch_computes_on_is_taken():
    assert as_device(torch.device("cpu")).type == "cpu"
    with FakeTensorMode():
        assert as_device("cuda").type == "cuda"  # tensors without memory, which stand for those of a GPU


def test_random_numbers_of_gpus_are_kept_where_one_computes_and_fit_the_gpus_that_are_here(monkeypatch):
    states, put = [torch.zeros(16), torch.ones(16)], []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: states)
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", put.extend)
    kept = random_state()
    assert kept["cuda"] == []  # to ask would take memory of a GPU that somebody else needs
    restore_random_state(kept | {"cuda": states})
    assert put == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    restore_random_state(random_state())  # of two GPUs, on one
    assert put == states[:1]


@pytest.mark.parametrize(("named", "processes", "refused"), [("cuda:0", 2, True), ("cuda:0", 1, False), ("cuda", 2, False)])
def test_a_gpu_that_is_named_is_not_shared_by_several_processes(named, processes, refused, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", named)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        FakeTensorMode(),
        pytest.raises(CourseError, match="COURSE_DEVICE is 'cuda:0', where one") if refused else nullcontext(),
    ):
        check_machine(processes)


def test_the_environment_names_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert default_device().type == "cpu"
    monkeypatch.setenv("COURSE_DEVICE", "")
    assert default_device().type == "cuda"
    monkeypatch.setenv("COURSE_DEVICE", "gpu")
    with pytest.raises(CourseError, match=r"COURSE_DEVICE is 'gpu'; give 'cpu', 'cuda'"):
        default_device()


def test_sixteen_bits_are_for_gpus_and_not_for_a_regression(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    gpu, model = torch.device("cuda"), torch.nn.Linear(1, 1)
    assert Precision(model, gpu, "single-label").mixed
    assert Precision(model, gpu, "multi-label").mixed
    assert not Precision(model, gpu, "regression").mixed  # 8.71 would be 8.6875 or 8.75: three percent of the sales
    assert Precision(model, gpu, "regression", mixed=True).mixed
    assert not Precision(model, torch.device("cpu"), "single-label").mixed
