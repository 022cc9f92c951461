"""Pictures and what they show, found in folders, a table or a frame; what an ImageData is made of."""

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from course_utils.names import counted, some_of
from course_utils.vision.labels import only_in_validation
from course_utils.vision.stores import Picture


@dataclass
class Labelled:
    """File names by split, relative to some path, and the targets of the train and valid splits.

    `missing` are pictures that were left out because they are not there, `unlisted` files that are not used, and `notices` say
    in one line each what a user should know. `pictures` are those that are in memory, by name. `advice` says what to do where
    no picture of a class is there to train on.
    """

    names: dict[str, list[str]]
    targets: dict[str, Tensor]
    classes: list[str]
    missing: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    pictures: dict[str, Picture] | None = None
    advice: str = "Choose a different valid_idx; validation_split(n, stratify=labels) takes care of this"

    def say(self, stacklevel: int = 2) -> None:
        """Print the notices, and warn of what no network could learn."""
        for notice in self.notices:
            print(notice)
        known = {name for split in ("train", "valid") for name in self.names[split]}
        if both := [name for name in self.names.get("test", ()) if name in known]:
            print(
                f"{len(both):,} of the {counted(len(self.names['test']), 'picture')} of the test set "
                f"{'is' if len(both) == 1 else 'are'} also in the training or validation set: {some_of(both)}."
            )
        if alike := classes_alike(self.classes):
            print(
                f"{len(alike)} classes differ only in upper and lower case, space or unseen letters: "
                f"{some_of(alike)}. Are they meant to be one?"
            )
        if untaught := only_in_validation(self.targets["train"], self.targets["valid"], self.classes):
            are, them = ("is", "it") if len(untaught) == 1 else ("are", "them")
            warnings.warn(
                f"{len(untaught)} of the {len(self.classes)} classes {are} in the validation set only, so no network can "
                f"learn {them}: {some_of(untaught)}. {self.advice}.",
                stacklevel=stacklevel + 1,
            )


_said: set[tuple[str, str]] = set()  # of this process: the table, and the line


def said_once(table: str, notices: Sequence[str]) -> list[str]:
    """Those of the notices on a table that were not given for it before; a lesson makes its data from one table many times."""
    new = [notice for notice in notices if (table, notice) not in _said]
    _said.update((table, notice) for notice in notices)
    return new


def classes_alike(classes: Sequence[str]) -> list[str]:
    """The classes that others equal but for upper and lower case, space, and letters that cannot be seen.

    >>> classes_alike(["Pug", "boxer", "pug"])
    ['Pug', 'pug']
    """
    spellings = defaultdict[str, list[str]](list)
    for name in classes:
        seen = "".join(letter for letter in name if letter.isprintable() or letter.isspace())
        spellings[" ".join(seen.casefold().split())].append(name)
    return [name for same in spellings.values() if len(same) > 1 for name in same]
