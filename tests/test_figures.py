"""Names of classes, tags, columns and files are drawn as they are in every figure, whatever letters are in them."""

import io
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from PIL import Image

import course_utils.vision as vision
from course_utils import fonts
from course_utils.figures import new_figure, plain
from course_utils.names import printable, shortened
from course_utils.tabular.exploring import tables_at_a_glance
from course_utils.tabular.results import show_embedding
from course_utils.training.predictions import Predictions

NAMES = [
    "$5_$9",
    "$10^$20",
    "_hidden",
    r"a\$b\alpha",
    "<b>bold</b> & co",
    "two\nlines",
    "x" * 200,
    "猫 🐈",
    "שלום",
    "lone \udcff",
    "50% {x}",
]


@pytest.fixture(autouse=True)
def no_mathematics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MathTextParser, "parse", lambda *_: pytest.fail("a name was taken for mathematics"))
    warnings.filterwarnings("ignore", "Glyph", UserWarning)  # no font has them all


def drawn(figure: Figure) -> str:
    """All text of a figure as it appears, after drawing it."""
    figure.savefig(io.BytesIO())
    return "\n".join(text.get_text().replace(r"\$", "$") for text in figure.findobj(Text))


@pytest.mark.parametrize("name", NAMES)
def test_matplotlib_draws_the_name_itself(name: str) -> None:
    figure = plt.figure()
    text = figure.text(0.5, 0.5, plain(name, longest=None))
    figure.savefig(io.BytesIO())
    cleaned, mathematics = text._preprocess_math(text.get_text())  # type: ignore[attr-defined]
    plt.close(figure)
    assert not mathematics
    assert cleaned == printable(name)


def test_lines_never_part_a_dollar_sign_from_its_backslash() -> None:
    for width in range(1, 9):
        assert plain("$" * 20, width=width).replace("\n", "") == r"\$" * 20


def test_long_names_lose_their_middle() -> None:
    assert shortened("a" * 50 + "b" * 50, 11) == "aaaaa…bbbbb"
    assert shortened("a" * 40) == "a" * 40
    assert len(shortened("ab" * 40)) == 40


def test_figures_of_pictures(tmp_path: Path) -> None:
    names = sorted(name for name in NAMES if "\n" not in name and "/" not in name and "lone" not in name)
    for split in ("train", "valid"):
        for i, name in enumerate(names):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (40, 40), (20 * i, 0, 0)).save(tmp_path / split / name / "$1_$2.png")
    data = vision.ImageData.from_folders(tmp_path, vision.transforms_for(None, 16, augment=None))
    classes = list(data.classes)
    values = torch.eye(len(classes)).roll(1, 0) * 0.5 + 0.02
    results = vision.Results(data, Predictions(values, data.targets("valid"), data.items("valid"), classes))
    tags = Predictions(values, torch.eye(len(classes)), data.items("valid"), classes)
    tag_results = vision.TagResults(data, tags)
    figures = {
        "show_batch": data.show_batch(2, 5, "valid"),
        "class counts": vision.show_class_counts(data),
        "confusion matrix": results.show_confusion_matrix(),
        "most confused": results.show_most_confused(3),
        "most wrong": results.show_most_wrong(4),
        "titled": results.show([0], "$5_$9"),
        "the first": results.show(),
        "the first by tags": tag_results.show(),
        "tags": tag_results.show_worst(4),
        "precision and recall": tag_results.show_precision_recall(),
        "together": vision.show_cooccurrence(pd.DataFrame({"name": ["a", "b"], "tags": ["$5_$9 $10^$20", "$5_$9 _x"]})),
    }
    for what, figure in figures.items():
        assert "$" in drawn(figure), what
    assert all(shortened(name) in drawn(figures["confusion matrix"]) for name in names)


def test_figures_and_tables_of_columns() -> None:
    names = [name for name in NAMES if "lone" not in name]  # pandas has no broken letters
    weights = pd.DataFrame(np.random.default_rng(0).normal(size=(len(names), 3)), index=names)
    colours = pd.Series(range(len(names) - 1), names[:-1], dtype=float)
    text = drawn(show_embedding(weights, colours, label="_$a_$b", title="$5_$9"))
    assert all(shortened(name) in text for name in names)
    assert "_$a_$b" in text
    page = tables_at_a_glance({"<script>": pd.DataFrame({"<b>": ["<i>"]})}).to_html()
    assert not any(tag in page for tag in ("<script>", "<b>", "<i>"))
    assert "tex2jax_ignore" in page


LETTERS = "\U00013000\U00013001"  # hieroglyphs, which no font of Matplotlib's has


@pytest.fixture
def fresh_fonts():
    """Matplotlib's own fonts, and nothing said of them yet; as it was, afterwards."""
    own = list(font_manager.fontManager.ttflist)
    with warnings.catch_warnings(), mpl.rc_context({"font.family": ["sans-serif"]}):  # without what other tests were lent
        fonts.TOLD.clear()
        fonts.other_fonts.cache_clear()
        yield
    font_manager.fontManager.ttflist[:] = own
    fonts.TOLD.clear()
    fonts.other_fonts.cache_clear()


def warned(title):
    """What Matplotlib warns of while it draws a title."""
    figure = new_figure(2, 1)
    figure.suptitle(plain(title))
    with warnings.catch_warnings(record=True) as said:
        figure.canvas.draw()
    return [str(one.message) for one in said]


def test_letters_that_no_font_has_are_named_in_one_line(fresh_fonts, capsys):
    assert warned(f"cat {LETTERS}") == []
    line = capsys.readouterr().out
    assert line.startswith(f"No font on this machine has the letters {LETTERS}; ")
    assert line.count("\n") == 1
    assert warned(f"dog {LETTERS}") == []
    assert capsys.readouterr().out == ""


def test_letters_are_taken_from_a_font_that_has_them(fresh_fonts, tmp_path, capsys):
    with TTFont(font_manager.findfont("DejaVu Sans")) as font:
        for table in font["cmap"].tables:
            if table.format == 12:
                table.cmap = {ord(letter): "A" for letter in LETTERS}
        font["cmap"].tables = [table for table in font["cmap"].tables if table.format == 12]
        for record in font["name"].names:
            if record.nameID in (1, 4, 16):
                record.string = "Old Kingdom"
        font.save(tmp_path / "old.ttf")
    font_manager.fontManager.addfont(tmp_path / "old.ttf")
    assert warned(f"cat {LETTERS}") == []
    assert capsys.readouterr().out == ""
    assert mpl.rcParams["font.family"] == ["sans-serif", "Old Kingdom"]
