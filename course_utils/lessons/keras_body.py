"""Backbones of this package as Keras models, for Keras 3 on its PyTorch backend, with the weights they have here."""

import os
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.vision.networks.architectures import DEFAULT, Architecture
from course_utils.vision.networks.backbones import backbone
from course_utils.vision.networks.smallest import check_size

if TYPE_CHECKING:
    import keras


def load_keras() -> Any:
    """Import Keras on its PyTorch backend, which `KERAS_BACKEND` names, and give the module.

    Raises CourseError where Keras 3 is not installed, or was imported on another backend already.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError as error:
        raise CourseError(f"Keras cannot be imported ({error}); install it with: pip install 'keras>=3'") from error
    backend = keras.backend.backend()
    if backend != "torch":
        raise CourseError(
            f"Keras runs on its {backend} backend; networks of PyTorch need its torch backend. Restart the kernel, and before "
            'anything imports Keras run: import os; os.environ["KERAS_BACKEND"] = "torch"'
        )
    return keras


def keras_body(arch: Architecture = DEFAULT, size: int = 128, pretrained: bool = True, bn_frozen: bool = True) -> "keras.Model":
    """The convolutional part of a network as a Keras model, as `keras.applications.ResNet50(include_top=False)` is one.

    It takes pictures (N, 3, size, size) and gives feature maps (N, features, h, w): channels come before rows and columns, as
    in PyTorch. Each layer is one of the network's own, or one of its blocks, and shares their weights, so layers can be frozen
    one by one, such as `for layer in body.layers[:6]: layer.trainable = False`.

    Args:
        arch: see `course_utils.vision.backbone`; the default has its weights installed.
        size: the side of the pictures in pixels.
        pretrained: False leaves the weights random.
        bn_frozen: keep the running averages of every batch norm as they are, in layers that train too, as after
            `learner.bn_freeze(True)`. With False they move in layers that are not frozen, as Keras's own do.

    Raises:
        WeightsError: pretrained weights are not available; the message says which are.
        CourseError: Keras is missing or on another backend, the pictures are too small, or the network is no row of layers.

    >>> body = keras_body("resnet18", size=64, pretrained=False)
    >>> body.output_shape, len(body.layers), body.count_params()
    ((None, 512, 2, 2), 13, 11176512)
    """
    keras = load_keras()
    base = backbone(arch, pretrained)
    check_size(base.body, size, base.name)
    layer = _layer_class(bn_frozen)
    inputs = x = keras.Input((3, size, size))
    with torch.no_grad():
        maps = torch.rand(1, 3, size, size)
        expected = base.body.eval()(maps)
        for name, module in _row(base.body):
            maps = module(maps)
            x = layer(module, name=name, output_shape=(None, *maps.shape[1:]))(x)
    if not torch.allclose(maps, expected):
        raise CourseError(f"{base.name} is not a row of layers, one after another; take a network such as {DEFAULT!r}")
    return keras.Model(inputs, x, name=base.name.replace("/", "_"))


def _row(body: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers of a network in order; of a container those in it. What does nothing is left out."""
    layers: list[tuple[str, nn.Module]] = []
    for name, child in body.named_children():
        inside = [(f"{name}_{inner}", layer) for inner, layer in child.named_children()]
        layers += inside if isinstance(child, nn.Sequential) else [(name, child)]
    return [(name, layer) for name, layer in layers if not isinstance(layer, nn.Identity)]


def _layer_class(bn_frozen: bool) -> Any:
    wrapper: Any = load_keras().layers.TorchModuleWrapper

    class TorchLayer(wrapper):
        """A layer of PyTorch that is in evaluation mode while it is frozen, as Keras's own batch norm is.

        Keras's wrapper alone would go on moving the running averages of a frozen batch norm.
        """

        def call(self, x: torch.Tensor, training: bool | None = None) -> torch.Tensor:
            x = x.contiguous(memory_format=torch.channels_last)  # what convolutions are fastest in
            learns = bool(training and self.trainable and not bn_frozen)
            result: torch.Tensor = super().call(x, training=learns)
            return result

    return TorchLayer
