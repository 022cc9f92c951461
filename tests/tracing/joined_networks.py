"""Random networks with embeddings, sequences, several inputs and branches, small, from a seed."""

import random
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tabular.model import TabularModel


class SqueezeExcite(nn.Module):
    """Each channel times a share that is computed from the means of all (Hu et al. 2018)."""

    def __init__(self, channels: int, by_hand: bool) -> None:
        super().__init__()
        self.by_hand = by_hand
        self.down, self.up = nn.Linear(channels, 2), nn.Linear(2, channels)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3)) if self.by_hand else self.pool(x).flatten(1)
        shares = self.up(self.down(means).relu()).sigmoid()
        return x * (shares[:, :, None, None] if self.by_hand else shares.view(1, -1, 1, 1))


class Branches(nn.Module):
    """Two branches, concatenated or multiplied, in one of the ways people write it."""

    def __init__(self, first: nn.Module, second: nn.Module, way: int) -> None:
        super().__init__()
        self.first, self.second, self.way = first, second, way

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.first(x), self.second(x)
        return (torch.cat([a, b], 1), torch.stack([a, b], 1).flatten(1, 2), a * b, 1 - a / 2 + b.sub(3.5))[self.way]


class Reduced(nn.Module):
    """A mean, a sum or the largest number over some axes."""

    def __init__(self, how: str, axes: tuple[int, ...], keepdim: bool) -> None:
        super().__init__()
        self.how, self.axes, self.keepdim = how, axes, keepdim

    def forward(self, x: Tensor) -> Tensor:
        return getattr(x, self.how)(self.axes, keepdim=self.keepdim)


class Tokens(nn.Module):
    """Codes looked up, places added to them, and channels put first for convolutions."""

    def __init__(self, codes: int, size: int, length: int) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(codes, size, padding_idx=0), nn.Parameter(torch.randn(1, length, size))

    def forward(self, codes: Tensor) -> Tensor:
        return (self.table(codes) + self.places).transpose(1, 2)


def joined_network(seed: int) -> tuple[nn.Module, Any]:
    """A network in eval mode with lived-in batch norms, and an input for it."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    model, x = (_pictures, _sequences, _table)[seed % 3](rng)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.3, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model.eval(), x


def _pictures(rng: random.Random) -> tuple[nn.Module, Tensor]:
    x = torch.randn(1, rng.randint(1, 4), rng.randint(3, 6), rng.randint(3, 6))
    layers: list[nn.Module] = []
    for _ in range(rng.randint(1, 4)):
        with torch.no_grad():
            _, channels, height, width = nn.Sequential(*layers).eval()(x).shape
        layers.append(_picture_layer(rng, channels, height, width))
    if rng.random() < 0.4:
        layers.append(Reduced(rng.choice(["mean", "sum", "amax", "amin"]), rng.choice([(2, 3), (1,), (2,), (-1,)]), False))
    return nn.Sequential(*layers), x


def _picture_layer(rng: random.Random, channels: int, height: int, width: int) -> nn.Module:
    kind = rng.choice(["transpose", "transpose", "up", "up", "excite", "branches", "pad", "norm", "shuffle", "reduced"])
    if height * width > 120 and kind in ("transpose", "up"):
        kind = "reduced"
    if kind == "transpose":
        groups = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
        stride, dilation = rng.choice([1, 2, (2, 1), 3]), rng.choice([1, 1, 2])
        largest = min(stride) if isinstance(stride, tuple) else stride
        extra = rng.choice([0, largest - 1]) if largest > 1 else 0
        outputs = groups * rng.randint(1, max(1, 4 // groups))
        kernel, padding = rng.choice([2, 3, (3, 2)]), rng.choice([0, 0, 1])
        return nn.ConvTranspose2d(channels, outputs, kernel, stride, padding, extra, groups, rng.random() < 0.7, dilation)
    if kind == "up":
        mode = rng.choice(["nearest", "bilinear", "bilinear", "bicubic"])
        corners = None if mode == "nearest" else rng.random() < 0.5
        if rng.random() < 0.5:
            return nn.Upsample(size=(rng.randint(2, 9), rng.randint(2, 9)), mode=mode, align_corners=corners)
        return nn.Upsample(scale_factor=rng.choice([2, (1, 3), 1.5]), mode=mode, align_corners=corners)
    if kind == "excite":
        return SqueezeExcite(channels, rng.random() < 0.5)
    if kind == "branches":
        outputs = rng.randint(1, 2)
        return Branches(nn.Conv2d(channels, outputs, 3, padding=1), nn.Conv2d(channels, outputs, 1), rng.randint(0, 3))
    if kind == "pad":
        return rng.choice([nn.ZeroPad2d((1, 0, 2, 1)), nn.ReflectionPad2d(1), nn.ReplicationPad2d((0, 2, 1, 0))])
    if kind == "shuffle" and channels == 4:
        return nn.PixelShuffle(2)
    if kind == "reduced":
        return Reduced(rng.choice(["mean", "sum", "amax"]), rng.choice([(1,), (2,), (1, 3)]), True)
    return nn.BatchNorm2d(channels)


def _sequences(rng: random.Random) -> tuple[nn.Module, Tensor]:
    length, size = rng.randint(5, 9), rng.randint(1, 4)
    codes = rng.random() < 0.5
    x = torch.randint(6, (length,)) if codes else torch.randn(1, size, length)
    layers: list[nn.Module] = [Tokens(6, size, length) if codes else nn.Conv1d(size, size, 3, padding=1)]
    for _ in range(rng.randint(1, 4)):
        with torch.no_grad():
            _, channels, length = nn.Sequential(*layers).eval()(x[None] if codes else x).shape
        layers.append(_sequence_layer(rng, channels, length))
    end = rng.choice(["mean", "flat", "positions", "largest"])
    with torch.no_grad():
        _, channels, length = nn.Sequential(*layers).eval()(x[None] if codes else x).shape
    if end == "flat":
        layers += [nn.Flatten(), nn.Linear(channels * length, 3)]
    if end == "positions":
        layers += [nn.Linear(length, 2), nn.Tanh()]
    if end in ("mean", "largest"):
        layers += [Reduced("mean" if end == "mean" else "amax", (2,), False), nn.Linear(channels, 3), nn.Softmax(1)]
    return nn.Sequential(*layers), x


def _sequence_layer(rng: random.Random, channels: int, length: int) -> nn.Module:
    kinds = ["conv", "conv", "transpose", "max", "average", "adaptive", "norm", "up", "branches", "relu"]
    kind = rng.choice(kinds if length < 20 else ["max", "adaptive"])
    groups = rng.choice([g for g in range(1, channels + 1) if channels % g == 0])
    outputs = groups * rng.randint(1, max(1, 4 // groups))
    if kind == "conv":
        padding = rng.choice([2, 2, 3, "same"])
        stride = 1 if padding == "same" else rng.choice([1, 2])
        dilation = rng.choice([1, 2])
        return nn.Conv1d(channels, outputs, rng.choice([1, 2, 3]), stride, padding, dilation, groups, rng.random() < 0.7)
    if kind == "transpose":
        stride = rng.choice([1, 2])
        return nn.ConvTranspose1d(channels, outputs, rng.choice([2, 3]), stride, 0, rng.choice([0, stride - 1]), groups)
    if kind == "max" and length >= 4:
        return nn.MaxPool1d(rng.choice([2, 3]), rng.choice([None, 1, 2]), rng.choice([0, 1]), 1, ceil_mode=rng.random() < 0.4)
    if kind == "average" and length >= 4:
        include = rng.random() < 0.5
        return nn.AvgPool1d(rng.choice([2, 3]), rng.choice([None, 1]), rng.choice([0, 1]), rng.random() < 0.4, include)
    if kind == "adaptive":
        return rng.choice([nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d])(rng.choice([2, 3]))
    if kind == "up":
        mode = rng.choice(["nearest", "linear"])
        return nn.Upsample(scale_factor=rng.choice([2, 1.5]), mode=mode, align_corners=None if mode == "nearest" else True)
    if kind == "branches":
        return Branches(nn.Conv1d(channels, 2, 1), nn.Conv1d(channels, 2, 3, padding=1), rng.randint(0, 3))
    return nn.BatchNorm1d(channels) if kind == "norm" else nn.ReLU()


def _table(rng: random.Random) -> tuple[nn.Module, Any]:
    sizes = [(rng.randint(2, 6), rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
    continuous, layers = rng.randint(1, 4), [rng.randint(1, 5) for _ in range(rng.randint(1, 2))]
    y_range = rng.choice([None, (0.0, 3.3), (-1, 2)])
    model = TabularModel(sizes, continuous, layers, [0.1] * len(layers), 0.1, y_range)
    codes, values = torch.tensor([rng.randrange(codes) for codes, _ in sizes]), torch.randn(continuous)
    return model, rng.choice([(codes, values), {"codes": codes[None], "values": values[None]}])
