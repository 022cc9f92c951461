"""Networks by name or by the function that builds them, sizes in the ways people write them, and pictures too small for one."""

import functools

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

from course_utils.errors import CourseError
from course_utils.vision import backbone, transforms_for
from course_utils.vision.networks import backbones
from course_utils.vision.networks.architectures import name_of, statistics
from course_utils.vision.networks.backbones import WeightsError
from course_utils.vision.networks.smallest import check_size
from course_utils.vision.transforms import Augmentation, side


@pytest.mark.parametrize(
    ("arch", "name"),
    [
        ("resnet18", "resnet18"),
        (torchvision.models.resnet18, "resnet18"),
        (torchvision.models.resnet.resnet18, "resnet18"),
        (functools.partial(torchvision.models.resnet18), "resnet18"),
        (timm.models.resnet.resnet18, "timm/resnet18"),
        (timm.models.convnext.convnext_atto, "timm/convnext_atto"),
    ],
)
def test_a_function_stands_for_its_name(arch: object, name: str) -> None:
    assert name_of(arch) == name  # type: ignore[arg-type]
    assert statistics(arch) == statistics(name)  # type: ignore[arg-type]
    assert transforms_for(arch, 64) == transforms_for(name, 64)  # type: ignore[arg-type]


def resnet18() -> nn.Module:
    """Of the same name as torchvision's, and not torchvision's."""
    return nn.Identity()


@pytest.mark.parametrize(
    ("arch", "words"),
    [
        (resnet18, "resnet18 of"),
        (torchvision.models.ResNet, "ResNet of torchvision"),
        (torchvision.models.quantization.resnet18, "resnet18 of torchvision.models.quantization"),
        (torchvision.models.ResNet18_Weights.DEFAULT, "of type ResNet18_Weights"),
        (functools.partial(torchvision.models.resnet18, weights=None), "functools.partial with its own arguments"),
        (nn.Linear(2, 2), "of type Linear"),
        (timm.create_model, "create_model of timm"),
        (torchvision.models, "of type module"),
        (18, "of type int"),
        (b"resnet18", "of type bytes"),
    ],
)
def test_what_names_no_network_is_refused(arch: object, words: str) -> None:
    for call in (lambda: backbone(arch, pretrained=False), lambda: transforms_for(arch, 64)):  # type: ignore[arg-type]
        with pytest.raises(CourseError, match=f"{words}.*give the name"):
            call()


def test_a_backbone_of_a_function_has_its_name() -> None:
    made = backbone(torchvision.models.resnet18, pretrained=False)
    assert (made.name, made.features) == ("resnet18", 512)


@pytest.mark.parametrize(
    "size", [24, 24.0, (24, 24), [24, 24], (24.0, 24), np.int64(24), np.float32(24), np.array([24, 24]), np.array(24)]
)
def test_one_size_in_many_ways(size: object) -> None:
    transforms = transforms_for(None, size)  # type: ignore[arg-type]
    assert transforms == transforms_for(None, 24)
    assert type(transforms.size) is int
    assert transforms.one(np.zeros((40, 60, 3), np.uint8)).shape == (3, 24, 24)


def test_tensors_are_sizes_too() -> None:
    assert side(torch.tensor(24)) == side(torch.tensor([24, 24])) == side(torch.Size([24, 24])) == 24


@pytest.mark.parametrize(
    "size",
    ["24", (24, 32), (24,), (24, 24, 3), 24.5, 0, -24, np.nan, np.inf, None, True, (True, True), {24}, "large", (24, "24")],
)
def test_other_sizes_are_refused_in_words(size: object) -> None:
    with pytest.raises(CourseError, match=r"size is .*give the pixels along one side"):
        transforms_for(None, size)  # type: ignore[arg-type]


@pytest.mark.parametrize("zoom", ["1.1", None, np.nan, np.inf, 0.9, (1, 2)])
def test_other_zooms_are_refused_in_words(zoom: object) -> None:
    with pytest.raises(CourseError, match="max_zoom is"):
        transforms_for(None, 24, max_zoom=zoom)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "value"), [("degrees", "10"), ("light", None), ("degrees", np.nan)])
def test_augmentations_of_numbers_alone(name: str, value: object) -> None:
    with pytest.raises(CourseError, match=f"{name} is"):
        Augmentation(**{name: value})  # type: ignore[arg-type]


def test_the_smallest_size_is_the_smallest() -> None:
    """Held against running the network: it takes that size, and no smaller one."""
    body = nn.Sequential(
        nn.Conv2d(3, 4, 11, stride=4, padding=2), nn.MaxPool2d(3, 2), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 5), nn.MaxPool2d(3, 2)
    )
    body.train()
    body[0].eval()
    with pytest.raises(CourseError, match=r"pictures of 20 x 20 pixels are too small for mine; give (\d+) or more") as caught:
        check_size(body, 20, "mine")
    smallest = int(str(caught.value).split("give ")[1].split()[0])
    body(torch.zeros(2, 3, smallest, smallest))
    with pytest.raises(RuntimeError):
        body(torch.zeros(2, 3, smallest - 1, smallest - 1))
    check_size(body, smallest)
    check_size(body, 300)
    assert body.training
    assert not body[0].training
    assert body[2].num_batches_tracked == 2  # of this test's own mini-batches
    assert {p.device.type for p in body.parameters()} == {"cpu"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "the disk is full.*TORCH_HOME.*make room"),
        (PermissionError(13, "Permission denied", "/hub"), "you may not write there"),
        (
            RuntimeError("PytorchStreamReader failed reading zip archive: failed finding central directory"),
            "delete their file in",
        ),
        (EOFError("Ran out of input"), "delete their file in"),
        (RuntimeError('invalid hash value (expected "a", got "b")'), "invalid hash value.*connect to the internet"),
    ],
)
def test_why_weights_cannot_be_had(error: Exception, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torchvision.models, "get_model", fail)
    with pytest.raises(WeightsError, match=f"weights of resnet18 are not available.*{words}.*pretrained=False"):
        backbone("resnet18")


def test_installed_weights_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", fail)
    with pytest.raises(WeightsError, match=r"cannot be read from .*57934424.pth \(Permission denied\)"):
        backbone(backbones.DEFAULT)
