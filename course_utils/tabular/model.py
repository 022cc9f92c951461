"""A network for tables: an embedding for each category, and fully connected layers on top (lecture 2:14:25)."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training.arguments import real, whole


def _is_range(ends: Any) -> bool:
    """Whether these are two finite numbers, the lower one first."""
    try:
        low, high = ends
        return bool(-math.inf < low < high < math.inf)
    except (TypeError, ValueError):
        return False


def embedding_size(cardinality: int) -> int:
    """How many numbers describe a category, by the lecture's rule: half of how many there are, 50 at most.

    >>> [embedding_size(n) for n in (2, 8, 1116)]
    [1, 4, 50]
    """
    return min(50, (whole("cardinality", cardinality) + 1) // 2)


class TabularModel(nn.Module):
    """Embeddings beside normalised continuous columns, fully connected layers with ReLU and dropout, then one number: (N,).

    (Guo and Berkhahn, 2016, "Entity Embeddings of Categorical Variables", in the form of the lecture's library.)

    Args:
        embeddings: for each categorical column the number of its codes and the size of its embedding.
        continuous: the number of continuous columns.
        layers: the widths of the layers between.
        dropout: a share for each layer.
        embedding_dropout: the share of the numbers of embeddings that are zero in a training step.
        y_range: the output lies between these, by a scaled sigmoid; None or (-inf, inf) lets it take any value.

    >>> model = TabularModel([(8, 4), (3, 2)], continuous=5, layers=(20, 10))
    >>> model(torch.zeros(6, 2, dtype=torch.long), torch.zeros(6, 5)).shape
    torch.Size([6])
    """

    def __init__(
        self,
        embeddings: Sequence[tuple[int, int]],
        continuous: int,
        layers: Sequence[int] = (1000, 500),
        dropout: Sequence[float] = (0.001, 0.01),
        embedding_dropout: float = 0.04,
        y_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        if not (isinstance(layers, Sequence) and isinstance(dropout, Sequence)):
            raise CourseError(
                f"layers={layers!r} and dropout={dropout!r} were given; give both for each layer, as (20, 10), (0.1, 0.1)"
            )
        if len(layers) != len(dropout):
            given = f"{counted(len(layers), 'layer')} and {counted(len(dropout), 'share')} of dropout"
            raise CourseError(f"{given} were given; give one for each layer")
        for width in (*layers, *(size for _, size in embeddings)):
            if not isinstance(width, Integral) or width < 1:
                raise CourseError(f"a layer or an embedding has {width!r} numbers; give a whole number, 1 or more")
        for share in (*dropout, embedding_dropout):
            if (number := real(share)) is None or not 0 <= number < 1:
                raise CourseError(f"a dropout is {share!r}; it is the fraction of activations to drop, from 0 to below 1")
        if y_range == (-math.inf, math.inf):
            y_range = None
        if y_range is not None and not _is_range(y_range):
            raise CourseError(f"y_range is {y_range!r}; give the lowest and the highest output, or (-inf, inf) for any")
        self.embeddings = nn.ModuleList(nn.Embedding(codes, size) for codes, size in embeddings)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.normalise = nn.BatchNorm1d(continuous)
        widths = [sum(size for _, size in embeddings) + continuous, *layers]
        hidden = zip(widths, layers, dropout, strict=False)
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Linear(width, out), nn.ReLU(), nn.Dropout(share)) for width, out, share in hidden)
        )
        self.output = nn.Linear(widths[-1], 1)
        self.y_range = y_range
        self._start()

    def _start(self) -> None:
        """Embeddings start near 0, and that of code 0 (missing, unknown) at 0; other weights as He et al. (2015) propose."""
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                bound = 2 / (module.embedding_dim + 1)
                nn.init.uniform_(module.weight, -bound, bound)
                nn.init.zeros_(module.weight[0])
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, codes: Tensor, values: Tensor) -> Tensor:
        """Codes (N, categorical) and values (N, continuous) to numbers (N,)."""
        embedded = [embedding(column) for embedding, column in zip(self.embeddings, codes.unbind(1), strict=True)]
        parts = [self.embedding_dropout(torch.cat(embedded, dim=1))] if embedded else []
        if values.shape[1]:
            parts.append(self.normalise(values))
        outputs = self.output(self.layers(torch.cat(parts, dim=1))).squeeze(1)
        if self.y_range is None:
            return outputs
        low, high = self.y_range
        return low + (high - low) * outputs.sigmoid()
