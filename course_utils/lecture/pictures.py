"""The lecture's transforms and data of pictures, over `course_utils.vision`."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from course_utils.files import can_write, reading
from course_utils.lecture.architectures import network_of
from course_utils.lecture.messages import Explains, LectureError, keywords, say
from course_utils.training.tasks import Split
from course_utils.vision.data import ImageData
from course_utils.vision.images import read_image
from course_utils.vision.networks.architectures import RGB, Architecture, statistics
from course_utils.vision.pictures import Picture
from course_utils.vision.resizing import place_of_copies, write_copies
from course_utils.vision.transforms import Augmentation, Transforms, side_on, top_down

Array = NDArray[Any]

transforms_basic = Augmentation(share=0.75)
transforms_side_on, transforms_top_down = (dataclasses.replace(usual, share=0.75) for usual in (side_on, top_down))
STILL = dataclasses.replace(transforms_basic, degrees=0, light=0)  # zoomed alone


class Middle(Transforms):
    """Transforms that vary the square in the middle of a picture, as in the lecture where nothing is zoomed."""

    def squares(self, pictures: Sequence[NDArray[np.uint8]], augment: bool = False) -> Tensor:
        """The middle of each picture, also while training."""
        return super().squares(pictures)


class Tfms(Explains):
    """What becomes of a picture before the network sees it, once for training and once for validation; `sz` is its side."""

    def __init__(self, transforms: Transforms, augment: bool = False) -> None:
        self.transforms, self.augment, self.sz = transforms, augment, transforms.size

    def __call__(self, image: Picture) -> Array:
        """A picture (Pillow's, an array (h, w, 3), a file) as a normalised array (3, sz, sz) float32."""
        array: Array = self.transforms.one(image, self.augment).numpy()
        return array

    def denorm(self, x: Array | Tensor) -> Array:
        """Normalised pictures (B, 3, s, s) or one (3, s, s) as colours (B, s, s, 3) around 0 to 1, not clipped."""
        array = np.asarray(x.detach().cpu() if isinstance(x, Tensor) else x)
        array = np.moveaxis(array if array.ndim == 4 else array[None], 1, -1)
        mean, std = np.array([self.transforms.mean, self.transforms.std], np.float32)
        return array * std + mean

    def __repr__(self) -> str:
        return f"Tfms({self.transforms}, augment={self.augment})"


@keywords
def tfms_from_model(
    f_model: Architecture,
    sz: int,
    aug_tfms: Augmentation | None = None,
    max_zoom: float | None = None,
    pad: int = 0,
    crop_type: Any = None,
    tfm_y: Any = None,
) -> tuple[Tfms, Tfms]:
    """The transforms (training, validation) for a network; see `course_utils.vision.transforms_for`.

    Without `aug_tfms` and `max_zoom` both are alike. Where another network stands in, its statistics hold.
    """
    return tfms_from_stats(statistics(network_of(f_model)), sz, aug_tfms, max_zoom, pad, crop_type, tfm_y)


@keywords
def tfms_from_stats(
    stats: tuple[RGB, RGB],
    sz: int,
    aug_tfms: Augmentation | None = None,
    max_zoom: float | None = None,
    pad: int = 0,
    crop_type: Any = None,
    tfm_y: Any = None,
) -> tuple[Tfms, Tfms]:
    """As `tfms_from_model`, with the mean and the deviation of red, green and blue given, from 0 to 1."""
    if aug_tfms is not None and not isinstance(aug_tfms, Augmentation):
        raise LectureError(
            f"aug_tfms is of type {type(aug_tfms).__name__}; give transforms_side_on, transforms_top_down or transforms_basic. "
            "Of your own: course_utils.vision.Augmentation(symmetries=2, degrees=10, light=0.05), or in PyTorch "
            "torchvision.transforms.v2.Compose([...])."
        )
    if crop_type is not None or tfm_y is not None:
        raise LectureError(
            "crop_type and tfm_y are not used in the lecture's lessons 1 to 3: pictures are cut to the square in the middle, "
            "and labels stay. In PyTorch, torchvision.transforms.v2 squeezes pictures (Resize) and moves boxes with them."
        )
    if pad:
        say(f"pad={pad} changes nothing: where a picture is turned, its edges are mirrored by as much as is needed.")
    mean, std = (tuple(map(float, row)) for row in stats)
    augment = aug_tfms or (STILL if max_zoom else None)
    kind = Transforms if max_zoom or pad else Middle
    train = kind(sz, mean, std, augment, max_zoom or 1)  # type: ignore[arg-type]
    return Tfms(train, augment=augment is not None), Tfms(dataclasses.replace(train, augment=None, max_zoom=1))


class FilesIndexArrayDataset(Dataset[tuple[Array, Any]]):
    """Pictures `path/fname`, each with its `y`: item i is (array (3, sz, sz), y[i]); PyTorch's DataLoader takes it."""

    def __init__(self, fnames: Sequence[str], y: Any, transform: Tfms, path: str | os.PathLike[str]) -> None:
        self.fnames, self.y, self.transform, self.path = list(fnames), np.asarray(y), transform, path
        self.sz = transform.sz

    def __len__(self) -> int:
        return len(self.fnames)

    def __getitem__(self, i: int) -> tuple[Array, Any]:
        return self.transform(os.path.join(self.path, self.fnames[i])), self.y[i]

    def denorm(self, x: Array | Tensor) -> Array:
        """See `Tfms.denorm`."""
        return self.transform.denorm(x)


class SplitDataset(FilesIndexArrayDataset):
    """The pictures of one split of an ImageData, decoded once."""

    def __init__(self, inner: ImageData, split: Split, transform: Tfms, path: str | os.PathLike[str]) -> None:
        super().__init__(inner.items(split), _targets(inner, split).numpy(), transform, path)
        self._pictures = {"train": inner.train_ds, "valid": inner.valid_ds, "test": inner.test_ds}[split]

    def __getitem__(self, i: int) -> tuple[Array, Any]:
        return self._pictures[int(i)][0].numpy(), self.y[i]


def _targets(inner: ImageData, split: Split) -> Tensor:
    """The targets of a split; zeros for a test set."""
    if (targets := inner.targets(split)) is not None:
        return targets
    like = cast(Tensor, inner.targets("train"))
    return like.new_zeros(len(inner.items(split)), *like.shape[1:])


class Batches:
    """Mini-batches `[x, y]` of one split on the CPU: x (B, 3, sz, sz), y (B,) or (B, classes)."""

    def __init__(self, inner: ImageData, split: Split, dataset: SplitDataset, augment: bool = False) -> None:
        self.dataset, self._loader = dataset, inner.loader(split, augment, shuffle=split == "train")
        self._zeros = _targets(inner, split)[:1]

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[list[Tensor]]:
        for x, y in self._loader:
            yield [x.cpu(), self._zeros.expand(len(x), *self._zeros.shape[1:]) if y is None else y.cpu()]


class ImageClassifierData(Explains):
    """Pictures to learn from, in the lecture's words; `inner` is the ImageData of this package that has them.

    Attributes:
        path: the folder, as it was given, or that of smaller copies.
        trn_ds: the pictures one at a time, as val_ds, test_ds (None without a test set); see `FilesIndexArrayDataset`.
        trn_dl: mini-batches, as val_dl, test_dl, and aug_dl: those of the validation set, varied anew at each pass.
        trn_y: the labels in the order of `trn_ds.fnames`, as val_y: class numbers (n,), or zeros and ones (n, c) float32.
    """

    def __init__(self, path: str | os.PathLike[str], inner: ImageData, tfms: tuple[Tfms, Tfms]) -> None:
        self.path, self.inner, self.tfms = path, inner, tfms
        self.classes, self.c, self.bs, self.sz = inner.classes, len(inner.classes), inner.batch_size, inner.transforms.size
        self.is_multi = inner.task == "multi-label"
        self.trn_ds = SplitDataset(inner, "train", tfms[0], path)
        self.val_ds = SplitDataset(inner, "valid", tfms[1], path)
        self.test_ds = None if inner.test_ds is None else SplitDataset(inner, "test", tfms[1], path)
        self.trn_y, self.val_y = self.trn_ds.y, self.val_ds.y
        self.trn_dl = Batches(inner, "train", self.trn_ds, augment=True)
        self.val_dl, self.aug_dl = (Batches(inner, "valid", self.val_ds, augment) for augment in (False, True))
        self.test_dl = None if self.test_ds is None else Batches(inner, "test", self.test_ds)

    @classmethod
    @keywords
    def from_paths(
        cls,
        path: str | os.PathLike[str],
        bs: int = 64,
        tfms: tuple[Tfms, Tfms] | None = None,
        trn_name: str = "train",
        val_name: str = "valid",
        test_name: str | None = None,
        num_workers: int = 8,
    ) -> "ImageClassifierData":
        """Pictures in a folder for each class; see `ImageData.from_folders`. `num_workers` is not needed: threads decode."""
        both = _checked(tfms)
        inner = ImageData.from_folders(path, both[0].transforms, bs, trn_name, val_name, test_name)
        return cls(path, inner, both)

    @classmethod
    @keywords
    def from_csv(
        cls,
        path: str | os.PathLike[str],
        folder: str,
        csv_fname: str | os.PathLike[str],
        bs: int = 64,
        tfms: tuple[Tfms, Tfms] | None = None,
        val_idxs: Any = None,
        suffix: str = "",
        test_name: str | None = None,
        continuous: bool = False,
        skip_header: bool = True,
        num_workers: int = 8,
    ) -> "ImageClassifierData":
        """Pictures that a table names and labels; see `ImageData.from_csv`. `val_idxs` are rows in the order of the file."""
        both = _checked(tfms)
        if continuous or not skip_header:
            given = " and ".join(["continuous=True"] * continuous + ["skip_header=False"] * (not skip_header))
            raise LectureError(
                f"from_csv was given {given}, which the lecture's lessons 1 to 3 do not use; here labels are classes, below a "
                "row of headings. For other tables read the frame yourself and give it to "
                "course_utils.vision.ImageData.from_frame, or write a torch.utils.data.Dataset."
            )
        table = os.path.abspath(csv_fname) if os.path.isfile(csv_fname) else csv_fname  # else it is looked for in `path`
        if val_idxs is None:
            with reading(Path(path, table)), open(Path(path, table), "rb") as file:
                val_idxs = get_cv_idxs(sum(1 for line in file if line.strip()) - 1)
        inner = ImageData.from_csv(path, folder, table, both[0].transforms, bs, val_idxs, suffix, test_name)
        by_name = np.array(sorted([*inner.items("train"), *inner.items("valid")]))
        if {*by_name[np.asarray(val_idxs)]} != {*inner.items("valid")}:
            say(
                f"val_idxs count the rows of {Path(table).name} as they stand there; in 2017 rows were counted in the order of "
                "their names, so that the same numbers chose other pictures."
            )
        return cls(path, inner, both)

    @keywords
    def resize(self, targ: int, new_path: str) -> "ImageClassifierData":
        """The same data on copies with a shorter side of `targ` pixels in `path/new_path/targ`, which become its `path`.

        Copies that are there are kept. Where the folder is only to be read they go to the work folder, and a line says so.
        """
        inner, splits = self.inner, (["train", "valid"] if self.test_ds is None else ["train", "valid", "test"])
        names = {split: inner.items(cast(Split, split)) for split in splits}
        every, target = [name for split in names.values() for name in split], Path(self.path, new_path, str(targ))
        if can_write(target):
            write_copies(every, inner.path, target, targ)
        else:
            target = place_of_copies(every, inner.path, new_path, targ)
            say(f"{Path(self.path)} cannot be written to, so smaller copies lie in {target}.")
        targets = {split: cast(Tensor, inner.targets(split)) for split in ("train", "valid")}
        copies = ImageData(target, names, targets, inner.classes, inner.transforms, inner.batch_size)
        copies.device = inner.device
        return ImageClassifierData(str(target), copies, self.tfms)

    def __repr__(self) -> str:
        return f"ImageClassifierData over {self.inner!r}"


def _checked(tfms: Any) -> tuple[Tfms, Tfms]:
    if not (isinstance(tfms, tuple | list) and len(tfms) == 2 and all(isinstance(t, Tfms) for t in tfms)):
        raise LectureError(
            "tfms must be the pair that tfms_from_model gives, as in tfms=tfms_from_model(resnet34, 224); "
            f"a {type(tfms).__name__} was given"
        )
    train, valid = tfms
    if (train.sz, train.transforms.mean) != (valid.sz, valid.transforms.mean):
        raise LectureError(f"the two tfms differ in more than augmentation: {train} and {valid}; take both from one call")
    return train, valid


@keywords
def open_image(fn: str | os.PathLike[str]) -> Array:
    """The RGB pixels of a file, (h, w, 3) float32 from 0 to 1."""
    return read_image(fn).astype(np.float32) / 255


@keywords
def get_cv_idxs(n: int, cv_idx: int = 4, val_pct: float = 0.2, seed: int = 42) -> Array:
    """Rows to validate: slice number `cv_idx`, of int(val_pct * n) rows, of the n rows in random order.

    It sets the seed of NumPy's global numbers, as it always did.
    """
    np.random.seed(seed)
    many = int(val_pct * n)
    return np.random.permutation(n)[cv_idx * many : (cv_idx + 1) * many]
