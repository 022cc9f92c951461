"""What `course train` trains goes the way of its lesson."""

import json
import re
from pathlib import Path

import pytest

from course_utils import recipes, vision

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
STEP = re.compile(r"learner\.(?:fit|freeze_to|unfreeze|bn_freeze)\(.*?\)$", re.MULTILINE | re.DOTALL)


class Noted:
    """Stands for a learner, and notes what it is told."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **options: self.calls.append((name, args, options))


@pytest.fixture
def noted(monkeypatch):
    learner = Noted()
    monkeypatch.setattr(vision, "image_learner", lambda data, arch, precompute, callbacks: learner)
    monkeypatch.setattr(vision.ImageData, "from_folders", lambda *_, **__: None)
    monkeypatch.setattr(vision.ImageData, "from_csv", lambda *_, **__: None)
    return learner


def test_cats_and_dogs_take_the_steps_of_their_lesson(noted):
    recipes.dogscats(Path())
    cells = json.loads((NOTEBOOKS / "01_cats_vs_dogs.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    lesson = Noted()
    for step in STEP.findall(code):
        exec(step, {"learner": lesson, "lr": 1e-2})
    assert noted.calls.pop(0) == lesson.calls.pop(0)  # the head alone
    assert sorted(map(repr, noted.calls)) == sorted(map(repr, lesson.calls))
    assert [name for name, *_ in noted.calls if name != "bn_freeze"] == ["freeze_to", "fit", "unfreeze", "fit"]


@pytest.mark.parametrize(("recipe", "rate"), [(recipes.dogscats, 0.01), (recipes.dogbreeds, 0.01), (recipes.planet, 0.2)])
@pytest.mark.parametrize(("epochs", "steps"), [(1, [1]), (2, [1, 1]), (5, [3, 2])])
def test_the_first_half_of_the_backbone_joins_in_the_second_half_of_the_epochs(noted, recipe, rate, epochs, steps):
    recipe(Path(), epochs=epochs)
    fits = [(args, options) for name, args, options in noted.calls if name == "fit"][1:]
    assert [options["cycle_len"] for _, options in fits] == steps
    assert all(args[0] == pytest.approx([rate / 9, rate / 3, rate]) for args, _ in fits)
    names = [name for name, *_ in noted.calls]
    assert ("freeze_to" in names) == (epochs > 1)
    assert names.index("unfreeze") == len(names) - 2  # before the last fit
