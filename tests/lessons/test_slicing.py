"""The cells that others need."""

import pytest

from course_utils.lessons.slicing import needed_cells


def needed(*sources):
    """Which cells the last one needs, without itself."""
    return needed_cells(sources, [len(sources) - 1])[:-1]


def test_what_made_or_may_have_changed_a_variable_is_needed_with_all_that_it_needs():
    assert needed("a = 1", "b = [a]", "c = 3", "b.append(4)", "print(c)", "show(b)") == [0, 1, 3]


def test_imports_and_functions_are_needed_where_they_are_made_and_not_where_they_are_used():
    assert needed("import numpy as np", "np.ones(3)", "def f(): return np.ones(2)", "f()", "show(f())") == [0, 2]


def test_a_function_needs_what_it_uses_when_it_is_called():
    assert needed("size = 3", "other = 4", "def f():\n    return [size for _ in range(2)]", "show(f())") == [0, 2]


def test_a_name_that_gets_a_new_value_needs_no_old_one():
    assert needed("for name in 'ab': print(name)", "for name in 'cd': x = name", "show(x)") == [1]
    assert needed("n = 1", "n += 1", "show(n)") == [0, 1]
    assert needed("n = 1", "with open(f) as n: n.read()", "show(n)") == [1]
    assert needed("n = 1", "with open(n) as n: n.read()", "show(n)") == [0, 1]
    assert needed("n = 1", "if c:\n    n = 2\nn = 3", "show(n)") == [1]


@pytest.mark.parametrize(
    "perhaps",
    [
        "if n > 5:\n    n = 0",
        "try:\n    n = read()\nexcept OSError:\n    pass",
        "with suppress(OSError):\n    n = read()",
        "for row in rows:\n    n = row",
        "for n in rows: pass",
        "for n in [*rows]: pass",
        "while rows:\n    n = rows.pop()",
        "match row:\n    case [n, _]: pass",
        "x = c and (n := 5)",
        "x = [1 for row in rows if (n := row)]",
    ],
)
def test_what_perhaps_gives_a_new_value_leaves_the_old_one_needed(perhaps):
    assert needed("n = 1", "other = 2", perhaps, "show(n)") == [0, 2]


def test_a_value_given_in_a_branch_goes_back_to_all_that_came_before():
    assert needed("n = 1", "n += 1", "if n > 5:\n    n = 0", "show(n)") == [0, 1, 2]


def test_who_changes_what_an_object_holds_changes_the_object_and_the_other_way_round():
    assert needed("model = M()", "learner = L(model)", "learner.fit()", "show(model)") == [0, 1, 2]
    assert needed("a = []", "b = [a]", "a.append(1)", "show(b)") == [0, 1, 2]
    assert needed("a, b = [], []", "b.append(a)", "a.append(1)", "show(b)") == [0, 1, 2]
    assert needed("model = M()", "one = L(model)", "two = L(model)", "one.fit()", "show(two)") == [0, 1, 2, 3]
    assert needed("a = []", "c = []", "b = [a]", "c.append(1)", "show(b)") == [0, 2]


def test_a_function_that_changes_a_variable_is_needed_where_it_is_called():
    assert needed("a = []", "def more():\n    a.append(1)", "more()", "show(a)") == [0, 1, 2]


def test_seeds_and_lines_for_ipython_are_kept_with_what_they_need():
    assert needed("import torch", "torch.manual_seed(0)", "y = 2", "show(1)") == [0, 1]
    assert needed("path = 1", "%config X = 1\nload(path)", "y = 2", "show(1)") == [0, 1]


def test_where_a_cell_is_not_python_all_are_needed():
    assert needed("x = 1", "what are these", "show(2)") == [0, 1]
