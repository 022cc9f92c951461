"""What a slide is made of: pieces of prose, code and results, with the height that each will take."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["prose", "code", "text", "table", "figure", "widget"]

WIDTH = 1160  # of what stands on a slide; all sizes are in pixels of a slide of 1280 by 720, which the browser enlarges
ROOM = 555  # the height between a slide's heading and its foot
LINE = 41  # a line of prose
LETTERS = 80  # of prose in a line
GAP = 20  # between blocks


@dataclass(frozen=True)
class Block:
    """A piece that stays in one: a paragraph, an item of a list, some lines of code, a result.

    Attributes:
        kind: what it is; a figure and a widget take the room that the others leave.
        html: as it stands on the slide; of an item of a list the `<li>` alone.
        height: about what it takes; of a figure, the least that it should have.
        words: a few, by which the map of the slides names it.
        inside: the start tag of the list that an item stands in; the items of one list that meet on a slide become one.
        cell: the id of the cell that it comes from.
        letters: of code and printed text, how large they are, in pixels.
    """

    kind: Kind
    html: str
    height: float
    words: str = ""
    inside: str = ""
    cell: str = ""
    letters: float = 28

    @property
    def is_result(self) -> bool:
        """Whether it is what a cell gave."""
        return self.kind in ("text", "table", "figure", "widget")


def height_of(blocks: Sequence[Block]) -> float:
    """About what blocks take below each other; the items of a list stand closer."""
    between = sum(GAP if not (before.inside and before.inside == block.inside) else 8 for before, block in pairwise(blocks))
    return sum(block.height for block in blocks) + between


def html_of(blocks: Sequence[Block]) -> str:
    """Blocks as they stand below each other, items of one list in that list."""
    parts, open_list = [], ""
    for block in blocks:
        if open_list and block.inside != open_list:
            parts.append(f"</{_tag(open_list)}></div>")
        if block.inside and block.inside != open_list:
            parts.append(f'<div class="prose">{block.inside}')
        open_list = block.inside
        parts.append(block.html)
    if open_list:
        parts.append(f"</{_tag(open_list)}></div>")
    return "\n".join(parts)


def _tag(start: str) -> str:
    return start[1:3]
