"""What `course train` trains: the network of each lesson, with the settings of its notebook."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_utils.tabular.model import TabularLearner
    from course_utils.training import Learner
    from course_utils.vision import ImageData, ImageLearner

ARCH = "efficientnet_lite0"


def dogscats(folder: Path, epochs: int = 2, batch_size: int = 64) -> "ImageLearner":
    """Cats and dogs: a pretrained network with a new head, then all of its layers for `epochs`."""
    from course_utils.vision import ImageData, side_on, transforms_for

    transforms = transforms_for(ARCH, 128, augment=side_on, max_zoom=1.1)
    return _pictures(ImageData.from_folders(folder, transforms, batch_size), epochs, rate=1e-2, apart=3)


def dogbreeds(folder: Path, epochs: int = 2, batch_size: int = 64) -> "ImageLearner":
    """Breeds of dogs: the same with 120 classes, whose names are in a table."""
    from course_utils.vision import ImageData, side_on, transforms_for

    transforms = transforms_for(ARCH, 128, augment=side_on, max_zoom=1.1)
    data = ImageData.from_csv(folder, "train", "labels.csv", transforms, batch_size, suffix=".jpg")
    return _pictures(data, epochs, rate=1e-2, apart=10)


def planet(folder: Path, epochs: int = 2, batch_size: int = 64) -> "ImageLearner":
    """The Amazon from above: several labels each, and layers whose rates are less far apart."""
    from course_utils.vision import ImageData, top_down, transforms_for

    transforms = transforms_for(ARCH, 64, augment=top_down, max_zoom=1.05)
    data = ImageData.from_csv(folder, "train-jpg", "train_v2.csv", transforms, batch_size, suffix=".jpg")
    return _pictures(data, epochs, rate=5e-2, apart=3)


def rossmann(folder: Path, epochs: int = 3, batch_size: int = 128) -> "TabularLearner":
    """Sales of shops: embeddings of categories and two layers, one cosine from 0.001 to 0 over all `epochs`."""
    from course_utils.tabular.data import TabularData
    from course_utils.tabular.model import tabular_learner
    from course_utils.tabular.rossmann import CATEGORICAL, CONTINUOUS, build_features, read_tables, split_by_date

    days, _ = build_features(read_tables(folder), report=None)
    data = TabularData.from_frame(
        days, "Sales", CATEGORICAL, CONTINUOUS, split_by_date(days), batch_size, log_target=True, path=folder
    )
    learner = tabular_learner(data)
    learner.fit(1e-3, 1, cycle_len=epochs)
    return learner


def _pictures(data: "ImageData", epochs: int, rate: float, apart: float) -> "ImageLearner":
    """Three epochs for the head on precomputed activations, then all layers, each group `apart` times slower than the next."""
    from course_utils.vision import image_learner

    learner = image_learner(data, ARCH, precompute=True)
    learner.fit(rate, 3, cycle_len=1)
    learner.unfreeze()
    learner.bn_freeze(True)
    learner.fit([rate / apart**2, rate / apart, rate], 1, cycle_len=epochs)
    return learner


RECIPES: dict[str, Callable[..., "Learner"]] = {f.__name__: f for f in (dogscats, dogbreeds, planet, rossmann)}
