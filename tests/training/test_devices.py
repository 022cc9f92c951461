"""Devices by their names: those of this machine, and a sentence for all others."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from course_utils.errors import CourseError
from course_utils.training.devices import as_device, default_device
from course_utils.training.precision import Precision


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(CourseError, match=r"device is 'gpu'; give 'cpu', 'cuda' \(an NVIDIA GPU\) or 'mps'"):
        as_device("gpu")
    for name in (f"cuda:{torch.cuda.device_count()}", "hpu"):
        with pytest.raises(CourseError, match=f"device is '{name}', and PyTorch finds no such device here"):
            as_device(name)


def test_whatever_pytorch_computes_on_is_taken():
    assert as_device(torch.device("cpu")).type == "cpu"
    with FakeTensorMode():
        assert as_device("cuda").type == "cuda"  # tensors without memory, which stand for those of a GPU


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
