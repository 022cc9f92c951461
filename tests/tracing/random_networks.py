"""Random networks of every supported layer, small, from a seed."""

import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """x + f(x), with the sum written in one of the ways people write it."""

    def __init__(self, body: nn.Module, way: int) -> None:
        super().__init__()
        self.body = body
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        if self.way == 0:
            return x + self.body(x)
        if self.way == 1:
            return torch.add(self.body(x), x)
        out = self.body(x)
        out += x
        return F.relu(out)


class Head(nn.Module):
    """Flattening by hand, as old code does."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.view(x.size(0), -1))


def random_network(seed: int) -> tuple[nn.Module, Tensor]:
    """A network in eval mode with lived-in batch norms, and an input for it."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    channels, height, width = rng.randint(1, 4), rng.randint(5, 11), rng.randint(5, 11)
    x = torch.randn(1, channels, height, width)
    layers: list[nn.Module] = []

    def shape() -> tuple[int, ...]:
        with torch.no_grad():
            return tuple(nn.Sequential(*layers).eval()(x).shape[1:])

    for _ in range(rng.randint(1, 5)):
        layers.append(_image_layer(rng, *shape()))
    if rng.random() < 0.85:
        features = int(torch.tensor(shape()).prod())
        outputs = rng.randint(1, 6)
        if rng.random() < 0.3:
            layers.append(Head(features, outputs))
        else:
            layers += [nn.Flatten()]
            if rng.random() < 0.3 and features < 60:
                layers.append(nn.BatchNorm1d(features))
            layers.append(nn.Linear(features, outputs, bias=rng.random() < 0.8))
        if rng.random() < 0.4:
            layers += [_activation(rng), nn.Dropout(), nn.Linear(outputs, 4)]
        if rng.random() < 0.3:
            layers.append(rng.choice([nn.Softmax(dim=1), nn.LogSoftmax(dim=1)]))
    if rng.random() < 0.5 and len(layers) > 2:  # nested
        layers = [nn.Sequential(*layers[:2]), *layers[2:]]
    model = nn.Sequential(*layers)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.3, 2)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return model.eval(), x


def _activation(rng: random.Random) -> nn.Module:
    kinds = [nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(rng.choice([0.01, 0.2])), nn.Sigmoid(), nn.Tanh()]
    return rng.choice(kinds)


def _image_layer(rng: random.Random, channels: int, height: int, width: int) -> nn.Module:
    smallest = min(height, width)
    kind = rng.choice(["conv", "conv", "conv", "activation", "norm", "max", "avg", "adaptive", "residual", "same"])
    if kind == "conv":
        groups = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
        outputs = groups * rng.randint(1, max(1, 4 // groups))
        dilation = rng.choice([1, 1, 2, (2, 1)])
        padding = rng.choice([0, 1, 2, (1, 0)])
        kernel = rng.choice([k for k in (1, 2, 3, (3, 2), (1, 3)) if _fits(k, dilation, padding, height, width)])
        stride = rng.choice([1, 1, 2, (2, 1)])
        return nn.Conv2d(channels, outputs, kernel, stride, padding, dilation, groups, bias=rng.random() < 0.7)
    if kind == "activation":
        return _activation(rng)
    if kind == "norm":
        return nn.BatchNorm2d(channels, affine=rng.random() < 0.8, eps=rng.choice([1e-5, 1e-3]))
    if kind == "same":
        return rng.choice(
            [nn.Identity(), nn.Dropout2d(0.5), nn.Conv2d(channels, 2, 3, padding="same", dilation=rng.choice([1, 2]))]
        )
    if kind == "max" and smallest >= 3:
        dilation = rng.choice([1, 1, 2]) if smallest >= 5 else 1
        return nn.MaxPool2d(
            rng.choice([2, 2, 3]) if smallest >= 5 else 2,
            rng.choice([None, 1, 2]),
            1 if rng.random() < 0.3 else 0,
            dilation,
            ceil_mode=rng.random() < 0.3,
        )
    if kind == "avg" and smallest >= 3:
        padding = rng.choice([0, 1])
        return nn.AvgPool2d(
            rng.choice([2, 3]),
            rng.choice([None, 1, 2]),
            padding,
            ceil_mode=rng.random() < 0.3,
            count_include_pad=rng.random() < 0.5,
            divisor_override=rng.choice([None, None, 5]),
        )
    if kind == "adaptive":
        size = rng.choice([1, 2, (3, 2), (None, 1)])
        return rng.choice([nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])(size)
    if kind == "residual":
        body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        return Residual(body, rng.randint(0, 2))
    return nn.ReLU()


def _fits(kernel, dilation, padding, height: int, width: int) -> bool:
    k, d, p = ((v, v) if isinstance(v, int) else v for v in (kernel, dilation, padding))
    return height + 2 * p[0] > (k[0] - 1) * d[0] and width + 2 * p[1] > (k[1] - 1) * d[1]
