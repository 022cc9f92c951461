"""What a Learner writes to disk and reads back: weights and predictors."""

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from course_utils.training import storage
from course_utils.training.architecture import architecture_of, unwrapped
from course_utils.training.data import Data
from course_utils.training.distributed import rank
from course_utils.training.finite import not_numbers_in
from course_utils.training.precision import Precision
from course_utils.training.storage import WEIGHTS
from course_utils.work import find_saved


class Saving:
    """The part of a Learner that knows the disk; `path` is the folder of its weights and checkpoints."""

    data: Data
    model: nn.Module
    precision: Precision
    path: Path

    load_advice = ""  # what to do where weights mean something else

    def save(self, name: str) -> Path:
        """Write the weights to `path/name.safetensors` and return that path; folders that are missing are made.

        A printed line says where weights are not numbers any more (NaN), and where a file of that name was saved for something
        else: another task, other classes, another table. That is kept beside, as `name-other`.
        """
        file = storage.save_weights(self.model, storage.file_in(self.path, name, WEIGHTS), self._about())
        if wrong := not_numbers_in(self.model):
            self.say(f"The weights in {file.name} predict NaN: {wrong}. They were saved as they are.")
        return file

    def load(self, name: str) -> None:
        """Read the weights that `save(name)` wrote.

        Raises a StorageError that says what differs if they are of another architecture, or mean something else here: other
        classes or another order of them, another task, other statistics of the inputs, other options of layers, other numbers
        that a module of your own computes with. The model is then as it was. A printed line says where the weights
        were saved in another precision, or are not numbers (NaN).
        """
        storage.load_weights(self.model, self._saved(name), self.meaning(), self.load_advice, self.say)

    def export(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write one file that predicts where there is neither the data nor Jupyter; `course_utils.load_predictor` reads it.

        It holds the weights and what belongs to them, of pictures (classes, size, normalisation) or of tables (categories,
        scales), and nothing that could run. `path` is relative to the current folder, and gets the suffix `.course` where it
        has none; folders on the way to it that are missing are made.

        Args:
            path: the file to write; one that is there is replaced.
            options: `threshold`, of pictures with several labels: a number or one per class, by default 0.2.

        Raises:
            CourseError: there is no predictor for data of this kind (`Data.from_tensors`), an option is not one of it, or the
                weights are not numbers any more (NaN).
            FileError: the system does not let it be written.
        """
        return self.data.export(self, path, **options)

    def meaning(self) -> dict[str, Any]:
        """What the model's numbers stand for: those of the data (see `Data.meaning`), and what layers do besides weights."""
        return {**self.data.meaning(), **architecture_of(self.model, self._example)}

    def _example(self) -> list[Tensor]:
        """What the model takes: a mini-batch to validate."""
        x, _ = next(iter(self.data.loader("valid")))
        return self.precision.inputs(x)

    def _about(self) -> dict[str, str]:
        return {"model": type(unwrapped(self.model)).__name__, "meaning": json.dumps(self.meaning())}

    def say(self, words: str) -> None:
        """Print a line; of several processes one does."""
        if rank() == 0:
            print(words)

    def _saved(self, name: str) -> Path:
        """Where to read: `path`, or where earlier versions wrote, below the folder of the data."""
        return find_saved(storage.file_in(self.path, name, WEIGHTS), self.data.path)
