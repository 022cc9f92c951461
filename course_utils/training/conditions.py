"""Under what a fit runs, besides weights and optimiser: kept in a checkpoint, and compared before the fit continues."""

import math
import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from course_utils.names import counted
from course_utils.training.arguments import shown
from course_utils.training.callbacks import Callback, ClipGradients
from course_utils.training.data import Data
from course_utils.training.losses import Loss, loss_name, mean_loss
from course_utils.training.meaning import close

NAMES = 1000  # of examples that are looked at, evenly over all
WIDTH = 100  # numbers of each that are looked at, where they have more
TOLD = ("batch_size", "clip", "mixed_precision", "precompute")
EXAMPLES = 12  # for which the loss is computed


def conditions_of(
    data: Data, loss: Loss, callbacks: Sequence[Callback], mixed_precision: bool, precompute: bool
) -> dict[str, Any]:
    """What a checkpoint keeps, as numbers and text: which examples, which loss, and how mini-batches are gone through."""
    return {
        "examples": {split: _examples(data, split) for split in ("train", "valid")},
        "loss": [loss_name(loss), _value(loss, data)],
        "batch_size": data.batch_size,
        "clip": next((c.max_norm for c in callbacks if isinstance(c, ClipGradients)), None),
        "mixed_precision": mixed_precision,
        "precompute": precompute,
        "callbacks": [type(callback).__name__ for callback in callbacks],
        "settings": [repr(callback) for callback in callbacks if type(callback).__repr__ is not object.__repr__],
    }


def refused(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Why a fit cannot continue, in words: other examples or another loss; of what a file does not know, nothing."""
    found = []
    for split, theirs in saved.get("examples", {}).items():
        ours = here["examples"][split]
        if theirs and ours and theirs[0] != ours[0]:
            found.append(f"the {split} set has {counted(theirs[0], 'example')} there and {ours[0]:,} here")
        elif theirs and ours and theirs[1] != ours[1]:
            found.append(f"the {split} set has other examples, or the same in another order ({ours[0]:,} of them)")
        elif theirs and ours and not _same_contents(theirs[2:], ours[2:]):
            found.append(f"the {split} set has other inputs or targets, of as many examples ({ours[0]:,})")
    (name, value), (own_name, own_value) = saved.get("loss", here["loss"]), here["loss"]
    if value is not None and own_value is not None:
        if not close(value, own_value, 1e-4):
            numbers = f"{value:.4g} there and {own_value:.4g} here for equal outputs"
            found.append(f"the loss is {name} there and {own_name} here ({numbers})")
    elif name != own_name:
        found.append(f"the loss is {name} there and {own_name} here")
    return found


def said(saved: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What else has changed, in one line; nothing if nothing has."""
    names = [name for name in TOLD if name in saved and saved[name] != here[name]]
    found = [f"{name} is {shown(here[name])}, not {shown(saved[name])}" for name in names]
    theirs, ours = saved.get("callbacks", here["callbacks"]), here["callbacks"]
    clipped = {"ClipGradients"}  # told as clip
    for words, some in (("new", set(ours) - set(theirs)), ("missing", set(theirs) - set(ours))):
        found += [f"the callback {name} is {words}" for name in sorted(some - clipped)]
    settings = [dict.fromkeys(some.get("settings", here["settings"])) for some in (saved, here)]
    if settings[0] != settings[1] and sorted(theirs) == sorted(ours):
        changed = [" and ".join(one for one in some if one not in other) for some, other in (settings, settings[::-1])]
        found.append(f"a callback is {changed[1]}, not {changed[0]}")
    return f"The fit continues, but not as it was saved: {'; '.join(found)}." if found else ""


def _examples(data: Data, split: Any) -> list[Any] | None:
    """How many there are, and what stands for their names in this order, and for what they hold; None for data without names.

    What they hold is told by numbers, one for each tensor, of which the last digits may differ on another processor.
    """
    try:
        names = data.items(split)
    except NotImplementedError:
        return None
    rows = slice(0, len(names), max(1, len(names) // NAMES))
    some = [str(names[row]) for row in range(*rows.indices(len(names)))]
    letters = sha256("\0".join(some).encode(errors="surrogatepass")).hexdigest()[:16]
    return [len(names), letters, *(_numbers_for(part) for part in data.sample(split, rows))]


def _numbers_for(tensor: Tensor) -> list[float]:
    """How large the numbers of a tensor are, and a sum that each of them and their order change; rounding hardly does."""
    table = tensor.reshape(len(tensor), -1)
    numbers = table[:, :: max(1, table.shape[1] // WIDTH)].double().nan_to_num().cpu()
    return [float(numbers.norm()), float((numbers * _numbers(*numbers.shape)).sum())]


def _same_contents(theirs: Sequence[Sequence[float]], ours: Sequence[Sequence[float]]) -> bool:
    """Whether numbers of `_numbers_for` are the same; those that an older file lacks are."""
    pairs = zip(theirs, ours, strict=False)
    return all(abs(a - b) <= 1e-4 * there[0] for there, here in pairs for a, b in zip(there, here, strict=True))


def _value(loss: Loss, data: Data) -> float | None:
    """What a loss says of outputs that are the same everywhere, which tells it from others whatever it is called.

    None where it cannot be computed of these: a loss of one's own may take other outputs.
    """
    classes = len(data.classes) if data.classes else 3
    outputs, targets = _numbers(EXAMPLES, classes), torch.arange(EXAMPLES) % classes
    if data.task == "multi-label":
        targets = (_numbers(EXAMPLES, classes).roll(1, 0) > 0).float()
    elif data.task == "regression":
        outputs, targets = _numbers(EXAMPLES, 1), _numbers(EXAMPLES, 1).roll(1, 0).flatten()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = mean_loss(loss, outputs, targets).item()
    except Exception:  # any, as the loss is anybody's
        return None
    return value if math.isfinite(value) else None


def _numbers(rows: int, columns: int) -> Tensor:
    """Numbers from -2 to 2 without a pattern, (rows, columns), the same on every machine."""
    return 2 * torch.sin(torch.arange(rows * columns, dtype=torch.float64).square()).float().view(rows, columns)
