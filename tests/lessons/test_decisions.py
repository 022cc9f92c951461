"""Lines and decisions, counted by hand beside the counter."""

import pytest

from course_utils.errors import CourseError
from course_utils.lessons.decisions import counted_code


def decisions(source):
    return [(decision.kind, decision.text) for decision in counted_code(source).decisions]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("size = 128", ["128"]),
        ('arch, size, lr = "lite0", 128, 1e-2', ['"lite0"', "128", "1e-2"]),
        ("layer.trainable = False", ["False"]),
        ("rate: float = 0.1", ["0.1"]),
        ("rate /= 3", ["3"]),
        ("again = model", []),  # a name for what is there already
        ("fit(model, lr)", []),
        ("fit(model, lr=lr)", []),
        ("fit(model, 3, lr=1e-2)", ["3", "1e-2"]),
        ("fit([lr / 9, lr / 3, lr])", ["lr / 9", "lr / 3"]),
        ("fit(layers=(1000, 500))", ["1000", "500"]),
        ("fit(weights={'cats': 1, 'dogs': w})", ["1"]),  # the keys name what there is
        ("read(path / 'train')", ["path / 'train'"]),
        ("use(*[1, 2])", ["1", "2"]),
        ("scale(-1)", ["-1"]),
        ("f(2 * g(3, x))", ["2 * g(3, x)", "3"]),
        ("f(g(h(x)))", []),
        ("Dense(10)(x)", ["Dense", "10"]),
        ("keras.layers.Flatten()", ["keras.layers.Flatten"]),
        ("Data.from_folders(path)", ["Data.from_folders"]),
        ("learner.unfreeze()", ["learner.unfreeze()"]),
        ("x = learner.predict()", []),  # what comes out is given a name; nothing was chosen
        ("for layer in body.layers[:140]:\n    layer.trainable = False", ["body.layers[:140]", "False"]),
        ("for i in range(3):\n    step(i)", ["3"]),
        ("if loss > 0.5:\n    stop()", ["loss > 0.5", "stop()"]),
        ("with open_file('a') as f:\n    f.write(text)", ["'a'"]),
        ("def block(x, width=64):\n    return Dense(width)(x)", ["64", "Dense"]),
        ("'a text on its own'", []),
        ("# 1 2 3", []),
        ("", []),
    ],
)
def test_decisions_are_those_that_one_counts_by_hand(source, found):
    assert [text for _, text in decisions(source)] == found


def test_a_name_that_was_imported_is_a_choice_and_one_that_was_made_is_not():
    source = "from course_utils.vision import side_on\nimport torch\n"
    assert decisions(source + "f(augment=side_on, dtype=torch.float32, data=data)") == [
        ("value", "side_on"),
        ("value", "torch.float32"),
    ]


def test_kinds_are_told_apart():
    assert decisions("learner.unfreeze()\nDense(3)") == [
        ("command", "learner.unfreeze()"),
        ("part", "Dense"),
        ("value", "3"),
    ]


def test_places_are_in_letters_not_bytes_and_on_the_right_line():
    source = "name = 'Größe'\n\nf('貓', 'ö',\n  3)"
    assert [source[d.start : d.end] for d in counted_code(source).decisions] == ["'Größe'", "'貓'", "'ö'", "3"]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ("import os\nfrom a import (\n    b,\n    c,\n)\nx = 1", 1),
        ("import os; x = 1", 1),
        ("# a comment\n\nx = 1  # and one behind\n", 1),
        ("f(\n    1,\n\n    # why\n    2,\n)", 4),
        ("def f():\n    import os\n    return os", 2),
        ('text = """a\n\nb"""', 3),
        ("%matplotlib inline\n!ls\nx = 1", 1),
        ("x = (7\n     % 3)", 2),  # not a line for IPython
    ],
)
def test_lines_hold_code_and_no_imports(source, lines):
    assert counted_code(source).lines == lines


def test_what_is_not_python_is_refused_with_its_line():
    with pytest.raises(CourseError, match=r"not Python: .* in line 2; give the code of a cell"):
        counted_code("x = 1\nx = = 2")
    with pytest.raises(CourseError, match="not Python"):
        counted_code("x = \0")
