"""The networks by the lecture's names, and which of today's each is; one stands in where weights are not available."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.request import Request, urlopen

from torch import nn

from course_utils.lecture.messages import say
from course_utils.vision.networks.architectures import DEFAULT, Architecture, name_of, torchvision_names
from course_utils.vision.networks.backbones import available_offline, backbone

PATIENCE = 3.0  # seconds for an answer from where weights are downloaded

TODAY = {
    **{name: name for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")},
    "resnext50": "resnext50_32x4d",
    "resnext101": "resnext101_32x8d",
    "resnext101_64": "resnext101_64x4d",
    "wrn": "wide_resnet50_2",
    "vgg16": "vgg16_bn",  # with batch norms, as the lecture's library built it
    "vgg19": "vgg19_bn",
    **{f"dn{layers}": f"densenet{layers}" for layers in (121, 161, 169, 201)},
    "inception_4": "timm/inception_v4",
    "inceptionresnet_2": "timm/inception_resnet_v2",
}
"""The lecture's names, and the networks of torchvision or timm that they are."""


def _architecture(name: str) -> Callable[..., nn.Module]:
    def build(pretrained: bool = True) -> nn.Module:
        return backbone(network_of(build) if pretrained else TODAY[name], pretrained).body

    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"The body of {TODAY[name]}; to be passed, as in tfms_from_model({name}, 224)."
    return build


BUILDERS = {name: _architecture(name) for name in TODAY}


def __getattr__(name: str) -> Any:
    if name in BUILDERS:
        return BUILDERS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_decided: dict[str, str] = {}  # the network for each name, the same for transforms and learners


def network_of(f_model: Architecture) -> str:
    """Today's name of an architecture, or the installed network where its weights are not available; a line says so."""
    name = str(getattr(f_model, "__name__", ""))
    today = TODAY[name] if BUILDERS.get(name) is f_model else TODAY.get(str(f_model)) or name_of(f_model)
    if today not in _decided:
        _decided[today] = today if _available(today) else DEFAULT
    if _decided[today] != today:
        say(f"The weights of {name or today} are not available here, so {DEFAULT}, whose weights are, stands in for it.")
    return _decided[today]


def _available(today: str) -> bool:
    if today in available_offline():
        return True
    if today in torchvision_names():
        from torchvision import models

        return answers(models.get_model_weights(today)["DEFAULT"].url)
    import timm
    from huggingface_hub import constants, try_to_load_from_cache

    trained = timm.get_pretrained_cfg(today.removeprefix("timm/"))
    if trained is None:  # no such network, or one that nobody trained: the package says so
        return True
    repository = trained.hf_hub_id
    if repository and isinstance(try_to_load_from_cache(repository, "model.safetensors"), str):
        return True
    return bool(repository) and not constants.HF_HUB_OFFLINE and answers(f"https://huggingface.co/{repository}")


def answers(url: str) -> bool:
    """Whether something can be downloaded from there, asked for a few seconds at most."""
    found: list[bool] = []

    def ask() -> None:
        with suppress(Exception), urlopen(Request(url, method="HEAD"), timeout=PATIENCE):
            found.append(True)

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name may take longer than any timeout
    asking.start()
    asking.join(PATIENCE)
    return bool(found)
