"""A Learner for pictures: a pretrained backbone with a new head, and the head trained on precomputed activations."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training.arguments import flag
from course_utils.training.custom_metrics import Metric
from course_utils.training.data import Data
from course_utils.training.learner import Learner
from course_utils.training.loaders import Loader, TensorLoader
from course_utils.training.memory import explained
from course_utils.training.metrics import Threshold, accuracy, f_beta
from course_utils.training.one_thread import refuse_while_trained_elsewhere
from course_utils.training.predictions import outputs_and_targets
from course_utils.training.progress import Bar
from course_utils.training.tasks import Split
from course_utils.training.tensors import Numbers
from course_utils.vision.activation_cache import cached_activations
from course_utils.vision.data import ImageData
from course_utils.vision.networks.architectures import DEFAULT, Architecture
from course_utils.vision.networks.backbones import backbone
from course_utils.vision.networks.heads import with_head
from course_utils.vision.networks.smallest import check_size
from course_utils.vision.pictures import Picture
from course_utils.vision.prediction import ImagePrediction, normalised


def image_learner(
    data: ImageData,
    arch: Architecture = DEFAULT,
    pretrained: bool = True,
    precompute: bool = False,
    dropout: float = 0.5,
    metrics: Sequence[Metric] | Metric | None = None,
    layer_groups: Sequence[nn.Module | Sequence[nn.Module]] | None = None,
    **options: Any,
) -> "ImageLearner":
    """Build a Learner from a backbone by name and a new head for the classes of `data`.

    Its layer groups are the two halves of the backbone and the head. With pretrained weights the backbone is frozen at first.

    Args:
        data: labelled pictures.
        arch: see `backbones.backbone`.
        pretrained: start from the weights learnt on ImageNet.
        precompute: run the frozen backbone once and train the head on what it gave; augmentation has no effect then.
        dropout: of the last layer; half as much before the one before it.
        metrics: by default accuracy, or F2 where pictures have several labels.
        layer_groups: other groups than these three; lists of modules of the learner's `model`.
        options: of `Learner`.

    Raises:
        WeightsError: pretrained weights are not available; the message says which are.
        CourseError: there is no such network, or the pictures are too small for it.
    """
    if not isinstance(data, ImageData) or data.classes is None:
        raise CourseError(f"image_learner was given {type(data).__name__}; it needs labelled pictures, an ImageData")
    pretrained, precompute = flag("pretrained", pretrained), flag("precompute", precompute)
    base = backbone(arch, pretrained)
    check_size(base.body, data.transforms.size, base.name)
    model = with_head(base.body, base.features, len(data.classes), dropout)
    if metrics is None:
        metrics = [f_beta] if data.task == "multi-label" else [accuracy]
    groups = layer_groups or [*base.halves, model[-1]]
    learner = ImageLearner(data, model, metrics=metrics, layer_groups=groups, **options)
    learner.arch = base.name
    if pretrained:
        learner.freeze()
    learner.precompute = precompute
    return learner


class ImageLearner(Learner):
    """A Learner whose model has a `body`, a `pool` and a `head`; see `image_learner`."""

    data: ImageData
    model: nn.Sequential
    arch: str | None = None  # the name of the backbone, where `image_learner` built it

    def __init__(self, data: ImageData, model: nn.Sequential, **options: Any) -> None:
        super().__init__(data, model, **options)
        parts = list(self.model.children())
        if len(parts) != 3:
            raise CourseError(
                f"this model, {type(self.model).__name__}, has {counted(len(parts), 'part')}; an ImageLearner takes one of "
                "three, body, pool and head, which image_learner(data, arch) builds. For a network of your own use "
                "Learner(data, model)."
            )
        self.body, self.pool, self.head = parts
        self._precompute = False
        self._activations: dict[Split, Tensor] = {}
        self._computed_by: list[tuple[int, ...]] = []  # the state of body and data that the activations belong to
        self._note_size()

    def meaning(self) -> dict[str, Any]:
        """What the model's numbers stand for, and the name of its backbone; see `Learner.meaning`."""
        return {**super().meaning(), "architecture": self.arch}

    @property
    def precompute(self) -> bool:
        """Whether fits train the head alone, on the body's activations for the plain pictures (lecture 0:17:22).

        An epoch then takes a fraction of a second, and augmentation has no effect. Setting it True freezes the body;
        `unfreeze` and `freeze_to` set it False.
        """
        return self._precompute

    @precompute.setter
    def precompute(self, on: bool) -> None:
        if on:
            super().freeze_to(-1)
        self._precompute = on

    def freeze_to(self, n: int) -> None:
        """Freeze the layer groups before the nth; with more than the head to train, nothing is precomputed any more."""
        super().freeze_to(n)
        if self.layer_groups.first_trainable < len(self.layer_groups) - 1:
            self._precompute = False

    @property
    def training_model(self) -> nn.Module:
        """The head while activations are precomputed, else the whole model."""
        return self.head if self.precompute else self.model

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> Loader:
        """Activations (B, 2 x features) while they are precomputed, else pictures."""
        if not self.precompute:
            return self.data.loader(split, augment, shuffle)
        return TensorLoader(self.activations(split), self.data.targets(split), self.data.batch_size, shuffle)

    def activations(self, split: Split = "valid") -> Tensor:
        """What body and pool make of the plain pictures of one split, (N, 2 x features), computed only if anything changed."""
        tensors = [*self.body.parameters(), *self.body.buffers()]
        state: list[tuple[int, ...]] = [(id(self.data),)]
        state += [(id(t), t._version, total) for t, total in zip(tensors, _sums(tensors), strict=True)]
        if state != self._computed_by:
            self._activations, self._computed_by = {}, state
        if split not in self._activations:
            frozen = nn.Sequential(self.body, self.pool)
            self._activations[split] = cached_activations(
                self.data, split, frozen, self.path / "activations", lambda: self._run_frozen(frozen, split)
            )
        return self._activations[split]

    def _run_frozen(self, frozen: nn.Module, split: Split) -> Tensor:
        bar = Bar(self.data.loader(split), description=f"precomputing activations ({split})", show=self.progress)
        return outputs_and_targets(self, bar, frozen)[0]

    def predict_image(self, image: Picture, threshold: Threshold = 0.2) -> ImagePrediction:
        """What the model says of one picture: a file, a Pillow image, an array or a tensor (lecture 0:39:32).

        `pictures.as_image` says which arrays.

        `threshold` is for pictures with several labels: the tags above it are the label; a number or one per class.

        This is the long way by hand: the transforms of the validation set, a mini-batch of one, the model in evaluation mode.
        """
        x = self.data.transforms.one(image)
        return ImagePrediction.of(self.probabilities_of(x[None])[0], self.data.classes, self.data.task, threshold)

    def probabilities_of(self, x: Numbers) -> Tensor:
        """The probabilities (B, classes) of a mini-batch of normalised pictures (B, 3, size, size), on the cpu.

        Raises CourseError for pictures of another size, and for those that are not normalised.
        """
        refuse_while_trained_elsewhere(self.model)
        pictures = normalised(x, self.data.transforms.size)
        self.model.eval()
        with torch.no_grad(), explained(self.data, "predicting"):
            outputs = self.model(*self.precision.inputs(pictures))
        return self.data.activation(outputs).cpu()

    def set_data(self, data: Data) -> None:
        """Continue with pictures of another size, or other pictures of the same classes; see `Learner.set_data`.

        While activations are precomputed, those of the new pictures are computed when they are first needed.
        """
        if not isinstance(data, ImageData):
            raise CourseError(f"set_data was given {type(data).__name__}; this learner needs labelled pictures, an ImageData")
        check_size(self.body, data.transforms.size, self.arch or "the network")
        super().set_data(data)
        self._activations, self._computed_by = {}, []
        self._note_size()

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """(Steps so far, side of the pictures in pixels) for each size that was trained on, in turn."""
        return self.recorder.sizes

    def _note_size(self) -> None:
        steps, sizes = len(self.recorder.losses), self.recorder.sizes
        if sizes and sizes[-1][0] == steps:
            sizes.pop()  # nothing was trained at that size
        if not sizes or sizes[-1][1] != self.data.transforms.size:
            sizes.append((steps, self.data.transforms.size))


def _sums(tensors: Sequence[Tensor]) -> list[int]:
    """A whole number for each of some tensors, which tells of changes that PyTorch does not count: those by way of `.data`."""
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes; their sums are the same in any order
    sums = [tensor.detach().view(whole[tensor.element_size()]).sum() for tensor in tensors]
    found: list[int] = torch.stack(sums).tolist() if sums else []
    return found
