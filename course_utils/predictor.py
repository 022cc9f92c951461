"""Predicting where there is neither the data that a network learnt from nor Jupyter."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from course_utils.tabular.predictor import TablePredictor
    from course_utils.vision.predictor import ImagePredictor


def load_predictor(
    path: str | os.PathLike[str], model: "nn.Module | None" = None, device: "torch.device | str | None" = None
) -> "ImagePredictor | TablePredictor":
    """Read what `learner.export(path)` wrote: something with a method `predict`, for pictures or for rows of a table.

    Args:
        path: the file, with or without `.course`.
        model: the network, where it is one of your own rather than one that `image_learner` or `tabular_learner` builds: a
            file holds no code, so its layers come from your program, and their weights from the file.
        device: where to compute; by default the fastest that there is.

    Raises:
        StorageError: there is no such file, or it is damaged, or of another kind, or does not fit `model`. Whatever a file
            holds, nothing of it is run, and nothing is downloaded.

    >>> load_predictor("no-such-folder/pets.course")
    Traceback (most recent call last):
    ...
    course_utils.training.storage.StorageError: there is no predictor at no-such-folder/pets.course; ...
    """
    from course_utils.training.exported_file import read

    exported = read(path)
    if exported.one_of("kind", "pictures", "table") == "pictures":
        from course_utils.vision.predictor import ImagePredictor

        return ImagePredictor.of(exported, model, device)
    from course_utils.tabular.predictor import TablePredictor

    return TablePredictor.of(exported, model, device)
