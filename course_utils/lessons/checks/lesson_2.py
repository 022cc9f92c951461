"""Lesson 2: what it costs to be sure, what gets confused, and whom to set aside."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.data.samples import breeds
from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given, of_the_way, one_number, scored
from course_utils.training import log_loss


def _tensor(value: Any, shape: tuple[int, ...]) -> Tensor:
    """Numbers in this shape as float64; a NotYet for anything else."""
    try:
        found = torch.as_tensor(value).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        raise NotYet(f"{given(value)} is not a tensor.") from None
    if tuple(found.shape) != shape:
        raise NotYet(f"its shape is {tuple(found.shape)}; expected {shape}.")
    return found


@exercise(
    "2.1",
    "a number for each class, (classes,): what to say of every picture without looking at one",
    "It is a probability for each class, and all of them add up to 1.",
    "How often does each breed come in the training set? data.targets('train') has the labels.",
)
def without_looking(shares: Any, data: Any) -> Iterator[Part]:
    """The log loss on the training labels must be the lowest that a constant has: their entropy."""
    found = _tensor(shares, (len(data.classes),))
    yield Part(
        0.3, bool((found >= 0).all()) and abs(found.sum().item() - 1) < 1e-4, f"its numbers add up to {found.sum():.4f}."
    )
    labels = data.targets("train")
    true = torch.bincount(labels, minlength=len(found)).double() / len(labels)
    least = -(true * true.clamp(min=1e-12).log()).sum().item()
    loss = -(true * found.clamp(min=1e-7).log()).sum().item()
    yield Part(0.7, abs(loss - least) < 1e-4, f"on the training labels it has a log loss of {loss:.4f}; there is a lower one.")


@exercise(
    "2.2",
    "a function of probabilities (pictures, classes) and a share, which mixes them with knowing nothing",
    "Knowing nothing gives each of n classes 1/n.",
    "(1 - share) of the one and share of the other: then a row still adds up to 1.",
)
def insured(function: Callable[[Tensor, float], Any]) -> Iterator[Part]:
    """Compared with the mixture."""
    p = torch.tensor([[1.0, 0, 0, 0], [0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]])
    found = _tensor(called(function, p, 0.2), (3, 4))
    sums = found.sum(1)
    yield Part(0.4, bool((sums - 1).abs().max() < 1e-5), f"its rows add up to {', '.join(f'{s:.3f}' for s in sums.tolist())}.")
    yield Part(0.3, bool((found[2] - 0.25).abs().max() < 1e-5), f"of a row that knows nothing it made {found[2].tolist()}.")
    yield Part(0.3, abs(found[0, 1].item() - 0.05) < 1e-5, f"with a share of 0.2 and four classes, 0 became {found[0, 1]:.3f}.")


@exercise(
    "2.3",
    "a function of a confusion matrix (rows: labels) and pairs of class numbers, that gives a share of all mistakes",
    "Mistakes are what is off the diagonal.",
    "A pair can be confused in two directions.",
)
def within_pairs(function: Callable[[Tensor, Sequence[tuple[int, int]]], Any]) -> Iterator[Part]:
    """Compared with counting picture by picture."""
    generator = torch.Generator().manual_seed(0)
    for marks, pairs in ((0.5, [(0, 1)]), (0.5, [(0, 3), (1, 2)])):
        counts = torch.randint(0, 9, (5, 5), generator=generator) + 20 * torch.eye(5, dtype=torch.long)
        cells = [(i, j, int(counts[i, j])) for i in range(5) for j in range(5) if i != j]
        wanted = sum(n for i, j, n in cells if (i, j) in pairs or (j, i) in pairs) / sum(n for *_, n in cells)
        number = one_number(called(function, counts, pairs))
        yield Part(marks, abs(number - wanted) < 1e-5, f"for the pairs {pairs} of {counts.tolist()} it gave {number:.3f}.")


@exercise(
    "2.4",
    "a function of owners (a name for each row), a fraction and a seed, that gives the numbers of the rows to set aside",
    "Choose owners, not rows; then take all rows of those owners.",
    "Go on choosing owners at random until about that fraction of the rows is aside.",
)
def split_by_owner(function: Callable[[Sequence[str], float, int], Any]) -> Iterator[Part]:
    """What any such split must fulfil."""
    rng = np.random.default_rng(0)
    owners = [f"owner {i}" for i in np.repeat(np.arange(60), rng.integers(1, 8, 60))]
    owners = [owners[i] for i in rng.permutation(len(owners))]

    def rows(seed: int) -> set[int]:
        found = called(function, owners, 0.2, seed)
        try:
            return {int(row) for row in found}
        except (TypeError, ValueError):
            raise NotYet(f"it gave {given(found)}; expected numbers of rows.") from None

    first = rows(0)
    aside = {owners[row] for row in first if 0 <= row < len(owners)}
    both = sorted(aside & {owners[row] for row in range(len(owners)) if row not in first})
    yield Part(0.5, bool(aside) and not both, f"{both[0]} has rows on both sides." if both else "no row was set aside.")
    share = len(first) / len(owners)
    yield Part(0.3, 0.15 <= share <= 0.25, f"{share:.0%} of the rows are aside, of the 20% asked for.")
    yield Part(0.2, rows(0) == first and rows(1) != first, "another seed should choose others, and the same seed the same.")


@exercise(
    "2.5",
    'one of "helps", "hurts" and "cannot tell"',
    "Compare picture by picture: -log of what each gave the right breed, and the difference of the two.",
    "The mean of 240 differences is uncertain by their standard deviation divided by sqrt(240). Twice that is a fair bar.",
)
def does_it_help(verdict: str, plain: Any, varied: Any) -> Iterator[Part]:
    """The student's own predictions decide, pair by pair."""
    if verdict not in ("helps", "hurts", "cannot tell"):
        raise NotYet(f"{given(verdict)} is not one of the three verdicts.")
    rows = torch.arange(len(plain.targets))
    first, second = (-p.values[rows, p.targets].double().clamp(min=1e-7).log() for p in (plain, varied))
    gain = first - second
    mean, error = gain.mean().item(), (gain.std() / len(gain) ** 0.5).item()
    wanted = "cannot tell" if abs(mean) <= 2 * error else "helps" if mean > 0 else "hurts"
    yield Part(
        1.0,
        verdict == wanted,
        f"the log loss is {mean:+.3f} better on average, give or take {error:.3f}; {verdict!r} does not follow.",
    )


@exercise(
    "2.6",
    "the text of the error, and that no file was written",
    "dataclasses.replace(test, values=..., items=...) makes predictions with a picture less.",
    "except Exception as error: message = str(error)",
)
def a_picture_less(message: str, file: Path, test: Any) -> Iterator[Part]:
    """The message must be about a picture that the predictions have, and nothing must lie there."""
    if not isinstance(message, str):
        raise NotYet(f"{given(message)} is not text.")
    ids = [PurePosixPath(item).stem for item in test.items]
    yield Part(0.6, any(name in message for name in ids), f"{given(message)} names no picture of the test set.")
    yield Part(0.4, not Path(file).exists(), f"{Path(file).name} was written all the same.")


@exercise(
    "2.7",
    "the numbers of the rows of the validation set in which you think that a sheet hides the dog",
    "What does a network that cannot know give to each breed? Look at the largest probability of each row.",
    "valid.values.max(dim=1).values is one number for each picture: draw a histogram of it.",
)
def under_a_sheet(rows: Iterable[int], data: Any) -> Iterator[Part]:
    """The makers of the drawn pictures know; full marks for an F1 score of 0.9."""
    if "samples" not in data.path.parts:
        raise NotYet("these are photographs, and nobody keeps a list of what hides the dogs: judge for yourself.")
    try:
        chosen = {int(row) for row in rows}
    except (TypeError, ValueError):
        raise NotYet(f"{given(rows)} is not a list of numbers.") from None
    names = [PurePosixPath(name).stem for name in data.file_names("valid")]
    if not chosen or not all(0 <= row < len(names) for row in chosen):
        raise NotYet(f"rows go from 0 to {len(names) - 1}." if chosen else "the list is empty.")
    hidden = {picture.id for picture in breeds.pictures(breeds.SIZES) if picture.look == "ghost"}
    true = {row for row, name in enumerate(names) if name in hidden}
    hits = len(chosen & true)
    score = 2 * hits / (len(chosen) + len(true))
    share = 1.0 if score >= 0.9 else score / 0.9
    yield Part(1.0, share, f"of your {len(chosen)} rows {hits} show a sheet, of {len(true)} that there are.")


@exercise(
    "2.8",
    "predictions of the validation set, and the log loss of the head alone before",
    "Most was gained by training the body. What would more epochs of it gain, and what a larger square?",
    "The mean of several networks, or of several views, is surer where it may be and less sure where it must be.",
)
def improve_it(predictions: Any, head_alone: float) -> Iterator[Part]:
    """How much of the way from the head alone to the best that the makers know to be possible."""
    reached, best = scored(log_loss, predictions), breeds.BEST_LOG_LOSS
    gone = of_the_way(reached, head_alone, best, lower_is_better=True)
    yield Part(1.0, gone, f"the log loss is {reached:.3f}: {gone:.0%} of the way from {head_alone:.3f} to {best:.3f}.")
