import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.errors import CourseError
from course_utils.vision import adapt_input_channels, backbone
from course_utils.vision.networks.heads import ConcatPool, head


def test_concat_pool_is_average_then_maximum():
    x = torch.randn(3, 5, 4, 6)
    expected = torch.cat([F.adaptive_avg_pool2d(x, 1).flatten(1), F.adaptive_max_pool2d(x, 1).flatten(1)], dim=1)
    assert torch.allclose(ConcatPool()(x), expected)


def test_the_head_has_the_layers_of_the_lecture():
    layers = head(2560, 3, dropout=0.5)
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["BatchNorm1d", "Dropout", "Linear", "ReLU", "BatchNorm1d", "Dropout", "Linear"]
    assert (layers[1].p, layers[5].p) == (0.25, 0.5)
    assert (layers[2].out_features, layers[6].out_features) == (512, 3)
    with pytest.raises(CourseError, match="dropout is 1"):
        head(4, 2, dropout=1)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3)).double()


def rgb(network, x):
    with torch.no_grad():
        return network(x)


def test_one_channel_equals_three_copies_of_it(network):
    x = torch.randn(2, 1, 9, 9).double()
    expected = rgb(network, x.expand(-1, 3, -1, -1))
    assert torch.allclose(rgb(adapt_input_channels(network, 1), x), expected, atol=1e-12)


def test_two_channels_equal_a_third_that_is_their_mean(network):
    x = torch.randn(2, 2, 9, 9).double()
    expected = rgb(network, torch.cat([x, x.mean(1, keepdim=True)], dim=1))
    assert torch.allclose(rgb(adapt_input_channels(network, 2), x), expected, atol=1e-12)


def test_a_fourth_channel_is_ignored_at_first_and_learnt_then(network):
    x = torch.randn(2, 4, 9, 9).double()
    expected = rgb(network, x[:, :3])
    adapted = adapt_input_channels(network, 4)
    assert torch.allclose(rgb(adapted, x), expected, atol=1e-12)
    adapted(x).square().sum().backward()
    assert adapted[0].weight.grad[:, 3].abs().sum() > 0


def test_three_channels_stay_as_they_are_and_frozen_stays_frozen(network):
    before = network[0].weight.clone()
    network.requires_grad_(False)
    adapt_input_channels(network, 3)
    assert torch.equal(network[0].weight, before)
    assert not network[0].weight.requires_grad


@pytest.mark.parametrize("arch", ["efficientnet_lite0", "resnet18", "densenet121"])
def test_whole_backbones_take_other_channels(arch):
    body = adapt_input_channels(backbone(arch, pretrained=False).body, 4)
    with torch.no_grad():
        assert body.eval()(torch.zeros(1, 4, 64, 64)).ndim == 4


def test_what_cannot_be_adapted_is_named():
    with pytest.raises(CourseError, match="5 channels"):
        adapt_input_channels(nn.Conv2d(3, 4, 3), 5)
    with pytest.raises(CourseError, match="1 input channels"):
        adapt_input_channels(nn.Conv2d(1, 4, 3), 4)
    with pytest.raises(CourseError, match="none"):
        adapt_input_channels(nn.Linear(1, 4), 4)
