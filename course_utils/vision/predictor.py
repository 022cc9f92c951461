"""A network for pictures on its own: no training data, no notebook."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training import exported_file as files
from course_utils.training.architecture import unwrapped
from course_utils.training.exported import OWN_LAYERS, Exported, needs_model
from course_utils.training.metrics import Threshold
from course_utils.training.precision import compiles_each_size, in_order, order_for, prefers_channels_last, put_in_order
from course_utils.training.progress import Bar
from course_utils.training.rebuilding import ready, same_outputs
from course_utils.training.storage import StorageError
from course_utils.training.tasks import Task, activation
from course_utils.training.tensors import Numbers
from course_utils.vision.networks.backbones import network
from course_utils.vision.networks.heads import with_head
from course_utils.vision.pictures import Picture, as_image, is_one, pixels_of, scale_of_all, several
from course_utils.vision.prediction import ImagePrediction, checked_thresholds, normalised
from course_utils.vision.threads import usable_cpus
from course_utils.vision.transforms import LARGEST_SIZE, Transforms

if TYPE_CHECKING:
    from course_utils.training.learner import Learner


DEFAULT_THRESHOLD = 0.2
ONE_LABEL = "a threshold is for pictures with several labels; here each picture has one, the most probable"
FARTHEST = 1e6  # a mean of pixels, which lie between 0 and 1, or what they are divided by; 32 bits can hold what comes out
BATCH = 64  # pictures at a time, fewer where they are larger than BATCH_SIZE
BATCH_SIZE = 512


class ImagePredictor:
    """What `learner.export` wrote for pictures, ready to predict; made by `course_utils.load_predictor`.

    Pictures are prepared as those of the validation set were, and the network computes in 32 bits, as `learner.predict_image`.

    Attributes:
        classes: their names, in the order of probabilities.
        task: "single-label", or "multi-label" where a picture may have several of the classes.
        transforms: the size and normalisation of what the network sees.
        threshold: of pictures with several labels: above it, a class is one of them.
        model: the network, in evaluation mode.
        device: where it computes.
    """

    def __init__(
        self,
        model: nn.Module,
        classes: Sequence[str],
        task: Task,
        transforms: Transforms,
        threshold: Threshold = DEFAULT_THRESHOLD,
        device: torch.device | str | None = None,
        channels_last: bool = True,
    ) -> None:
        self.model, self.classes, self.task = ready(model, device), list(classes), task
        self.transforms, self.threshold = transforms, threshold
        self.device = next((tensor.device for tensor in self.model.state_dict().values()), torch.device("cpu"))
        self._channels_last = channels_last and not compiles_each_size(self.model, self.device)
        put_in_order(self.model, self._order)

    @property
    def _order(self) -> torch.memory_format | None:
        return order_for(self.model, self._channels_last)

    @classmethod
    def of(
        cls, exported: Exported, model: nn.Module | None = None, device: torch.device | str | None = None
    ) -> "ImagePredictor":
        """Make it from what a file holds; see `load_predictor`."""
        classes, size = exported.texts("classes"), exported.whole("size", 1, LARGEST_SIZE)
        red, green, blue = exported.between("mean", 3, -FARTHEST, FARTHEST)
        red_std, green_std, blue_std = exported.between("std", 3, 1 / FARTHEST, FARTHEST)
        task: Task = (
            "multi-label" if exported.one_of("task", "single-label", "multi-label") == "multi-label" else "single-label"
        )
        transforms = Transforms(size, (red, green, blue), (red_std, green_std, blue_std), augment=None)
        threshold, channels_last = exported.between("threshold", len(classes), 0, 1), exported.truth("channels last")
        model = _network(exported, len(classes)) if model is None else exported.fill_own(model, lambda: [noise(size)])
        return cls(model, classes, task, transforms, threshold, device, channels_last)

    @overload
    def predict(self, images: Picture, threshold: Threshold | None = None) -> ImagePrediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, images: Iterable[Picture], threshold: Threshold | None = None) -> list[ImagePrediction]: ...

    def predict(
        self, images: Picture | Iterable[Picture], threshold: Threshold | None = None
    ) -> ImagePrediction | list[ImagePrediction]:
        """What the network says of a picture, or of each of several in their order.

        A picture is the path of a file or its bytes, a Pillow image, or an array or tensor: (height, width, 3), or (height,
        width) of grey, of bytes from 0 to 255, or floats from 0 to 1 or from 0 to 255. Several are a list of such, where
        channels may also come first; an array (N, height, width, 3), (N, 3, height, width) or (N, height, width) of grey; or
        any iterable. The floats of an array or a list are on one scale, as those of `ImageData.from_arrays` are; an iterable
        gives pictures one by one, each judged on its own. For an array that may be read in two ways, which is refused, see
        `pictures.is_one`. With a `threshold`, a number or one per class, that one is used instead of the predictor's own.

        Raises a CourseError that names a picture which cannot be read.
        """
        if threshold is not None and self.task != "multi-label":
            raise CourseError(ONE_LABEL)
        chosen = self.threshold if threshold is None else threshold
        checked_thresholds(chosen, len(self.classes))  # raises where it fits no class, also of no picture
        found = [ImagePrediction.of(row, self.classes, self.task, chosen) for row in self._all(images)]
        return found[0] if is_one(images) else found

    def predict_each(self, images: Iterable[Picture]) -> Iterator[ImagePrediction | CourseError]:
        """What the network says of each of several pictures, one by one, or the error of one that cannot be read."""
        for row in self._rows(images, show=False):
            yield row if isinstance(row, CourseError) else ImagePrediction.of(row, self.classes, self.task, self.threshold)

    def probabilities(self, images: Picture | Iterable[Picture]) -> Tensor:
        """The probabilities of all classes, (N, classes) for N pictures, (1, classes) for a single one; see `predict`."""
        return torch.stack(rows) if (rows := list(self._all(images))) else torch.empty(0, len(self.classes))

    def __repr__(self) -> str:
        size = self.transforms.size
        return f"ImagePredictor({counted(len(self.classes), 'class')}, {self.task}, {size} x {size} pixels, on {self.device})"

    def _all(self, images: Any) -> Iterator[Tensor]:
        """The probabilities (classes,) of each picture; raises the error of the first that cannot be read."""
        for row in self._rows(images, show=None):
            if isinstance(row, CourseError):
                raise row
            yield row

    def _rows(self, images: Any, show: bool | None) -> Iterator[Tensor | CourseError]:
        """The probabilities of each picture, or its error, computed a mini-batch at a time."""
        if is_one(images):
            yield self._probabilities([pixels_of(images, self.transforms.square, scale_of_all([images]))])[0]
            return
        try:
            images = several(images)
            scale = scale_of_all(images)
            remaining = iter(images)
        except TypeError:
            as_image(images)  # says what it is, and what to give
            raise
        size = max(1, min(BATCH, BATCH * BATCH_SIZE**2 // self.transforms.size**2))
        first = list(islice(remaining, size + 1))
        total = len(images) if hasattr(images, "__len__") else None
        bar: Bar[None] = Bar(total=total, description="predicting", show=show if len(first) > size else False)
        remaining = chain(first, remaining)
        with ThreadPoolExecutor(usable_cpus(), thread_name_prefix="decode") as pool, bar:
            while batch := list(islice(remaining, size)):
                decoded = list(pool.map(self._pixels_or_error, batch, repeat(scale)))
                pixels = [picture for picture in decoded if not isinstance(picture, CourseError)]
                rows = iter(self._probabilities(pixels) if pixels else ())
                yield from (one if isinstance(one, CourseError) else next(rows) for one in decoded)
                bar.advance(len(batch))

    def _pixels_or_error(self, picture: Any, scale: float | None) -> NDArray[np.uint8] | CourseError:
        try:
            return pixels_of(picture, self.transforms.square, scale)
        except CourseError as error:
            return error

    def _probabilities(self, pixels: Sequence[NDArray[np.uint8]]) -> Tensor:
        squares = self.transforms.squares(pixels)
        if self.device.type == "cuda" and len(pixels) > 1:  # a single one as learner.predict_image does it
            squares = squares.to(self.device)
        return self.probabilities_of(self.transforms(squares))

    @torch.no_grad()
    def probabilities_of(self, x: Numbers) -> Tensor:
        """The probabilities (B, classes) of a mini-batch of normalised pictures (B, 3, size, size), on the cpu.

        Raises CourseError for pictures of another size, and for those that are not normalised.
        """
        weights = next((weight.dtype for weight in self.model.parameters() if weight.is_floating_point()), torch.float32)
        x = normalised(x, self.transforms.size).to(self.device, weights)
        outputs = self.model(in_order(x, self._order))
        if outputs.shape != (len(x), len(self.classes)):
            raise CourseError(
                f"the network gives outputs of shape {tuple(outputs.shape)} for {counted(len(x), 'picture')} and "
                f"{counted(len(self.classes), 'class')}; give load_predictor the model that was exported"
            )
        return activation(self.task, outputs).cpu()


def export(learner: "Learner", path: str | os.PathLike[str], threshold: Threshold | None = None) -> Path:
    """Write a file for `load_predictor`; see `Learner.export`.

    A network is rebuilt from the name of its backbone where that gives the same outputs. Of another the file holds the weights
    alone, which a printed line says.
    """
    data, model = learner.data, unwrapped(learner.model)
    transforms: Transforms = data.transforms  # type: ignore[attr-defined]
    assert data.classes is not None
    if type(transforms) is not Transforms:
        raise CourseError(
            f"the transforms are your own ({type(transforms).__name__}), and a predictor holds no code; it can prepare "
            "pictures as transforms_for(arch, size) does"
        )
    about = {
        "task": data.task,
        "classes": list(data.classes),
        "size": transforms.size,
        "mean": [float(value) for value in transforms.mean],
        "std": [float(value) for value in transforms.std],
        "threshold": _thresholds(threshold, data.task, len(data.classes)),
        "channels last": _channels_last(learner),
        "network": _description(learner),
    }
    x = noise(transforms.size)
    exported = files.described("pictures", about, model, path, lambda: [x])
    model.eval()
    if not _rebuilds(exported, model, x):
        exported = files.described("pictures", {**about, "network": None}, model, path, lambda: [x])
        print(OWN_LAYERS.format(path=exported.path))
    return files.write(exported)


def noise(size: int) -> Tensor:
    """Two pictures of noise, (2, 3, size, size), always the same."""
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def _thresholds(threshold: Threshold | None, task: Task, classes: int) -> list[float]:
    """One for each class."""
    if threshold is not None and task != "multi-label":
        raise CourseError(ONE_LABEL)
    return checked_thresholds(DEFAULT_THRESHOLD if threshold is None else threshold, classes).tolist()


def _channels_last(learner: "Learner") -> bool:
    """The order of memory that was given, or else the one that a CPU prefers: a GPU's is not for every machine."""
    precision = learner.precision
    return precision.channels_last if precision.order_given else prefers_channels_last(learner.model, torch.device("cpu"))


def _description(learner: "Learner") -> dict[str, Any] | None:
    """What rebuilds a network that `image_learner` made; None for another."""
    arch, head = getattr(learner, "arch", None), getattr(unwrapped(learner.model), "head", None)
    if arch is None or not isinstance(head, nn.Sequential) or not len(head) or not isinstance(head[0], nn.BatchNorm1d):
        return None
    return {"arch": arch, "features": head[0].num_features // 2}


def _rebuilds(exported: Exported, model: nn.Module, x: Tensor) -> bool:
    """Whether the network that is described is this one: its weights fit, and it says the same of a picture of noise."""
    if exported.part("network") is None:
        return False
    try:
        other = ready(_network(exported, len(exported.texts("classes"))), "cpu")
    except StorageError:
        return False
    return same_outputs(other, model, x)


def _network(exported: Exported, classes: int) -> nn.Module:
    """The network by the name of its backbone, with the weights of the file."""
    described = exported.part("network")
    if described is None:
        raise needs_model(exported)
    arch, features = described.about.get("arch"), described.whole("features", 1, 10**6)
    if not isinstance(arch, str) or len(arch) > 200:
        raise described.wrong("its arch is not the name of a network")
    return exported.rebuild(lambda: with_head(network(arch, pretrained=False), features, classes))
