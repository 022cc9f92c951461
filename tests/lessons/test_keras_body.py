"""A network of PyTorch as a Keras model computes and learns what PyTorch would."""

import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.lessons import keras_body as module
from course_utils.lessons.keras_body import keras_body, load_keras
from course_utils.vision.networks.backbones import Backbone, backbone

if find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)
keras = load_keras()


@pytest.fixture(scope="module")
def pictures():
    return torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def with_head(body):
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_first")(body.output)
    model = keras.Model(body.input, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    return model


def state(body):
    return {
        f"{layer.name}.{name}": value.clone()
        for layer in body.layers[1:]
        for name, value in layer.module.state_dict().items()
        if "num_batches" not in name
    }


def changed(body, before):
    """The layers whose weights, and those whose running averages, are not what they were."""
    now = state(body)
    names = [name for name in now if not torch.equal(now[name], before[name])]
    averages = {name.split(".")[0] for name in names if "running" in name}
    return {name.split(".")[0] for name in names if "running" not in name}, averages


def test_the_default_network_gives_the_maps_that_it_gives_in_pytorch(pictures):
    pictures = nn.functional.interpolate(pictures[:2], size=64)
    body = keras_body(size=64)
    with torch.no_grad():
        expected = backbone().body.eval()(pictures)
        torch.testing.assert_close(body(pictures), expected, rtol=1e-4, atol=1e-4)
    assert body.output_shape == (None, *expected.shape[1:])
    assert [layer.name for layer in body.layers][1:4] == ["conv_stem", "bn1", "blocks_0"]


def fit_from(first, pictures, bn_frozen=True):
    """What moves in a fit of a ResNet that is frozen before layer `first`."""
    body = keras_body("resnet18", size=32, pretrained=False, bn_frozen=bn_frozen)
    body.trainable = True
    for layer in body.layers[:first]:
        layer.trainable = False
    model, before = with_head(body), state(body)
    model.fit(pictures, np.arange(8) % 2, batch_size=4, epochs=1, verbose=0)
    return body, *changed(body, before)


@pytest.mark.parametrize("bn_frozen", [True, False])
def test_a_frozen_body_does_not_move_nor_do_its_averages(pictures, bn_frozen):
    body, weights, averages = fit_from(None, pictures, bn_frozen)
    assert (weights, averages) == (set(), set())
    assert body.trainable_weights == []


def test_from_the_unfrozen_layer_on_weights_move_and_averages_stay(pictures):
    body, weights, averages = fit_from(-2, pictures)
    assert weights == {layer.name for layer in body.layers[-2:]} == {"layer4_0", "layer4_1"}
    assert averages == set()


def test_averages_move_where_that_is_asked_for_and_only_in_layers_that_train(pictures):
    _, weights, averages = fit_from(-2, pictures, bn_frozen=False)
    assert weights == averages == {"layer4_0", "layer4_1"}


def test_where_keras_is_missing_or_on_another_backend_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(CourseError, match="install it with: pip install 'keras>=3'"):
        keras_body()
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "jax")))
    with pytest.raises(CourseError, match=r'its jax backend.*Restart the kernel.*"KERAS_BACKEND"'):
        keras_body()


def test_pictures_that_are_too_small_are_refused_as_in_a_learner():
    with pytest.raises(CourseError, match="4 x 4 pixels are too small for squeezenet1_1"):
        keras_body("squeezenet1_1", size=4, pretrained=False)


def test_a_network_with_a_way_around_its_layers_is_refused(monkeypatch):
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            return x + self.two(self.one(x))

    body = Around()
    monkeypatch.setattr(module, "backbone", lambda *_: Backbone("around", body, 3, ([body.one], [body.two])))
    with pytest.raises(CourseError, match="around is not a row of layers"):
        keras_body(size=64)
