"""Random networks over sequences, small, from a seed: recurrent layers, attention, Transformer layers, norms."""

import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrent(nn.Module):
    """A recurrent layer: what it gives at each step, and perhaps its last states added to that."""

    def __init__(self, layer: nn.RNNBase, states: bool) -> None:
        super().__init__()
        self.layer = layer
        self.states = states

    def forward(self, x: Tensor) -> Tensor:
        out, last = self.layer(x)
        if not self.states:
            return out
        hidden, cell = last if isinstance(self.layer, nn.LSTM) else (last, last)
        both = hidden[-1] * cell[-1]
        if self.layer.bidirectional:
            both = torch.cat([both, hidden[-2]], dim=-1)
        return out + both.unsqueeze(1 if self.layer.batch_first else 0)


class Attend(nn.Module):
    """x + attention(x), with a mask or without, by the layer or by hand."""

    def __init__(self, size: int, heads: int, way: str, batch_first: bool) -> None:
        super().__init__()
        self.way, self.batch_first, self.heads = way, batch_first, heads
        if way.startswith("layer"):
            self.layer = nn.MultiheadAttention(size, heads, batch_first=batch_first, bias=way != "layer, no bias")
        else:
            self.projections = nn.ModuleList(nn.Linear(size, size, bias=n != 1) for n in range(3))

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1 if self.batch_first else 0]
        if self.way.startswith("layer"):
            mask = None
            if self.way == "layer, causal":
                mask = nn.Transformer.generate_square_subsequent_mask(length, dtype=x.dtype)
            elif self.way == "layer, window":
                mask = (torch.arange(length)[:, None] - torch.arange(length)).abs() > 1
            return x + self.layer(x, x, x, attn_mask=mask)[0]
        y = x if self.batch_first else x.transpose(0, 1)
        queries, keys, values = (each(y).view(1, length, self.heads, -1).transpose(1, 2) for each in self.projections)
        if self.way == "function":
            made = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        else:
            scores = queries @ keys.transpose(-2, -1) / queries.shape[-1] ** 0.5
            sees = torch.ones(length, length).tril()
            if self.way == "by hand, filled":
                scores = scores.masked_fill(sees == 0, float("-inf"))
            elif self.way == "by hand, added":
                scores = scores + (1 - sees) * -1e9
            made = scores.softmax(dim=-1) @ values
        made = made.transpose(1, 2).reshape(1, length, -1)
        return x + (made if self.batch_first else made.transpose(0, 1))


class OverSequence(nn.Module):
    """Layers one after the other, then one position, or all of them, through a linear layer."""

    def __init__(self, layers: list[nn.Module], size: int, position: int | None, batch_first: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.fc = nn.Linear(size, 3)
        self.position, self.batch_first = position, batch_first

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        if self.position is not None:
            x = x[:, self.position] if self.batch_first else x[self.position]
        return self.fc(x)


def random_sequence_network(seed: int) -> tuple[nn.Module, Tensor]:
    """A network in eval mode, and a sequence for it."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    batch_first = rng.random() < 0.7
    length, size = rng.randint(2, 6), rng.choice([2, 4, 6])
    x = torch.randn((1, length, size) if batch_first else (length, 1, size))
    layers = []
    for number in range(rng.randint(1, 3)):
        kinds = ["recurrent", "recurrent", "attention", "attention", "encoder", "linear", "norm", "activation"]
        if number == 0 and not batch_first:  # the layer that tells which axis is which
            kinds = kinds[:1]
        layer, size = _layer(rng, rng.choice(kinds), size, batch_first)
        layers.append(layer)
    model = OverSequence(layers, size, rng.choice([None, 0, -1]), batch_first)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.5)
    return model.eval(), x


def _layer(rng: random.Random, kind: str, size: int, batch_first: bool) -> tuple[nn.Module, int]:
    if kind == "recurrent":
        units, both = rng.randint(1, 4), rng.random() < 0.3
        options = {
            "num_layers": rng.choice([1, 1, 2]),
            "bidirectional": both,
            "batch_first": batch_first,
            "bias": rng.random() < 0.8,
        }
        layer = rng.choice([nn.RNN, nn.LSTM, nn.GRU])
        if layer is nn.RNN:
            options["nonlinearity"] = rng.choice(["tanh", "relu"])
        return Recurrent(layer(size, units, **options), rng.random() < 0.4), units * (1 + both)
    if kind in ("attention", "encoder"):
        heads = rng.choice([heads for heads in (1, 2, 3) if size % heads == 0])
        if kind == "attention":
            ways = ["layer", "layer, causal", "layer, window", "layer, no bias", "function", "by hand"]
            ways += ["by hand, filled", "by hand, added"]
            return Attend(size, heads, rng.choice(ways), batch_first), size
        options = {"norm_first": rng.random() < 0.5, "activation": rng.choice(["relu", "gelu"]), "batch_first": batch_first}
        return nn.TransformerEncoderLayer(size, heads, rng.randint(2, 5), **options), size
    if kind == "linear":
        outputs = rng.choice([2, 4, 6])
        return nn.Linear(size, outputs), outputs
    if kind == "norm":
        return nn.LayerNorm(size, elementwise_affine=rng.random() < 0.8), size
    return rng.choice([nn.ReLU(), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.Softmax(dim=-1), nn.LogSoftmax(dim=-1)]), size
