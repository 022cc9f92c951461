"""Keys of text that look alike and are not the same: why rows that one expects to match find nothing."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from course_utils.names import counted
from course_utils.tabular.checks import Frame, missing, rows_of

MOST = 100_000  # different keys of a table up to which they are looked at

Key = tuple[Any, ...]


@dataclass(frozen=True)
class _Difference:
    """What may tell two texts apart that a reader takes for the same, and what makes them the same."""

    words: str
    without: Callable[[str], str]
    method: str  # of a column in pandas


_DIFFERENCES = (
    _Difference(
        "the same letters, such as é, are other characters of Unicode in one table than in the other",
        lambda text: unicodedata.normalize("NFC", text),
        'str.normalize("NFC")',
    ),
    _Difference("of blanks at an end", str.strip, "str.strip()"),
    _Difference("of capitals", str.lower, "str.lower()"),
)


def near_matches(alone: Frame, theirs: Frame, keys: Sequence[str], compared: Sequence[str]) -> tuple[str, ...]:
    """What to say of rows that found no match because their key differs in something that one hardly sees; () where none does.

    `alone` are the rows without a match, `theirs` the table that they were sought in; both have the columns `compared`, named
    `keys` in messages. More than 100,000 different keys are not looked at.
    """
    if not any(_may_be_text(alone.collect_schema()[name]) for name in compared):
        return ()
    counts = _different(alone, compared)
    found = _different(theirs, compared) if counts else None
    if not counts or not found:
        return ()
    return tuple(line for difference in _DIFFERENCES for line in _lines(difference, counts, found, keys))


def _may_be_text(dtype: nw.dtypes.DType) -> bool:
    return dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object)


def _different(frame: Frame, compared: Sequence[str]) -> dict[Key, int] | None:
    """The different keys of a table, each with the number of its rows; None where there are too many."""
    counts = frame.filter(~missing(frame, *compared)).group_by(*compared).agg(nw.len().alias(_ROWS)).head(MOST + 1)
    rows = rows_of(counts)
    if len(rows) > MOST:
        return None
    return {tuple(row[name] for name in compared): row[_ROWS] for row in rows}


_ROWS = "number of rows"


def _lines(difference: _Difference, counts: dict[Key, int], theirs: dict[Key, int], keys: Sequence[str]) -> list[str]:
    def plain(key: Key) -> Key:
        return tuple(difference.without(part) if isinstance(part, str) else part for part in key)

    plain_theirs = {plain(key): key for key in theirs}
    pairs = defaultdict[str, list[tuple[str, str, int]]](list)  # by the column that differs
    for key, number in counts.items():
        if (other := plain_theirs.get(plain(key))) is not None:
            for name, ours, their in zip(keys, key, other, strict=True):
                if ours != their:
                    pairs[name].append((ours, their, number))
    lines = []
    for name, alike in pairs.items():
        ours, their, _ = min(alike)
        rows = counted(sum(number for _, _, number in alike), "row")
        lines.append(
            f"{name}: {rows} found no match only because {difference.words}, such as {ours!r} and {their!r}; if they are the "
            f'same, make them so in both tables, in pandas with table["{name}"] = table["{name}"].{difference.method}'
        )
    return lines
