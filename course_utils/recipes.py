"""What `course train` trains: the network of each lesson, with the settings of its notebook."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from course_utils.tabular.learner import TabularLearner
    from course_utils.training import Callback, Learner
    from course_utils.vision import ImageLearner

ARCH = "efficientnet_lite0"


def dogscats(folder: Path, epochs: int = 3, batch_size: int = 64, callbacks: "Sequence[Callback]" = ()) -> "ImageLearner":
    """Cats and dogs: the new head of a pretrained network, then its layers in two steps, `epochs` in both together."""
    from course_utils.vision import ImageData, image_learner, side_on, transforms_for

    transforms = transforms_for(ARCH, 128, augment=side_on, max_zoom=1.1)
    learner = image_learner(ImageData.from_folders(folder, transforms, batch_size), ARCH, precompute=True, callbacks=callbacks)
    learner.fit(1e-2, 3, cycle_len=1)
    learner.bn_freeze(True)
    _unfreeze(learner, 1e-2, epochs)
    return learner


def dogbreeds(folder: Path, epochs: int = 4, batch_size: int = 32, callbacks: "Sequence[Callback]" = ()) -> "ImageLearner":
    """Breeds of dogs: the same with 120 classes, whose names are in a table."""
    from course_utils.vision import ImageData, image_learner, side_on, transforms_for

    transforms = transforms_for(ARCH, 128, augment=side_on, max_zoom=1.1)
    data = ImageData.from_csv(folder, "train", "labels.csv", transforms, batch_size, suffix=".jpg")
    learner = image_learner(data, ARCH, precompute=True, callbacks=callbacks)
    learner.fit(1e-2, 2)
    learner.bn_freeze(True)
    _unfreeze(learner, 1e-2, epochs)
    return learner


def planet(folder: Path, epochs: int = 4, batch_size: int = 64, callbacks: "Sequence[Callback]" = ()) -> "ImageLearner":
    """The Amazon from above: several labels each, larger rates, and batch norms that learn too, as no picture is like these."""
    from course_utils.vision import ImageData, image_learner, top_down, transforms_for

    transforms = transforms_for(ARCH, 64, augment=top_down, max_zoom=1.1)
    data = ImageData.from_csv(folder, "train-jpg", "train_v2.csv", transforms, batch_size, suffix=".jpg")
    learner = image_learner(data, ARCH, precompute=True, callbacks=callbacks)
    learner.fit(0.2, 3, cycle_len=1, cycle_mult=2)
    _unfreeze(learner, 0.2, epochs)
    return learner


def rossmann(folder: Path, epochs: int = 3, batch_size: int = 128, callbacks: "Sequence[Callback]" = ()) -> "TabularLearner":
    """Sales of shops: embeddings of categories and two layers, one cosine from 0.001 to 0 over all `epochs`."""
    from course_utils.tabular.data import TabularData
    from course_utils.tabular.learner import tabular_learner
    from course_utils.tabular.rossmann import CATEGORICAL, CONTINUOUS, build_features, read_tables, split_by_date

    days, _ = build_features(read_tables(folder), report=None)
    data = TabularData.from_frame(
        days, "Sales", CATEGORICAL, CONTINUOUS, split_by_date(days), batch_size, log_target=True, path=folder
    )
    learner = tabular_learner(data, callbacks=callbacks)
    learner.fit(1e-3, 1, cycle_len=epochs)
    return learner


def _unfreeze(learner: "ImageLearner", rate: float, epochs: int) -> None:
    """Train the second half of the backbone with the head, then all of it: each layer group three times slower than the next.

    The first layers work on the largest maps and change least, so the larger half of the epochs goes without them.
    """
    rates, first = [rate / 9, rate / 3, rate], (epochs + 1) // 2 if epochs > 1 else 0
    if first:
        learner.freeze_to(1)
        learner.fit(rates, 1, cycle_len=first)
    learner.unfreeze()
    learner.fit(rates, 1, cycle_len=epochs - first)


RECIPES: dict[str, Callable[..., "Learner"]] = {f.__name__: f for f in (dogscats, dogbreeds, planet, rossmann)}
