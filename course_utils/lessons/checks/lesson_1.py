"""Lesson 1: mini-batches, rates, augmentation, what is wrong and what is luck."""

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import torch
from torch.utils.data import DataLoader

from course_utils.data.samples import pets
from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given, of_the_way, one_number, scored
from course_utils.training import accuracy
from course_utils.training.rate_finder import LearningRateSearch


@exercise(
    "1.1",
    "a function of two whole numbers, the pictures and the batch size, that gives two",
    "How many full mini-batches are there? What is left over is one more.",
    "A rest of nothing is not a mini-batch: the last one is then a full one.",
)
def mini_batches(function: Callable[[int, int], Any]) -> Iterator[Part]:
    """Compared with PyTorch's own data loader."""
    for pictures, size, what in (
        (2000, 64, "a last mini-batch that is not full"),
        (2048, 64, "pictures that fill every mini-batch"),
        (40, 64, "fewer pictures than one mini-batch holds"),
        (65, 64, "a last mini-batch of one"),
    ):
        found = called(function, pictures, size)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise NotYet(f"it gave {given(found)} for {pictures} pictures in batches of {size}; expected two numbers.")
        sizes = [len(batch) for batch in DataLoader(range(pictures), size)]  # type: ignore[arg-type]
        right = found[0] == len(sizes) and found[1] == sizes[-1]
        yield Part(0.25, right, f"it gave {given(found)} for {pictures} pictures in batches of {size}: {what}.")


@exercise(
    "1.2",
    "three rates out of search.rates: where nothing happens yet, where the loss falls steeply, where it goes up again",
    "search.rates and search.losses are lists of the same length; the plot shows one over the other.",
    "The second is search.suggested, or near it: where the curve falls, and well below its lowest point.",
)
def reading_the_finder(rates: Iterable[float], search: LearningRateSearch) -> Iterator[Part]:
    """Compared with the search that the student looks at."""
    try:
        too_low, good, too_high = (float(rate) for rate in rates)
    except (TypeError, ValueError):
        raise NotYet(f"{given(rates)} is not three rates.") from None
    losses = search.losses
    lowest = losses.index(min(losses))
    start, fall = losses[0], losses[0] - min(losses)

    def loss_at(rate: float) -> float:
        nearest = min(range(len(losses)), key=lambda i: abs(math.log(max(rate, 1e-12) / search.rates[i])))
        return losses[nearest]

    gained = (start - loss_at(too_low)) / fall
    yield Part(0.3, gained < 0.2, f"at {too_low:g} the loss has already made {gained:.0%} of its way down.")
    ratio = search.rates[lowest] / good if good > 0 else math.inf
    yield Part(0.4, 2 <= ratio <= 100 and gained < 1, f"{good:g} is not where the loss falls, well below the lowest point.")
    rises = too_high > search.rates[lowest] and loss_at(too_high) > min(losses) + 0.1 * fall
    yield Part(0.3, rises, f"at {too_high:g} the loss has not begun to rise.")


@exercise(
    "1.3",
    "a function of a learner that says whether two passes over its training set give the same inputs, all of them",
    'learner.loader("train", augment=True) is one pass; ask for it twice. It gives pairs of inputs and targets.',
    "One mini-batch that is the same proves nothing: compare them all, the last one too.",
)
def same_inputs(function: Callable[[Any], Any]) -> Iterator[Part]:
    """Tried on learners whose inputs stay the same, all change, or change in one place."""

    class Loaders:
        def __init__(self, changed: tuple[int, ...]) -> None:
            self.passes, self.changed = 0, changed

        def loader(self, split: str, augment: bool = False, **_: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
            self.passes += 1
            batches = [torch.arange(12.0).reshape(3, 4) + 100 * i for i in range(4)]
            if augment and split == "train":
                for number in self.changed:
                    batches[number] = batches[number] + self.passes
            return [(batch, torch.zeros(3, dtype=torch.long)) for batch in batches]

    for marks, changed, what in (
        (0.3, (), "the inputs stay the same"),
        (0.3, (0, 1, 2, 3), "every mini-batch changes"),
        (0.4, (3,), "the last of four mini-batches changes alone"),
    ):
        found = called(function, Loaders(changed))
        if not isinstance(found, bool | torch.Tensor) or (isinstance(found, torch.Tensor) and found.numel() != 1):
            raise NotYet(f"where {what}, it gave {given(found)}; expected True or False.")
        yield Part(marks, bool(found) == (not changed), f"it says {bool(found)} where {what}.")


@exercise(
    "1.4",
    "a function of a confusion matrix (rows: labels, columns: what the network said) that gives one number from 0 to 1",
    "For each class: of the pictures labelled so, what share did the network name rightly?",
    "The mean over the classes, each counted once, however many pictures it has.",
)
def balanced_accuracy(function: Callable[[torch.Tensor], Any]) -> Iterator[Part]:
    """Compared with scikit-learn, on the labels behind each matrix."""
    from sklearn.metrics import balanced_accuracy_score

    for marks, rows, what in (
        (0.2, [[248, 2], [5, 245]], "as many cats as dogs"),
        (0.4, [[0, 10], [0, 90]], "a network that says dog of everything, and nine dogs in ten pictures"),
        (0.4, [[30, 20, 0], [5, 10, 5], [0, 1, 9]], "three classes of different sizes"),
    ):
        counts = torch.tensor(rows)
        pairs = [(i, j) for i, row in enumerate(rows) for j, count in enumerate(row) for _ in range(count)]
        wanted = balanced_accuracy_score(*zip(*pairs, strict=True))
        number = one_number(called(function, counts), f"for {rows}")
        yield Part(marks, abs(number - wanted) < 1e-5, f"it gave {number:.3f} for {rows}: {what}.")


@exercise(
    "1.5",
    'two accuracies, how many pictures they were measured on, and one of "first", "second" and "cannot tell"',
    "Each of the n pictures is right or wrong by chance: an accuracy p is uncertain by about sqrt(p (1 - p) / n).",
    "A difference is uncertain by more than each of the two: the root of the sum of their squares. Twice that is a fair bar.",
)
def which_is_better(first: float, second: float, pictures: int, verdict: str) -> Iterator[Part]:
    """The student's own two numbers decide."""
    if verdict not in ("first", "second", "cannot tell"):
        raise NotYet(f"{given(verdict)} is not one of the three verdicts.")
    if not (0 <= first <= 1 and 0 <= second <= 1 and pictures > 1):
        raise NotYet(f"{given(first)} and {given(second)} of {given(pictures)} pictures: accuracies go from 0 to 1.")
    error = math.sqrt(sum(p * (1 - p) for p in (first, second)) / pictures)
    apart = abs(first - second)
    wanted = "cannot tell" if apart <= 2 * error else "first" if first > second else "second"
    yield Part(
        1.0,
        verdict == wanted,
        f"{first:g} and {second:g} are {apart:.3f} apart, measured on {pictures} pictures each; {verdict!r} does not follow.",
    )


@exercise(
    "1.6",
    "a list of file names of the validation set whose labels are wrong",
    "results.show_most_wrong(12) shows what the network was surest of, against the label. Which of those would you call it?",
    "The names stand in data.file_names('valid'), in the order of predictions.values.",
)
def wrong_labels(names: Iterable[str], data: Any) -> Iterator[Part]:
    """The makers of the drawn pictures know which are mislabelled; the marks are the F1 score of what was found."""
    if "samples" not in data.path.parts:
        raise NotYet("these are photographs, and nobody keeps a list of their wrong labels: judge for yourself.")
    if isinstance(names, str):
        raise NotYet(f"{given(names)} is one text; expected a list of names.")
    named = {PurePosixPath(str(name)).name for name in names}
    wrong = {PurePosixPath(path).name for path in pets.mislabelled() if path.startswith("valid/")}
    unknown = named - {PurePosixPath(name).name for name in data.file_names("valid")}
    if unknown or not named:
        raise NotYet(f"{given(min(unknown))} is not in the validation set." if unknown else "the list is empty.")
    hits = len(named & wrong)
    score = 2 * hits / (len(named) + len(wrong))
    yield Part(1.0, score, f"of your {len(named)} names {hits} are mislabelled, of {len(wrong)} that there are.")


@exercise(
    "1.7",
    "a tensor of one row and a column for each class: the probabilities for one picture",
    "The network wants a mini-batch: put an axis in front, x[None].",
    "learner.model.eval() switches dropout off, and softmax(dim=1) makes probabilities of what the network says.",
)
def one_picture(probabilities: torch.Tensor, learner: Any, file: Any) -> Iterator[Part]:
    """Compared with the package's own way."""
    if not isinstance(probabilities, torch.Tensor):
        raise NotYet(f"{given(probabilities)} is not a tensor.")
    found = probabilities.detach().cpu()
    classes = learner.data.classes
    yield Part(0.2, tuple(found.shape) == (1, len(classes)), f"its shape is {tuple(found.shape)}.")
    if found.numel() != len(classes):
        return
    total = found.sum().item()
    yield Part(0.3, bool((found >= 0).all()) and abs(total - 1) < 1e-4, f"its numbers add up to {total:.4f}.")
    wanted = learner.predict_image(file)
    same = bool((found.flatten() - wanted.probabilities).abs().max() < 1e-3)
    yield Part(0.5, same, "they are probabilities, and not those that the network gives in evaluation mode.")


@exercise(
    "1.8",
    "predictions of the validation set, by learner.predict() or learner.tta(), and the accuracy of the head alone before",
    "What the lesson's table gained most by was training the body.",
    "Larger pictures show more; and what is wrong in the training set is learnt, too.",
)
def improve_it(predictions: Any, head_alone: float) -> Iterator[Part]:
    """How much of the way from the head alone to the best that the makers of the pictures know to be possible."""
    reached, best = scored(accuracy, predictions), pets.BEST_ACCURACY
    gone = of_the_way(reached, head_alone, best)
    yield Part(1.0, gone, f"{reached:.3f} are right: {gone:.0%} of the way from {head_alone:.3f} to {best:.3f}.")
