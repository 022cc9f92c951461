"""Lesson 3: several labels, a loss that holds, thresholds and how far to believe them."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.data.samples import satellite
from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given, of_the_way, one_number, scored
from course_utils.training import best_threshold, f_beta


@exercise(
    "3.1",
    "a list of tags: those that give the highest F2 when every picture gets all of them",
    "F2 forgives a wrong tag more readily than a missed one: should it be more tags than a picture has, or fewer?",
    "Try the commonest one, the two commonest, the three commonest and so on.",
)
def without_looking(tags: Iterable[str], targets: Tensor, classes: Sequence[str]) -> Iterator[Part]:
    """Compared with the best of the sets that take the commonest tags first."""
    if isinstance(tags, str):
        tags = tags.split()
    try:
        chosen = {str(tag) for tag in tags}
    except TypeError:
        raise NotYet(f"{given(tags)} is not a list of tags.") from None
    if unknown := sorted(chosen - set(classes)):
        raise NotYet(f"there is no tag {unknown[0]!r}.")

    def score(names: set[str]) -> float:
        row = torch.tensor([float(name in names) for name in classes])
        return f_beta(row.expand_as(targets), targets, threshold=0.5)

    common = [classes[i] for i in targets.mean(0).argsort(descending=True).tolist()]
    best = max(score(set(common[:count])) for count in range(1, len(classes) + 1))
    reached = score(chosen)
    more = "fewer" if len(chosen) > len(classes) / 2 else "other"
    yield Part(
        1.0, 1.0 if reached > best - 1e-3 else reached / best * 0.9, f"F2 is {reached:.3f}; {more} tags give a higher one."
    )


@exercise(
    "3.2",
    "a function of logits and targets that gives the mean binary cross-entropy, also where a logit is 1,000",
    "-log(sigmoid(z)) is log(1 + exp(-z)). Which of the two overflows, and when?",
    "max(z, 0) - z * target + log(1 + exp(-|z|)) never takes exp of anything large. torch.log1p helps.",
)
def cross_entropy_that_holds(function: Callable[[Tensor, Tensor], Any]) -> Iterator[Part]:
    """Compared with PyTorch's."""
    wanted = torch.tensor([[1.0, 0, 1], [0, 0, 1]])
    for marks, scale, what in ((0.5, 1.0, "small"), (0.5, 1000.0, "large")):
        logits = scale * torch.tensor([[2.0, -1, 0.5], [1, -2, -0.25]])
        right = binary_cross_entropy_with_logits(logits, wanted).item()
        found = one_number(called(function, logits, wanted), f"for {what} logits")
        close = math.isclose(found, right, rel_tol=1e-4)
        yield Part(marks, close, f"for {what} logits, up to {logits.abs().max():g}, it gave {found:.4g}.")


@exercise(
    "3.3",
    "a function of n, the tags of a picture, that gives the highest threshold at which softmax can still give all of them",
    "What do the probabilities of a softmax add up to?",
    "All n must be above the threshold. At best they share everything evenly, and the other tags get nothing.",
)
def softmax_at_best(function: Callable[[int], Any]) -> Iterator[Part]:
    """Compared with the n-th largest of a softmax whose first n logits are far above the others."""
    for marks, n in ((0.3, 1), (0.3, 2), (0.4, 4)):
        logits = torch.full((17,), -40.0)
        logits[:n] = 40
        right = logits.softmax(0).sort(descending=True).values[n - 1].item()
        found = one_number(called(function, n), f"for {n} tags")
        yield Part(marks, abs(found - right) < 1e-4, f"for {n} tag{'s' * (n > 1)} it gave {found:.3f}.")


@exercise(
    "3.4",
    "a function of probabilities and targets: what thresholds for each tag gain in F2, on pictures that did not choose them",
    "best_thresholds chooses one for each tag, best_threshold one for all. Choose both on the same half of the pictures.",
    "Judge both on the other half, with f_beta; their difference is the gain.",
)
def honest_gain(function: Callable[[Tensor, Tensor], Any]) -> Iterator[Part]:
    """Of probabilities that can be believed nothing is to be gained; where those of each tag are scaled, there is."""
    generator = torch.Generator().manual_seed(0)
    believable = torch.rand(200, 17, generator=generator) ** 2
    targets = (torch.rand(200, 17, generator=generator) < believable).float()
    scaled = believable * torch.linspace(0.2, 1, 17)
    gain = one_number(called(function, scaled, targets), "where each tag has a scale of its own")
    yield Part(0.4, 0.02 < gain < 0.2, f"where each tag has a scale of its own, it found a gain of {gain:.3f}.")
    gain = one_number(called(function, believable, targets), "where all tags have one scale")
    yield Part(
        0.6, -0.1 < gain < 0.012, f"where all tags have one scale, and nothing can be gained, it found a gain of {gain:.3f}."
    )


@exercise(
    "3.5",
    "a learner of the breeds with a sigmoid for each, and in how many of 20 pairs of validation pictures it named both dogs",
    'ImageData.from_csv(..., task="multi-label") gives each breed a yes or no of its own; then train a few epochs.',
    "Pictures 0 and 1 are the first pair, 38 and 39 the last; predict_image(side_by_side(one, other)).label is what it names.",
)
def two_at_once(learner: Any, both: int, side_by_side: Callable[[Any, Any], Any]) -> Iterator[Part]:
    """The pairs are shown to the network once more, and the single dogs first: who names none cannot name two."""
    try:
        files, targets, classes = learner.data.paths("valid"), learner.data.targets("valid"), learner.data.classes
        task = learner.data.task
    except AttributeError:
        raise NotYet(f"{given(learner)} is not a learner of pictures.") from None
    if task != "multi-label":
        raise NotYet("your network must choose one breed: softmax. Sigmoids need not choose.")
    if len(files) < 40:
        raise NotYet(f"there are {len(files)} validation pictures; expected 40, for 20 pairs.")
    yield Part(0.2, bool((targets.sum(1) == 1).all()), "some of the pictures have several labels; expected one dog in each.")
    breeds = [classes[number] for number in targets[:40].argmax(1).tolist()]
    alone = sum(breed in learner.predict_image(file).label for breed, file in zip(breeds, files, strict=False))
    yield Part(0.3, alone >= 20, f"of the first 40 dogs, one in a picture, your network names {alone}: train it longer.")
    named = 0
    for first in range(0, 40, 2):
        told = learner.predict_image(called(side_by_side, *files[first : first + 2])).label
        named += {*breeds[first : first + 2]} <= {*told}
    found = one_number(both, "for the 20 pairs")
    yield Part(0.5, found == named, f"{found:g} of 20 is not what this network says of the pairs.")


@exercise(
    "3.6",
    "a function of probabilities, targets and a threshold that gives the share of pictures all of whose tags are right",
    "Compare the tags given, probabilities > threshold, with the targets, picture by picture.",
    "A picture counts if all of its 17 answers are right: .all(dim=1).",
)
def all_right(function: Callable[[Tensor, Tensor, float], Any]) -> Iterator[Part]:
    """Compared with scikit-learn's subset accuracy."""
    from sklearn.metrics import accuracy_score

    generator = torch.Generator().manual_seed(1)
    targets = (torch.rand(60, 4, generator=generator) < 0.4).float()
    probabilities = (0.3 * targets + 0.7 * torch.rand(60, 4, generator=generator)).clamp(0, 1)
    for threshold in (0.5, 0.25):
        right = accuracy_score(targets.numpy() > 0.5, probabilities.numpy() > threshold)
        found = one_number(called(function, probabilities, targets, threshold), f"at a threshold of {threshold}")
        yield Part(0.5, abs(found - right) < 1e-5, f"at a threshold of {threshold} it gave {found:.3f} for 60 pictures.")


@exercise(
    "3.7",
    "predictions of the validation set, and the lesson's own F2 as before",
    "Larger pictures show narrow roads and small mines: set_data(load(256)).",
    "Train the head first, then the body with it, as the lesson did at 128; the head alone makes it worse.",
)
def improve_it(predictions: Any, before: float) -> Iterator[Part]:
    """How much of the way to the best that the makers of the pictures know to be possible."""
    reached, best = scored(lambda *both: best_threshold(*both)[1], predictions), satellite.BEST_F2
    gone = of_the_way(reached, before, best)
    share = 1.0 if gone >= 0.5 else gone / 0.5  # half of the way is a great deal here
    yield Part(
        1.0, share, f"F2 is {reached:.3f}: {gone:.0%} of the way from {before:.3f} to {best:.3f}; half of it is full marks."
    )
