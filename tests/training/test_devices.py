"""Devices by their names: those of this machine, and a sentence for all others."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from course_utils.errors import CourseError
from course_utils.training.devices import as_device, default_device


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
