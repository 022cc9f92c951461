"""What to write today for what is not here: names that were removed, or that the lessons do not use, and wrong keywords."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from course_utils.errors import CourseError

P = ParamSpec("P")
R = TypeVar("R")


class LectureError(CourseError):
    """A line of the lecture that cannot run; the message says what to write today."""


class NotHereError(LectureError, ImportError):
    """A name or module of the lecture's library that nothing stands in for."""


class NoSuchAttributeError(LectureError, AttributeError):
    """A method or attribute that the lecture's objects do not have."""


_said: set[str] = set()


def say(line: str) -> None:
    """Print a line, once in a session."""
    if line not in _said:
        _said.add(line)
        print(line)


_TRANSFORM = "course_utils.vision.Augmentation(symmetries, degrees, light); in PyTorch torchvision.transforms.v2.{}"
_SCHEDULE = "learn.learner.fit_one_cycle(lr, epochs); in PyTorch torch.optim.lr_scheduler.OneCycleLR"
_DATASET = "course_utils.vision.ImageData.from_files or from_arrays; in PyTorch a torch.utils.data.Dataset of your own"
_TEXTS = "texts are not part of these lessons; in PyTorch they are torch.nn.Embedding and torch.nn.LSTM"
_NETWORK = "course_utils.vision.backbone(name).body with a head of yours; in PyTorch torch.nn.Sequential(...)"
_LOOP = "learn.fit(lr, n_cycle), or course_utils.training.Learner(data, model).fit(lr, cycles); in PyTorch a loop of your own: "
_LOOP += "loss.backward(), optimizer.step(), optimizer.zero_grad()"

WRITE_TODAY = {
    **dict.fromkeys(("fit_gen", "fit_opt_sched", "Stepper", "fit", "Learner"), _LOOP),
    "validate": "learn.learner.validate(); in PyTorch a loop over the loader in torch.no_grad()",
    "from_names": "ImageClassifierData.from_csv with a table of names and labels, or ImageData.from_files(files, labels, "
    "transforms); in PyTorch a torch.utils.data.Dataset",
    "from_names_and_array": "course_utils.vision.ImageData.from_files(files, labels, transforms)",
    "from_arrays": "course_utils.vision.ImageData.from_arrays((x, y), (x, y), transforms); in PyTorch TensorDataset(x, y)",
    "ImageModelResults": "course_utils.vision.Results(learn.learner.data, learn.learner.predict())",
    "ConvnetBuilder": _NETWORK,
    "from_model_data": "course_utils.training.Learner(data.inner, model), which fits any network",
    "BasicModel": _NETWORK,
    **dict.fromkeys(("CircularLR", "CosAnneal", "fit_one_cycle", "use_clr", "use_clr_beta", "CircularLR_beta"), _SCHEDULE),
    "LR_Finder": "learn.lr_find() and learn.sched.plot(); in PyTorch a loop over growing rates",
    "lr_find2": "learn.lr_find() and learn.sched.plot(); in PyTorch a loop over growing rates",
    "SaveBestModel": "Learner(..., callbacks=[course_utils.training.KeepBest()])",
    "best_save_name": "Learner(..., callbacks=[course_utils.training.KeepBest()]), then learner.save(name)",
    "use_wd_sched": "wds=1e-4 alone, with opt_fn=torch.optim.AdamW for decay apart from the gradients",
    "use_swa": "torch.optim.swa_utils.AveragedModel",
    "Callback": "course_utils.training.Callback",
    "clip": "course_utils.vision.image_learner(data, arch, clip=1.0); in PyTorch torch.nn.utils.clip_grad_norm_",
    "crit": "learn.learner.loss_function",
    "get_layer_groups": "learn.learner.layer_groups",
    "models": "learn.learner.model",
    "half": "mixed_precision=True of course_utils.vision.image_learner; in PyTorch torch.autocast",
    "cuda": "not needed: the GPU is used where there is one; in PyTorch x.to('cuda' if torch.cuda.is_available() else 'cpu')",
    "RandomRotate": _TRANSFORM.format("RandomRotation"),
    "RandomFlip": _TRANSFORM.format("RandomHorizontalFlip"),
    "RandomLighting": _TRANSFORM.format("ColorJitter"),
    "RandomDihedral": "transforms_top_down; in PyTorch torchvision.transforms.v2.RandomChoice",
    **{name: _TRANSFORM.format(today) for name, today in (("RandomCrop", "RandomCrop"), ("CenterCrop", "CenterCrop"))},
    **dict.fromkeys(("Scale", "RandomScale", "CropType"), _TRANSFORM.format("Resize")),
    **dict.fromkeys(("ArraysIndexDataset", "FilesDataset", "FilesNhotArrayDataset", "ArraysDataset", "BaseDataset"), _DATASET),
    **dict.fromkeys(("parse_csv_labels", "folder_source", "csv_source"), "ImageClassifierData.from_csv or from_paths"),
    "accuracy_thresh": "accuracy_multi, or f_beta of course_utils.training; in PyTorch ((preds > t) == targs).float().mean()",
    "CollabFilterDataset": "torch.nn.Embedding for users and films, in a network that course_utils.training.Learner fits",
    "ColumnarDataset": "ColumnarModelData.from_data_frame; in PyTorch TensorDataset(codes, values, y)",
    "StructuredLearner": "md.get_learner(...), or course_utils.tabular.tabular_learner(data)",
    "MixedInputModel": "course_utils.tabular.model.TabularModel; in PyTorch torch.nn.Embedding beside torch.nn.Linear",
    **dict.fromkeys(("TextData", "LanguageModelData", "RNN_Learner", "nlp", "text", "lm_rnn", "rnn_reg"), _TEXTS),
    "DataFrameMapper": "sklearn.compose.ColumnTransformer([(name, transformer, columns), ...])",
    "VV": "V(x), or x itself: tensors need no wrapping any more",
    "Variable": "x itself: tensors need no wrapping any more",
}
"""Names and keywords of the lecture's library that are not here, and what does today what they did."""

EXPLAINED = (
    "accuracy_thresh ArraysIndexDataset BaseDataset BasicModel CenterCrop CircularLR CollabFilterDataset "
    "ColumnarDataset ConvnetBuilder CosAnneal CropType csv_source DataFrameMapper FilesDataset FilesNhotArrayDataset "
    "folder_source ImageModelResults LanguageModelData LR_Finder MixedInputModel parse_csv_labels RandomCrop "
    "RandomDihedral RandomFlip RandomLighting RandomRotate RandomScale RNN_Learner SaveBestModel Scale Stepper "
    "StructuredLearner TextData Variable VV"
)
"""Those that `import *` brings too, to say so when they are used."""


def unknown(name: str) -> str:
    """What to write today for a name of the library that is not here."""
    today = WRITE_TODAY.get(name.rpartition(".")[2])
    return f"{name} is not among the names of the lecture's lessons 1 to 3, which is all that course_utils.lecture has. " + (
        f"Today: {today}." if today else "docs/lecture.md says what one writes today for those that cells use."
    )


class Explained:
    """What a name stands for that is not here: whatever is done with it, the error says what to write today."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Say what to write today."""
        raise LectureError(unknown(self._name))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NoSuchAttributeError(unknown(self._name))

    def __repr__(self) -> str:
        return unknown(self._name)


def _missing(owner: type, name: str, own: Iterable[str] = ()) -> NoReturn:
    if name.startswith("_"):  # asked for by Python, IPython and editors
        raise AttributeError(f"{owner.__name__} has no attribute {name!r}")
    today, names = WRITE_TODAY.get(name), sorted({n for n in (*dir(owner), *own) if n[0] != "_" and n != "VALID_BATCHES"})
    close = difflib.get_close_matches(name, names, 1)
    advice = f"Today: {today}." if today else f"Did you mean {close[0]}?" if close else f"It has {', '.join(names)}."
    raise NoSuchAttributeError(f"{owner.__name__} has no {name} here. {advice}")


class _ExplainsClass(type):
    def __getattr__(cls, name: str) -> Any:
        _missing(cls, name)


class Explains(metaclass=_ExplainsClass):
    """A class of the lecture that says of names it lacks what to write today."""

    def __getattr__(self, name: str) -> Any:
        _missing(type(self), name, vars(self))


THEN = {"val_idxs": "valid_idx", "bs": "batch_size", "wds": "weight_decay", "n_cycle": "cycles", "sz": "size", "targ": "size"}
"""What the lecture calls the arguments of which this package's messages speak."""


def keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function of the lecture say what it takes where it is called in another way, and speak of its own arguments."""
    takes = inspect.signature(function)

    @wraps(function)
    def inside(*args: P.args, **options: P.kwargs) -> R:
        try:
            takes.bind(*args, **options)
        except TypeError as error:
            names = [name for name in takes.parameters if name not in ("self", "cls")]
            wrong = [name for name in options if name not in names]
            close = difflib.get_close_matches(wrong[0], names, 1) if wrong else []
            today = WRITE_TODAY.get(wrong[0]) if wrong else None
            advice = f" Today: {today}." if today else f" Did you mean {close[0]}?" if close else ""
            raise LectureError(f"{function.__name__}(): {error}; it takes {', '.join(names)}.{advice}") from error
        try:
            return function(*args, **options)
        except CourseError as error:
            message = str(error)
            for then, today in THEN.items():
                if then in takes.parameters and message.startswith(f"{today} "):
                    error.args = (re.sub(rf"\b{today}\b", then, message), *error.args[1:])
            raise

    return inside
