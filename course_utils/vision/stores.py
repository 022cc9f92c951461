"""Where the pictures of a data set are: in files, or in memory."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.vision.cache import PixelCache, Pixels
from course_utils.vision.decoding.errors import CHECK, ImageError
from course_utils.vision.decoding.orientation import upright
from course_utils.vision.pictures import pixels_of
from course_utils.work import folder_for

Picture = NDArray[np.uint8] | Image.Image  # (height, width) of grey or (height, width, 3) of colours, from 0 to 255


class Store(Protocol):
    """What an ImageData asks of the place that its pictures are in."""

    def cache(self, short_side: int) -> PixelCache:
        """An empty cache of all pictures in the order of their names."""
        ...

    def file(self, item: str) -> Path:
        """The file of one picture; raises CourseError where there is none."""
        ...

    def picture(self, item: str) -> Any:
        """What `read_image` and `Transforms.one` take for one picture."""
        ...

    def fingerprint(self, item: str) -> str:
        """What changes when a picture is changed."""
        ...


class Files:
    """Pictures in files, whose names are relative to `path`."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path, self.names = path, names

    def cache(self, short_side: int) -> PixelCache:
        """Decodes each file when its picture is first asked for."""
        root = os.fspath(self.path)
        return PixelCache([os.path.join(root, name) for name in self.names], short_side, folder=folder_for(self.path))

    def file(self, item: str) -> Path:
        """`path/item`."""
        return self.path / item

    picture = file

    def fingerprint(self, item: str) -> str:
        """A file's name, size and time of change; raises ImageError where there is no such file."""
        path = self.file(item)
        try:
            status = path.stat()
        except FileNotFoundError as error:
            raise ImageError(path, "does not exist", CHECK, in_data=True) from error
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            raise ImageError(
                path, f"cannot be opened ({getattr(error, 'strerror', None) or error})", CHECK, in_data=True
            ) from error
        return f"{path.name}\0{status.st_size} {status.st_mtime_ns}"


class InMemory:
    """Pictures by name that are in memory already: arrays, and Pillow images."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        self.pictures = pictures

    def cache(self, short_side: int) -> PixelCache:
        """Keeps pictures that are resized."""
        return MemoryCache(list(self.pictures.values()), list(self.pictures), short_side)

    def file(self, item: str) -> Path:
        """Raises CourseError: pictures in memory have no files."""
        raise CourseError("these pictures came from arrays, so they have no files; data.picture(item) gives one of them")

    def picture(self, item: str) -> Image.Image:
        """One picture, upright."""
        if not isinstance(item, str) or item not in self.pictures:
            raise CourseError(f"there is no picture {shown(item)}; they are called train/0, train/1 and so on")
        picture = self.pictures[item]
        return upright(picture) if isinstance(picture, Image.Image) else Image.fromarray(picture)

    def fingerprint(self, item: str) -> str:
        """A hash of the picture's size and pixels."""
        pixels = np.asarray(self.picture(item))
        return hashlib.blake2b(f"{pixels.shape}".encode() + pixels.tobytes(), digest_size=16).hexdigest()


class MemoryCache(PixelCache):
    """A PixelCache of pictures in memory: what is kept of them is resized."""

    def __init__(self, pictures: Sequence[Picture], names: Sequence[str], short_side: int) -> None:
        super().__init__(names, short_side)
        self.pictures_given = pictures

    def _decode(self, row: int) -> Pixels | ImageError:
        picture = self.pictures_given[row]
        try:
            return pixels_of(picture if isinstance(picture, Image.Image) else Image.fromarray(picture), self.short_side)
        except ImageError as error:  # a Pillow image may be of a file that is damaged, or closed
            return ImageError(self.paths[row], error.cause, error.advice, in_data=True)
