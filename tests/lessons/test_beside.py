import re
from html.parser import HTMLParser

import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils.errors import CourseError
from course_utils.lessons import Beside
from course_utils.lessons.beside import Counts


class Tags(HTMLParser):
    """What a page holds: the text in marks, and whether tags are closed in turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.marked, self.text = [], [], ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag != "col":
            self.open.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data
        if "mark" in self.open:
            self.marked[-1] += data


@pytest.fixture
def beside():
    return Beside(["here", "Keras"])


@pytest.fixture
def shell(monkeypatch):
    """An IPython of its own, which is the one that runs while the test does."""
    shell = InteractiveShell()
    monkeypatch.setattr("course_utils.lessons.beside._shell", lambda: shell)
    return shell


def test_the_page_shows_the_code_as_it_was_written_and_marks_decisions(beside):
    source = 'if a < 3:\n    f("<b>", x & 1)'
    beside.note("Keras", "a & b", source)
    page = Tags(beside._repr_html_())
    assert source in page.text
    assert "a & b" in page.text
    assert page.marked == ["a < 3", '"<b>"', "x & 1"]


def test_a_decision_in_a_decision_is_marked_in_its_mark(beside):
    beside.note("here", "x", "f(2 * g(3) + h(4, 5))")
    page = beside._repr_html_()
    assert "<mark>2 * g(<mark>3</mark>) + h(<mark>4</mark>, <mark>5</mark>)</mark>" in page
    Tags(page)


def test_colours_are_those_of_the_page_in_light_and_dark(beside):
    style = re.search(r"<style>(.*?)</style>", beside._repr_html_(), re.DOTALL)[1]
    colours = re.findall(r"(?<![\w-])(?:color|background): ([^;]+);", style)
    assert {colour.removesuffix(" !important") for colour in colours} == {"inherit", "none"}


def test_steps_are_rows_and_a_step_that_one_column_has_not_is_an_empty_cell(beside):
    beside.note("here", "data", "a = 1")
    beside.note("Keras", "compile", "m.compile()")
    rows = re.findall(r"<tr>(.*?)</tr>", beside._repr_html_(), re.DOTALL)
    assert len(rows) == 4
    assert re.sub(' style="[^"]*"', "", rows[2]).startswith("<th>compile</th><td></td><td><pre>")


def test_counts_are_added_up_and_a_step_noted_again_replaces_the_first(beside):
    beside.note("here", "data", "a = f(1, 2)", seconds=2.0)
    beside.note("here", "fit", "m.fit(3)\nm.stop()", seconds=1.5)
    assert beside.counts("here") == Counts(lines=3, decisions=4, seconds=3.5)
    beside.note("here", "data", "a = f()")
    assert beside.counts("here").decisions == 2
    assert beside.counts("here").seconds is None  # what stands there now was not run
    assert beside.counts("Keras").seconds is None


@pytest.mark.parametrize("columns", ["here", ["here"], ["here", "here"], []])
def test_columns_have_two_names_or_more(columns):
    with pytest.raises(CourseError, match="two different names"):
        Beside(columns)


def test_what_is_not_there_is_named_beside_what_is(beside):
    beside.note("here", "data", "a = 1")
    for call in (
        lambda: beside.counts("keras"),
        lambda: Beside(["a", "b"], needs={"keras": "keras"}),
        lambda: Beside(["a", "b"], fleeting=["keras"]),
    ):
        with pytest.raises(CourseError, match="no column 'keras'; the columns are '"):
            call()
    with pytest.raises(CourseError, match="here has no step 'fit'; it has 'data'"):
        beside.counts("here", "fit")
    with pytest.raises(CourseError, match="Keras has no step 'fit'; it has none yet"):
        beside.counts("Keras", "fit")


def test_a_cell_runs_in_the_notebooks_names_and_gives_its_last_value(shell):
    beside = Beside(["here", "there"])
    shell.user_ns["x"] = 20
    assert shell.run_cell("%%beside here: the sum\nx += 1\ny = [x]\nx + 1").result == 22
    assert shell.user_ns["y"] == [21]
    assert shell.run_cell("%%beside here: the sum\nx;").result is None
    assert beside.counts("here").lines == 1
    assert beside.counts("here").seconds < 1


def test_what_a_fleeting_cell_printed_is_taken_away_and_its_value_stays(shell, monkeypatch):
    cleared = []
    monkeypatch.setattr("IPython.display.clear_output", lambda: cleared.append(True))
    Beside(["here", "there"], fleeting=["there"])
    shell.run_cell("%%beside here: a\nprint(1)")
    assert not cleared
    assert shell.run_cell("%%beside there: a\nprint(1)\n3").result == 3
    assert cleared == [True]


def test_a_cell_that_fails_fails_as_ever_and_is_not_noted(shell, capsys):
    beside = Beside(["here", "there"])
    result = shell.run_cell("%%beside here: a\nz = 1\nz / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "z / 0" in capsys.readouterr().out  # the line is shown
    assert isinstance(shell.run_cell("%%beside here: a\nz = = 1").error_in_exec, SyntaxError)
    assert beside.counts("here").lines == 0


@pytest.mark.parametrize("line", ["", "here", "here:", "here the data"])
def test_a_cell_says_its_column_and_its_step(shell, line):
    Beside(["here", "there"])
    error = shell.run_cell(f"%%beside {line}\n1").error_in_exec
    assert isinstance(error, CourseError)
    assert "write a column and a step, such as %%beside here" in str(error)
    assert "no column 'Here'" in str(shell.run_cell("%%beside Here: data\n1").error_in_exec)


def test_where_a_package_is_missing_its_cells_say_so_and_are_counted_all_the_same(shell, capsys):
    beside = Beside(["here", "there"], needs={"there": "no-such-package>=3"})
    assert shell.run_cell("%%beside there: data\nimport no_such_package\nx = Layer(3)").success
    assert capsys.readouterr().out == (
        "This cell was not run: it needs no-such-package>=3. Install it with: pip install 'no-such-package>=3'\n"
    )
    counts = beside.counts("there")
    assert (counts.lines, counts.decisions, counts.seconds) == (1, 2, None)
    assert beside.missing("here") == ""


def test_a_version_that_is_too_old_is_missing():
    beside = Beside(["here", "there"], needs={"here": "torch>=2", "there": "torch>=1000"})
    assert (beside.missing("here"), beside.missing("there")) == ("", "torch>=1000")
