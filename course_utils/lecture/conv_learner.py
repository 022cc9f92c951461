"""The lecture's learner for pictures, over `course_utils.vision.image_learner`."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from course_utils.lecture import helpers
from course_utils.lecture.architectures import network_of
from course_utils.lecture.learners import Array, LectureLearner, Metrics, accuracy, accuracy_multi
from course_utils.lecture.messages import LectureError, keywords, say
from course_utils.lecture.pictures import ImageClassifierData
from course_utils.training.predictions import augmented_views
from course_utils.vision.learner import ImageLearner, image_learner
from course_utils.vision.networks.architectures import Architecture, statistics


class ConvLearner(LectureLearner):
    """A pretrained network with a new head that says which class a picture shows; `pretrained` makes one."""

    learner: ImageLearner
    data: ImageClassifierData

    def __init__(self, learner: ImageLearner, data: ImageClassifierData, metrics: Metrics = None) -> None:
        super().__init__(learner, data, metrics)
        last = nn.Sigmoid() if data.is_multi else nn.LogSoftmax(dim=1)
        self._whole = nn.Sequential(OrderedDict(body=learner.body, pool=learner.pool, head=learner.head, output=last)).eval()
        self._head = nn.Sequential(OrderedDict(head=learner.head, output=last)).eval()

    @classmethod
    @keywords
    def pretrained(
        cls,
        f: Architecture,
        data: ImageClassifierData,
        ps: float | Sequence[float] | None = None,
        xtra_fc: Sequence[int] | None = None,
        xtra_cut: int = 0,
        precompute: bool = False,
        metrics: Metrics = None,
        opt_fn: Callable[..., Any] | None = None,
    ) -> "ConvLearner":
        """A learner whose body is frozen.

        Args:
            f: the network; another stands in where its weights are not available.
            data: the pictures.
            ps: dropout, one share for both layers of the head or two; 0.25 and 0.5 by default.
            xtra_fc: the head's hidden layer has 512 numbers; other heads are refused.
            xtra_cut: the whole body is used; anything but 0 is refused.
            precompute: train the head on the body's stored activations, without augmentation.
            metrics: by default the accuracy.
            opt_fn: makes the optimiser; by default SGD with momentum 0.9.
        """
        if not isinstance(data, ImageClassifierData):
            raise LectureError(f"data is a {type(data).__name__}; give what ImageClassifierData.from_paths or from_csv made")
        if (xtra_fc is not None and list(xtra_fc) != [512]) or xtra_cut:
            raise LectureError(
                f"xtra_fc={xtra_fc} and xtra_cut={xtra_cut} were given; the head has one hidden layer of 512 numbers on the "
                "whole body. For another, build the network yourself: course_utils.training.Learner(data.inner, "
                "torch.nn.Sequential(...)) fits any."
            )
        arch = network_of(f)
        if statistics(arch)[0] != data.inner.transforms.mean:
            say(f"The pictures are normalised for another network than {arch}; give that one to tfms_from_model, too.")
        shares = [0.25, 0.5] if ps is None else [ps, ps] if isinstance(ps, int | float) else list(ps)
        if len(shares) != 2 or not all(0 <= share < 1 for share in shares):
            raise LectureError(f"ps is {ps}; give one share of dropout, from 0 to below 1, or a list of one for both layers")
        options: dict[str, Any] = {} if opt_fn is None else {"optimizer": opt_fn}
        learner = image_learner(data.inner, arch, precompute=precompute, **options)
        for layer, share in zip((m for m in learner.head.children() if isinstance(m, nn.Dropout)), shares, strict=True):
            layer.p = share
        usual = accuracy_multi if data.is_multi else accuracy
        return cls(learner, data, [usual] if metrics is None else metrics)

    @property
    def precompute(self) -> bool:
        """Whether the head alone is fitted, on stored activations; to be set."""
        return self.learner.precompute

    @precompute.setter
    def precompute(self, on: bool) -> None:
        self.learner.precompute = on

    @keywords
    def TTA(self, n_aug: int = 4, is_test: bool = False, stack: bool = False) -> tuple[Array, Array]:  # noqa: N802
        """Predictions for the plain pictures and `n_aug` varied views of each, averaged, (n, c), and the labels.

        As in the lecture the mean is over logarithms (over probabilities with several labels each). With `stack` it is all
        views, (1 + n_aug, n, c), as a year later. Labels of a test set are zeros.
        """
        views, _ = augmented_views(self.learner, self._split(is_test), n_aug)
        preds = self._array(views)
        dataset = self.data.test_ds if is_test else self.data.val_ds
        assert dataset is not None
        mean = preds.mean(0)
        helpers.remember_views(mean, preds)
        return preds if stack else mean, np.array(dataset.y)

    @property
    def model(self) -> nn.Module:
        """The network, logarithms of probabilities (or probabilities) at its end; its head alone while `precompute` is on."""
        return self._head if self.precompute else self._whole
