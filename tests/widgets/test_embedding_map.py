"""EmbeddingMap against SciPy's and scikit-learn's own distances and components, and against Node."""

import io
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from openpyxl import load_workbook
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from course_utils.widgets import EmbeddingMap, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.picture import Picture, text_width
from course_utils.widgets.embedding_map.shades import shade

FOLDER = BASE.parent / "embedding_map"


def table(count=30, dimensions=6, seed=0):
    values = np.random.default_rng(seed).normal(size=(count, dimensions)) * np.linspace(2, 0.3, dimensions)
    return pd.DataFrame(values.astype(np.float32), index=pd.Index([f"shop {at}" for at in range(count)], name="shops"))


def test_components_and_neighbours_are_those_of_scikit_learn():
    frame = table()
    widget = EmbeddingMap(frame, item=4)
    known = PCA(3).fit(frame.to_numpy(float))
    places = known.transform(frame.to_numpy(float))[:, :2]
    np.testing.assert_allclose(np.abs(widget.positions), np.abs(places), atol=1e-9)
    np.testing.assert_allclose(widget.shares, known.explained_variance_ratio_, rtol=1e-9)
    far, near = NearestNeighbors(n_neighbors=6).fit(frame.to_numpy(float)).kneighbors(frame.to_numpy(float)[4:5])
    assert [4, *widget.nearest] == near[0].tolist()
    np.testing.assert_allclose(widget.distances[near[0]], far[0], atol=1e-9)
    widget.seen = (2, 0)
    np.testing.assert_allclose(np.abs(widget.positions[:, 0]), np.abs(known.transform(frame.to_numpy(float))[:, 2]), atol=1e-9)
    assert (widget.names[4], widget.vectors.shape) == ("shop 4", (30, 6))


def test_colours_follow_the_names_and_not_the_order():
    frame = table(4, 2)
    sales = pd.Series({"shop 2": 30.0, "shop 0": 10.0, "shop 9": 1.0, "shop 3": 5.0}, name="sales")
    widget = EmbeddingMap(frame, sales)
    assert (widget.column, widget.colours) == ("sales", [10.0, None, 30.0, 5.0])
    known = [0, 2, 3]
    assert widget.correlation == pytest.approx(np.corrcoef(widget.positions[known, 0], [10, 30, 5])[0, 1])
    assert EmbeddingMap(frame, sales, label="mean sales").column == "mean sales"
    assert EmbeddingMap(frame, dict(sales), label="mean sales").colours == widget.colours
    assert EmbeddingMap(frame, sales.to_frame(), column="").colours == [None] * 4
    widget.column, widget.item = "", 1
    assert "sales" not in widget.describe()
    assert widget.correlation is None


def cases():
    frame = table()
    values = pd.Series(np.arange(30.0) ** 2, index=frame.index, name="sales")
    values.iloc[7] = np.nan
    yield EmbeddingMap(frame, values, item=3, seen=(0, 2))
    yield EmbeddingMap(np.eye(5))  # all are as far from each other
    yield EmbeddingMap(np.ones((4, 2)), {0: 1.0, 1: 1.0, 2: 1.0})  # one point, one colour
    yield EmbeddingMap([[1.0], [2.0]], names=["no", "yes"])
    yield EmbeddingMap(torch.tensor([[1e6, -1e6, 0], [0, 0, 1e-6], [3, 3, 3]], dtype=torch.bfloat16))


@pytest.mark.parametrize("number", range(5))
def test_the_screen_computes_the_same(number, run):
    widget = list(cases())[number]
    state = {name: getattr(widget, name) for name in ("item", "seen", "column", "_columns", "_names")}
    state |= {"_directions": widget._directions.tolist()}
    model = (
        """{ get: (name) => (name === "_vectors" ? new DataView(Uint8Array.from(given.bytes).buffer) : given.state[name]) }"""
    )
    computed = run(FOLDER / "widget.js", f"it.default.computed({model})", {"state": state, "bytes": list(widget._vectors)})
    for name, values in widget._numbers().items():
        values = np.asarray(values, dtype=float)
        np.testing.assert_allclose(computed[name], values, rtol=0, atol=1e-12 * max(1e-300, np.abs(values).max(initial=0)))


def test_colours_of_the_screen_are_those_of_the_picture(run):
    shares = [-1, 0, 0.1, 0.25, 0.4999, 0.7, 1, 2]
    assert run(FOLDER / "numbers.js", "given.map(it.shade)", shares) == [list(shade(share)) for share in shares]


def test_words():
    widget = EmbeddingMap([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], {0: 5263.4, 1: 200.0, 2: 0.5}, "mean sales", item=2)
    assert widget.describe() == (
        "3 points have 2 numbers each; this side of them, components 1 and 2, holds 100% of how they differ. "
        "Nearest to 2 in all of them is 1 (5). On the map it is nearest too. "
        "The colour is mean sales, 0.5 for 2; from left to right it falls (correlation −0.88)."
    )
    assert (
        EmbeddingMap.example().describe().startswith("7 points, one for each day of the week, have 4 numbers each; this side")
    )


def test_words_of_how_the_map_misleads():
    """Seen along its third component alone, what is far looks near."""
    rows = [[0, 0, 0], [9, 0, 0], [-9, 0, 0], [0, 1, 5], [0, -1, -5], [9, 0, -5], [-9, 0, 5]]
    widget = EmbeddingMap(pd.DataFrame(rows, index=pd.Index(range(7), name="Store"), dtype=float))
    assert "Nearest to Store 0 in all of them are 3 (5.1), 4 (5.1) and 1 (9). All of them are among the 3" in widget.describe()
    widget.seen = (1, 2)
    near, here = set(widget.nearest), set(np.argsort((widget.positions**2).sum(axis=1), kind="stable")[1:4].tolist())
    assert widget.nearest == [3, 4, 1]
    assert f"{len(near & here)} of them {'is' if len(near & here) == 1 else 'are'} among the 3" in widget.describe()
    assert here != near


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (
            "State",
            {},
            r"embedding is 'State'; expected a row of numbers for each category, as learner.embedding\(column\) gives",
        ),
        ([1.0, 2.0], {}, r"embedding has shape \(2,\)"),
        ([[1.0, np.nan], [0, 0]], {}, "did training diverge"),
        ([[1.0, 2.0]], {}, "embedding has 1 rows of 2 numbers; expected 2 to 2,000 rows of at most 128"),
        (np.eye(3), {"names": ["a", "b"]}, "2 names for 3 rows"),
        (np.eye(3), {"names": ["a", "b", "a"]}, "'a' is the name of two rows"),
        (np.eye(3), {"colour_by": [1, 2, 3]}, r"colour_by is \[1, 2, 3\]; expected a number for each name"),
        (np.eye(3), {"colour_by": {0: "a", 1: "b"}}, "give a number for each category"),
        (np.eye(3), {"colour_by": {"0": 1.0}}, "no number for any category, such as 0"),
        (np.eye(3), {"colour_by": {0: np.inf}}, "holds inf"),
        (np.eye(3), {"colour_by": pd.Series([1.0, 2.0], index=[0, 0])}, "colour_by has 0 twice"),
        (np.eye(3), {"colour_by": pd.DataFrame({"a": [1], "b": [2]}), "label": "c"}, "colour_by has 2 columns"),
        (np.eye(3), {"column": "sales"}, "column is 'sales'; no colour_by was given"),
        (np.eye(3), {"item": 3}, "item is 3; there are 3 rows, so it is 0 to 2"),
        (np.eye(3), {"seen": (0, 3)}, r"seen is \(0, 3\); expected two different numbers from 0 to 2"),
        (np.eye(3), {"seen": (1, 1)}, "two different numbers"),
        (np.eye(3), {"metric": "cosine"}, "EmbeddingMap has no metric"),
    ],
)
def test_refusals_say_what_to_do(given, options, message):
    with pytest.raises(WidgetError, match=message):
        EmbeddingMap(given, **options)


def test_what_is_refused_changes_nothing():
    widget = EmbeddingMap(np.eye(4))
    widget.set_state({"item": 9})
    assert (widget.item, "item is 9" in widget.message) == (0, True)


def test_the_picture_has_a_point_of_each_colour():
    widget = EmbeddingMap(np.diag([1.0, 2.0, 3.0]), {0: 0.0, 1: 5.0, 2: 10.0})
    pixels = np.asarray(Image.open(io.BytesIO(widget.picture())).convert("RGB")).astype(int)
    for share in (0, 0.5, 1):
        assert (np.abs(pixels - shade(share)).max(axis=2) < 12).sum() > 150


@pytest.mark.parametrize("points", [30, 60])
def test_no_two_names_of_the_picture_overlap_and_the_chosen_one_has_its_own(monkeypatch, points):
    crowd = np.random.default_rng(0).normal(size=(points, 2))
    names, written = [f"category {at}" for at in range(points)], {}
    write = Picture.text

    def seen(picture, x, y, text, **options):
        if text in names and "edge" in options:
            written[text] = (x, y, x + text_width(text, bold=options["bold"]), y + 13)
        write(picture, x, y, text, **options)

    monkeypatch.setattr(Picture, "text", seen)
    EmbeddingMap(crowd, names=names, item=7).picture()
    assert "category 7" in written
    assert 2 <= len(written) <= points
    for (a, b, c, d), (e, f, g, h) in combinations(written.values(), 2):
        assert c <= e or g <= a or d <= f or h <= b


def test_the_workbook_holds_what_is_on_the_screen(tmp_path):
    widget = EmbeddingMap(table(6, 3), item=2)
    file = widget.export(tmp_path / "a.xlsx")
    sheet = load_workbook(file, data_only=True).active
    values = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float)]
    for wanted in (*widget.distances, *widget.positions.ravel(), *widget.vectors.ravel()):
        assert min(abs(value - wanted) for value in values) < 1e-12
    formulas = [cell.value for row in load_workbook(file).active.iter_rows() for cell in row if str(cell.value).startswith("=")]
    assert len(formulas) == 6 * 4 + 3 + 1
