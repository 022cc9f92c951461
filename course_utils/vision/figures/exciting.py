"""What layers see: the parts of pictures that excite a channel most."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from course_utils.errors import CourseError
from course_utils.figures import new_figure, plain
from course_utils.training.arguments import shown, whole
from course_utils.vision.learner import ImageLearner

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST = 16  # pixels of a side of a part, below which a person sees nothing in it


def show_exciting(
    learner: ImageLearner, layers: Sequence[str], channels: int = 3, parts: int = 8, pictures: int = 160
) -> "Figure":
    """Draw, for some channels of each layer, the parts of validation pictures on which they are largest.

    A row is a channel, from its strongest part on, and no picture gives two. A part is four steps of the layer's map wide (at
    least 16 pixels, at most half a picture); what the channel answers to may reach further. The channels shown are those that
    tell pictures apart best: whose largest activation varies most from picture to picture, beside its mean. After Zeiler and
    Fergus, Visualizing and Understanding Convolutional Networks (2014).

    Args:
        learner: of pictures; it is left as it was.
        layers: names of parts of `learner.body` whose outputs are maps, as `learner.body.named_modules()` gives them.
        channels: how many of each layer.
        parts: how many of each channel.
        pictures: how many of the validation set are looked through, evenly spread over it.

    Raises:
        CourseError: the body has no such layer, or its outputs are not maps.
    """
    if isinstance(layers, str):
        layers = [layers]
    modules = dict(learner.body.named_modules())
    if unknown := [name for name in layers if name not in modules]:
        inside = ", ".join(name for name, _ in learner.body.named_children())
        raise CourseError(f"the network's body has no layer {shown(unknown[0])}; it has {inside}, and the layers inside these")
    channels, parts, pictures = whole("channels", channels), whole("parts", parts), whole("pictures", pictures)
    x, maps = _maps(learner, [modules[name] for name in layers], pictures)
    figure = new_figure(9, 0.95 * channels * len(layers) + 0.5)
    grid = figure.subplots(channels * len(layers), min(parts, len(x)), squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for number, (name, values) in enumerate(zip(layers, maps, strict=True)):
        if values.ndim != 4:
            raise CourseError(
                f"what comes out of {name!r} is {tuple(values.shape)}; expected maps, (pictures, channels, rows, columns)"
            )
        peaks, places = values.flatten(2).max(2)
        telling = (
            (peaks.std(0) / (peaks.mean(0).abs() + 1e-6) * (peaks.amax(0) > 0)).topk(min(channels, peaks.shape[1])).indices
        )
        for row, channel in zip(grid[number * channels :], telling.tolist(), strict=False):
            for axes, picture in zip(row, peaks[:, channel].argsort(descending=True).tolist(), strict=False):
                part = _part(x[picture], int(places[picture, channel]), tuple(values.shape[2:]))
                axes.imshow(part.permute(1, 2, 0).numpy(), interpolation="nearest")
            row[0].set_ylabel(f"{channel}", rotation=0, ha="right", va="center")
        grid[number * channels, 0].set_title(plain(name), loc="left", fontsize=10)
    return figure


def _maps(learner: ImageLearner, layers: Sequence[nn.Module], pictures: int) -> tuple[Tensor, list[Tensor]]:
    """Pictures as a person sees them, (pictures, 3, rows, columns), and what each of the layers makes of them."""
    found: list[list[Tensor]] = [[] for _ in layers]
    shown_pictures: list[Tensor] = []
    data = learner.data
    count = len(data.valid_ds)
    rows = torch.linspace(0, count - 1, min(pictures, count)).long()  # all over the set: files are sorted by class
    with torch.random.fork_rng(devices=[]), torch.no_grad(), _listening(learner.body, layers, found):
        for some in rows.split(data.batch_size):
            x = torch.stack([data.valid_ds[row][0] for row in some.tolist()])
            learner.body(*learner.precision.inputs(x))
            shown_pictures.append(data.transforms.denormalise(x).cpu())
    return torch.cat(shown_pictures), [torch.cat(maps) for maps in found]


@contextmanager
def _listening(body: nn.Module, layers: Sequence[nn.Module], found: list[list[Tensor]]) -> Iterator[None]:
    """Keep what the layers give, in evaluation mode, and leave the body as it was."""
    modes = [(module, module.training) for module in body.modules()]

    def keep(maps: list[Tensor]) -> Any:
        return lambda module, inputs, output: maps.append(output.detach().float().cpu())

    hooks = [layer.register_forward_hook(keep(maps)) for layer, maps in zip(layers, found, strict=True)]
    body.eval()
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode


def _part(picture: Tensor, place: int, size: tuple[int, ...]) -> Tensor:
    """The square of a picture around a place of a map, white where it leaves the picture."""
    step = picture.shape[-1] / size[1]
    side = int(min(max(4 * step, SMALLEST), picture.shape[-1] // 2))
    row, column = ((at + 0.5) * step for at in divmod(place, size[1]))
    top, left = round(row), round(column)  # of the part, once half a side of white has been put around the picture
    return pad(picture, [side // 2] * 4, value=1.0)[:, top : top + side, left : left + side]
