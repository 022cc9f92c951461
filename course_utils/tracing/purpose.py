"""What a model reads, told from its layers: pictures, sequences, or anything."""

from typing import Any

import torch
from torch import Tensor, nn

from course_utils.tracing.errors import TraceError

PICTURES = (
    *(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
    *(nn.AdaptiveMaxPool2d, nn.Dropout2d, nn.PixelShuffle, nn.PixelUnshuffle, nn.ZeroPad2d),
    *(nn.ReflectionPad2d, nn.ReplicationPad2d, nn.LocalResponseNorm),
)
SEQUENCES = (
    *(nn.Conv1d, nn.ConvTranspose1d, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.InstanceNorm1d),
    *(nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.Transformer),
)


def reading(model: nn.Module) -> tuple[str, bool]:
    """What a model reads, and whether the batch axis of its sequences is the second one.

    >>> reading(nn.Sequential(nn.Conv2d(1, 1, 3))), reading(nn.LSTM(2, 3)), reading(nn.Linear(2, 3))
    (('pictures', False), ('sequences', True), ('any', False))
    >>> reading(nn.Sequential(nn.BatchNorm1d(2), nn.Upsample(scale_factor=2))), reading(nn.Upsample(scale_factor=2))
    (('any', False), ('pictures', False))
    """
    layers = list(model.modules())
    if any(isinstance(layer, PICTURES) for layer in layers):
        return "pictures", False
    modes = [layer.mode for layer in layers if isinstance(layer, nn.Upsample)]
    if "linear" in modes or any(isinstance(layer, SEQUENCES) for layer in layers):
        return "sequences", any(getattr(layer, "batch_first", True) is False for layer in layers)
    kinds = {type(layer) for layer in layers}
    either = nn.BatchNorm1d in kinds and nn.Flatten not in kinds  # it reads sequences, or pictures that were made a row
    return "pictures" if modes and not either else "any", False


def look_up_whole_numbers(model: nn.Module) -> None:
    """Let the embeddings of a model take whole numbers as float64, as all numbers are on their way through it."""
    for path, layer in model.named_modules():
        if isinstance(layer, nn.Embedding):
            layer.register_forward_pre_hook(lambda layer, args, path=path: (_codes(layer, args[0], path),))


def _codes(layer: Any, x: Tensor, path: str) -> Tensor:
    rows = layer.num_embeddings
    wrong = x[(x != x.round()) | (x < 0) | (x >= rows)]
    if len(wrong):
        raise TraceError(
            f"{path or 'the model'} (Embedding): it looks up whole numbers from 0 to {rows - 1}, and gets {wrong[0].item():g}"
        )
    return x.to(torch.int64)
