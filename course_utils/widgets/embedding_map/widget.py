"""An embedding as a map: each category a point, its nearest neighbours, and what else grows along with where it lies."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Bytes, Dict, Enum, Int, List, Tuple, Unicode, validate

from course_utils.widgets.base.arrays import Numbers, as_array, as_names, plain_value, shown
from course_utils.widgets.base.axes import Axes, round_ticks
from course_utils.widgets.base.colours import BLUE, PALETTES, WHITE, Colour, colour_limit
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, percent, plain_number
from course_utils.widgets.base.picture import MARK, Picture, text_width
from course_utils.widgets.base.still import Panel, fitting, legend_panel, maps_panel, still
from course_utils.widgets.base.widget import CourseWidget
from course_utils.widgets.embedding_map.shades import shade

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS, MOST_DIMENSIONS = 2000, 128
COMPONENTS = 3  # of them two are seen at a time
NEAREST = 5
NAMED = 40  # points that have their names beside them
FEWEST = 3  # points that a correlation needs
FULL = "The deepest colour is the largest number of all."

Array = NDArray[np.float64]

# Four numbers that were learnt, the mean sales, and the share of days with a promotion.
_DAYS = {
    "Monday": (0.235, -0.145, 0.335, 0.303, 8587.72, 0.55),
    "Tuesday": (0.191, 0.005, 0.254, 0.090, 7662.25, 0.55),
    "Wednesday": (-0.005, 0.046, 0.088, 0.120, 7253.12, 0.54),
    "Thursday": (0.253, -0.022, -0.372, -0.200, 7383.05, 0.55),
    "Friday": (0.147, -0.192, -0.242, 0.140, 7894.34, 0.55),
    "Saturday": (-0.488, 0.359, -0.208, 0.076, 6254.47, 0.0),
    "Sunday": (0.022, -0.499, 0.314, 0.355, 15842.92, 0.0),
}


class EmbeddingMap(CourseWidget):
    """See names as points: which are near each other, and what grows along the map (lecture 2:13:50-2:14:30).

    `embedding` is a table with a row of numbers for each category, its index their names, as `learner.embedding("State")`
    gives it; or an array or a tensor, (categories, dimensions), with `names`. 2 to 2,000 categories of 1 to 128 numbers, which
    are kept in float32, as a network has them; the page of 1,115 shops of 50 has 0.5 MB.

    `colour_by` is what the points are coloured by: a number for each name, as in
    `train.groupby("State").Sales.mean()`, or a table of several such columns, among which one chooses on the screen. `label`
    is what the colour is called, where the column has another name. Names without a number are hollow points.

    `item` is the row that is looked at; `seen` are the two principal components that span the map, from 0, of the first three;
    `column` is the name of the column that colours the points, or "" for none. These are traits: set one from Python or on the
    screen, and both sides show it. `positions` are the places on the map, `distances` those to `item` in all dimensions, and
    `nearest` the rows of its nearest neighbours. `palette` colours the numbers themselves, "blue-orange" or "lecture".

    (Entity embeddings: Guo and Berkhahn, 2016.) Raises WidgetError, on creation and whenever a trait is set, for what does not
    fit.

    >>> widget = EmbeddingMap([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], names=["Mon", "Tue", "Sun"])
    >>> widget.distances.tolist(), widget.nearest
    ([0.0, 5.0, 10.0], [1])
    >>> widget.positions.round(3)[:, 0].tolist(), widget.shares.round(3).tolist()
    ([-5.0, 0.0, 5.0], [1.0, 0.0])
    """

    _title: ClassVar = "Embedding map"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("item", "seen", "column", "palette", "export_path")

    item = Int(0, help="the row of the category that is looked at").tag(sync=True)
    seen = Tuple(Int(), Int(), default_value=(0, 1), help="the two principal components that span the map, from 0").tag(
        sync=True
    )
    column = Unicode(help="the column that colours the points, or nothing").tag(sync=True)
    palette = Enum(list(PALETTES), "blue-orange", help="the colours of positive and negative numbers").tag(sync=True)
    _names = List(Unicode()).tag(sync=True)
    _kind = Unicode(help="what the categories are, as in State").tag(sync=True)
    _columns = List(Dict(), help="name, and values with None where there is none").tag(sync=True)
    _vectors = Bytes(help="float32, row after row").tag(sync=True)
    # Where two directions hold as much, any mixture of them is as good: the screen takes Python's.
    _directions = Numbers(2, help="(components, dimensions)")

    def __init__(
        self,
        embedding: "pd.DataFrame | ArrayLike | Tensor",
        colour_by: "pd.Series[Any] | pd.DataFrame | Mapping[Any, float] | None" = None,
        label: str = "",
        names: Any = None,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        vectors = _as_vectors(embedding)
        index: Any = getattr(embedding, "index", None)  # that of a list is a method
        framed = index is not None and not callable(index)
        keys = (
            list(index if framed else range(len(vectors))) if names is None else [plain_value(name) for name in _listed(names)]
        )
        texts = as_names(keys, "names")
        if len(texts) != len(vectors):
            raise WidgetError(f"there are {len(texts)} names for {len(vectors)} rows of numbers; give one for each")
        if len(set(texts)) < len(texts):
            twice = next(text for at, text in enumerate(texts) if text in texts[:at])
            raise WidgetError(f"{twice!r} is the name of two rows; each category has one")
        columns = _columns_of(colour_by, label, keys)
        traits = {"column": columns[0]["name"] if columns else "", "export_path": "embedding.xlsx", **traits}
        kind = str(index.name) if framed and names is None and index.name is not None else ""
        super().__init__(
            _names=texts, _kind=kind, _columns=columns, _vectors=vectors.astype("<f4").tobytes(),
            _directions=_directions(vectors), **traits,
        )  # fmt: skip

    @property
    def names(self) -> list[str]:
        """What the categories are called, in the order of their rows."""
        return list(self._names)

    @property
    def vectors(self) -> Array:
        """The embedding, (categories, dimensions)."""
        return np.frombuffer(self._vectors, "<f4").reshape(len(self._names), -1).astype(np.float64)

    @property
    def shares(self) -> Array:
        """Which share of the variance each principal component holds, (components,)."""
        centred = self.vectors - self.vectors.mean(axis=0)
        total = float((centred**2).sum())
        return ((centred @ self._directions.T) ** 2).sum(axis=0) / total if total else np.zeros(len(self._directions))

    @property
    def positions(self) -> Array:
        """Where the categories stand on the map, (categories, 2)."""
        centred = self.vectors - self.vectors.mean(axis=0)
        return centred @ self._directions[list(self.seen)].T

    @property
    def distances(self) -> Array:
        """How far each category is from `item`, in all dimensions; (categories,)."""
        return _distances(self.vectors, self.item)

    @property
    def nearest(self) -> list[int]:
        """The rows nearest to `item` in all dimensions, the nearest first: half of all others, at most five."""
        return _nearest(self.distances, self.item)

    @property
    def nearest_on_the_map(self) -> list[int]:
        """The rows of those that look nearest to `item` on the map."""
        return _nearest(_distances(self.positions, self.item), self.item)

    @property
    def colours(self) -> list[float | None]:
        """The number of each category in the column that colours them, None where there is none."""
        return next((column["values"] for column in self._columns if column["name"] == self.column), [None] * len(self._names))

    @property
    def correlation(self) -> float | None:
        """Pearson's correlation of the column with how far to the right the points lie; None where there is none."""
        pairs = [(x, y) for x, y in zip(self.positions[:, 0], self.colours, strict=True) if y is not None]
        if len(pairs) < FEWEST:
            return None
        x, y = (np.array(row) - np.mean(row) for row in zip(*pairs, strict=True))
        size = math.sqrt(float((x**2).sum() * (y**2).sum()))
        return float((x * y).sum()) / size if size > 0 else None

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        dimensions, seen, me = self._directions.shape[1], self.seen, self._called()
        each = f", one for each {self._kind}," if self._kind else ""
        count = len(self._names)
        said = [f"{count:,} points{each} have {dimensions} number{'s' * (dimensions != 1)} each"]
        held = percent(float(self.shares[list(seen)].sum()))
        said[0] += f"; this side of them, components {seen[0] + 1} and {seen[1] + 1}, holds {held} of how they differ."
        near = self.nearest
        listed = [f"{self._names[at]} ({plain_number(self.distances[at])})" for at in near]
        listed = [", ".join(listed[:-1])] * (len(listed) > 1) + listed[-1:]
        alike = len({*near} & {*self.nearest_on_the_map})
        where = "in all of them" if dimensions > 1 else "there"
        said.append(f"Nearest to {me} {where} {'is' if len(near) == 1 else 'are'} {' and '.join(listed)}.")
        if len(near) < count - 1:
            said.append(_on_the_map(alike, len(near)))
        if self.column:
            value = self.colours[self.item]
            text = f"The colour is {self.column}, {'not known' if value is None else plain_value_text(value)} for {me}"
            if (r := self.correlation) is not None:
                way = "grows" if r > 0 else "falls"
                strength = fixed(abs(r), 2)
                text += f"; from left to right it {way} (correlation {'−' if r < 0 and float(strength) else ''}{strength})"
            said.append(f"{text}.")
        return " ".join(said)

    def _called(self) -> str:
        """What is looked at, with its kind where its name is a number, as in Store 17."""
        name = self._names[self.item]
        return f"{self._kind} {name}" if self._kind and name[:1] in "0123456789" else name

    @validate("item", "seen", "column")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        count, components = len(self._names), len(self._directions)
        if name == "item" and not 0 <= value < count:
            raise WidgetError(f"item is {value}; there are {count} rows, so it is 0 to {count - 1}")
        if name == "seen" and not (min(value) >= 0 and max(value) < components and value[0] != value[1]):
            raise WidgetError(f"seen is {value}; expected two different numbers from 0 to {components - 1}, as in (0, 1)")
        known = [column["name"] for column in self._columns]
        if name == "column" and value not in ("", *known):
            there = f"there are {', '.join(known)}" if known else "no colour_by was given"
            raise WidgetError(f"column is {value!r}; {there}")
        return value

    @classmethod
    def example(cls) -> Self:
        """The days of the week, as the network of lesson 4 has learnt them of simulated shops."""
        import pandas as pd

        days = pd.Index(list(_DAYS), name="day of the week")
        rows = np.array(list(_DAYS.values()))
        return cls(pd.DataFrame(rows[:, :4], days), pd.DataFrame(rows[:, 4:], days, ["mean sales", "share with a promotion"]))

    def _numbers(self) -> dict[str, Any]:
        correlation = [] if self.correlation is None else [self.correlation]
        return {
            "positions": self.positions, "distances": self.distances, "nearest": self.nearest, "shares": self.shares,
            "correlation": correlation,
        }  # fmt: skip

    def _exporter(self) -> Callable[[Path], object]:
        from course_utils.excel.embedding_sheet import embedding_workbook

        seen = self._directions[list(self.seen)]
        return lambda path: embedding_workbook(path, self.vectors, self._names, self.item, seen)

    def _draw(self) -> Picture:
        shown_rows = [self.item, *self.nearest]
        values, dimensions = self.vectors[shown_rows], self._directions.shape[1]
        cell = max(6, min(36, 420 // dimensions))
        names = [fitting(self._names[at], 170) for at in shown_rows]
        numbers = maps_panel(
            values[None], cell, f"{fitting(self._called(), 160, True)} and its neighbours",
            f"{dimensions} numbers each",
            palette=self.palette, limit=colour_limit(self.vectors), names=names if cell >= 16 else (),
        )  # fmt: skip
        column = f"coloured by {self.column}" if self.column else ""
        rows = [[Panel(430, 376, self._draw_map, "The map", fitting(column, 420)), numbers], [legend_panel(self.palette, FULL)]]
        return still(rows, self.describe())

    def _draw_map(self, picture: Picture, left: float, top: float) -> None:
        places = self.positions
        middle, half = (places.max(axis=0) + places.min(axis=0)) / 2, float(np.ptp(places, axis=0).max()) / 2 * 1.15 or 1.0
        (low_x, low_y), (high_x, high_y) = middle - half, middle + half
        axes = Axes(left + 50, top + 6, 320, 320, (low_x, high_x), (low_y, high_y))
        axes.draw(picture, round_ticks(low_x, high_x, 4), round_ticks(low_y, high_y, 4), f"component {self.seen[0] + 1}")
        picture.text(left + 54, top + 6, f"↑ component {self.seen[1] + 1}", edge=WHITE)
        x, y = (axes.x(places[self.item, 0]), axes.y(places[self.item, 1]))
        for at in self.nearest:
            picture.line([(x, y), (axes.x(places[at, 0]), axes.y(places[at, 1]))], MARK, 1)
        for place, colour in zip(places, self._shades(), strict=True):
            picture.dot(axes.x(place[0]), axes.y(place[1]), 5, colour)
        picture.dot(x, y, 8, self._shades()[self.item])
        first = [self.item, *self.nearest]
        rest = [at for at in range(len(places)) if at not in first] if len(places) <= NAMED else []
        self._write_names(picture, [(at, axes.x(places[at, 0]), axes.y(places[at, 1])) for at in (*first, *rest)], left + 430)

    def _write_names(self, picture: Picture, points: list[tuple[int, float, float]], edge: float) -> None:
        """Names beside their points, the most wanted first, as many as find room: to the right, the left, above or below."""
        taken = [(x - 5, y - 5, x + 5, y + 5) for _, x, y in points]
        for order, (at, x, y) in enumerate(points):
            name, bold, gap = fitting(self._names[at], 90), at == self.item, 10 if at == self.item else 8
            wide = text_width(name, bold=bold)
            spots = [(x + gap, y - 8), (x - gap - wide, y - 8), (x - wide / 2, y - gap - 16), (x - wide / 2, y + gap)]
            others = taken[:order] + taken[order + 1 :]
            boxes = [(across, top, across + wide, top + 16) for across, top in spots]
            free = [box for box in boxes if box[2] < edge and not _overlaps(box, others)]
            if free or at == self.item:
                box = (free or boxes)[0]
                taken.append(box)
                picture.text(box[0], box[1] + 8, name, bold=bold, anchor="lm", edge=WHITE)

    def _shades(self) -> list[Colour | None]:
        """The colour of each point; None for a hollow one."""
        if not self.column:
            return [BLUE] * len(self._names)
        known = [value for value in self.colours if value is not None]
        low, high = min(known), max(known)
        return [None if value is None else shade((value - low) / (high - low) if high > low else 0.5) for value in self.colours]


_Box = tuple[float, float, float, float]  # left, top, right, bottom


def _overlaps(box: _Box, others: list[_Box]) -> bool:
    left, top, right, bottom = box
    return any(left < other[2] and other[0] < right and top < other[3] and other[1] < bottom for other in others)


def plain_value_text(value: float) -> str:
    """A number of a column: whole with its thousands apart from 100 on, else as the widgets write numbers.

    >>> plain_value_text(5263.4), plain_value_text(0.382), plain_value_text(-1234.5)
    ('5,263', '0.38', '−1,235')
    """
    if not 100 <= abs(value) < 1e15:
        return plain_number(value)
    text = fixed(value, 0)
    return f"{'−' if value < 0 else ''}{int(text.lstrip('−')):,}"


def _on_the_map(alike: int, count: int) -> str:
    """How many of the nearest in all dimensions look so."""
    if count == 1:
        return f"On the map {'it is nearest too' if alike else 'another one looks nearer'}."
    many = (
        "All of them are"
        if alike == count
        else "None of them is"
        if not alike
        else f"{alike} of them {'is' if alike == 1 else 'are'}"
    )
    return f"{many} among the {count} nearest on the map{' too' if alike else ''}."


def _listed(names: Any) -> Any:
    as_names(names, "names")
    return names


def _as_vectors(embedding: Any) -> Array:
    try:
        vectors = as_array(embedding)
    except (TypeError, ValueError) as error:
        raise WidgetError(
            f"embedding is {shown(embedding)}; expected a row of numbers for each category, as learner.embedding(column) gives"
        ) from error
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise WidgetError(f"embedding has shape {vectors.shape}; expected (categories, dimensions)")
    if not np.isfinite(vectors).all():
        raise WidgetError("embedding holds nan or inf; did training diverge? Lower its learning rate")
    if np.abs(vectors).max() > 1e6:
        raise WidgetError(f"embedding holds {np.abs(vectors).max():g}; numbers of at most 1e+06 can be shown. Divide them")
    if not (2 <= len(vectors) <= MOST_POINTS and vectors.shape[1] <= MOST_DIMENSIONS):
        raise WidgetError(
            f"embedding has {len(vectors)} rows of {vectors.shape[1]} numbers; expected 2 to {MOST_POINTS:,} rows of at most "
            f"{MOST_DIMENSIONS}. Give some of the rows, as in embedding.head({MOST_POINTS})"
        )
    return vectors.astype(np.float32).astype(np.float64)


def _directions(vectors: Array) -> Array:
    """The first three principal components, (2 or 3, dimensions), their largest weights positive; zeros where none is."""
    dimensions = vectors.shape[1]
    directions = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][:COMPONENTS]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    missing = max(0, 2 - len(directions))
    return np.vstack([directions, np.zeros((missing, dimensions))])


def _distances(points: Array, item: int) -> Array:
    distances: Array = np.sqrt(((points - points[item]) ** 2).sum(axis=1))
    return distances


def _how_many(count: int) -> int:
    return min(NEAREST, max(1, (count - 1) // 2))


def _nearest(distances: Array, item: int) -> list[int]:
    """Of two that are as far to twelve digits the earlier one is nearer, on the screen too."""
    rounded = [float(f"{far:.11e}") for far in distances]
    return sorted((at for at in range(len(rounded)) if at != item), key=lambda at: rounded[at])[: _how_many(len(rounded))]


def _columns_of(colour_by: Any, label: str, keys: list[Any]) -> list[dict[str, Any]]:
    """The columns that can colour the points, in the order of the names: a name and a number or None for each."""
    import pandas as pd

    if colour_by is None:
        return []
    if isinstance(colour_by, Mapping):
        colour_by = pd.Series(dict(colour_by), dtype=object).infer_objects()
    if isinstance(colour_by, pd.DataFrame):
        if not colour_by.shape[1]:
            raise WidgetError("colour_by has no column")
        given = {str(name): colour_by.iloc[:, at] for at, name in enumerate(colour_by.columns)}
        if len(given) < colour_by.shape[1]:
            raise WidgetError(f"two columns of colour_by have one name, among {', '.join(map(str, colour_by.columns))}")
        if label and len(given) > 1:
            raise WidgetError(f"label is {label!r}, and colour_by has {len(given)} columns; their names are shown")
    elif isinstance(colour_by, pd.Series):
        given = {str(colour_by.name if colour_by.name is not None else "colour"): colour_by}
    else:
        raise WidgetError(
            f"colour_by is {shown(colour_by)}; expected a number for each name, as a pandas Series or DataFrame with the names "
            'as its index, or a dictionary: train.groupby("State").Sales.mean()'
        )
    if label:
        given = {label: next(iter(given.values()))}
    return [{"name": name, "values": _matched(name, series, keys)} for name, series in given.items()]


def _matched(name: str, series: "pd.Series[Any]", keys: list[Any]) -> list[float | None]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(series) or is_bool_dtype(series):
        raise WidgetError(f"{name} of colour_by holds {series.dtype}; give a number for each category, such as its mean sales")
    if not series.index.is_unique:
        twice = plain_value(series.index[series.index.duplicated()][0])
        raise WidgetError(
            f"colour_by has {twice!r} twice; give one number for each category, as table.groupby(column).mean() has"
        )
    row = series.reindex(keys).astype("float64").to_numpy()
    if np.isinf(row).any():
        raise WidgetError(f"{name} of colour_by holds inf; only finite numbers can be shown")
    if np.isnan(row).all():
        raise WidgetError(f"{name} of colour_by has no number for any category, such as {keys[0]!r}; its index has their names")
    return [None if math.isnan(value) else value for value in row.tolist()]
