"""Ten questions after each lesson."""

import re
from html.parser import HTMLParser

import pytest

from course_utils.errors import CourseError
from course_utils.lessons import questions

LESSONS = range(6)


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_asks_ten_and_each_choice_explains_itself(lesson):
    asked = questions(lesson).questions
    assert len(asked) == len({question.asks for question in asked}) == 10
    for question in asked:
        assert sum(choice.right for choice in question.choices) == 1, question.asks
        assert len(question.choices) >= 3
        whys = [choice.why for choice in question.choices]
        assert len(set(whys)) == len(whys), question.asks
        assert not question.at or re.fullmatch(r"\d:\d\d:\d\d", question.at)


@pytest.mark.parametrize("lesson", LESSONS)
def test_neither_the_place_nor_the_length_of_a_choice_gives_it_away(lesson):
    asked = questions(lesson).questions
    for rank in (lambda question: list(question.choices), lambda question: sorted(question.choices, key=lambda c: len(c.text))):
        places = [next(i for i, choice in enumerate(rank(question)) if choice.right) for question in asked]
        assert max(places.count(place) for place in range(3)) <= 7, places


class _Choices(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.seen.append((data, "details" in self.open and "summary" not in self.open))


def test_no_reason_is_seen_before_its_choice_is_opened():
    page = _Choices()
    page.feed(questions(5)._repr_html_())
    assert page.open == []
    shown = " ".join(text for text, folded in page.seen if not folded)
    assert "Right" not in shown
    assert "Not this one" not in shown
    assert sum(text.startswith("✓") for text, folded in page.seen) == 10
    for word in ("Right", "exp(1) is about 2.72"):
        assert word not in str(questions(5))


@pytest.mark.parametrize("lesson", [7, "1", None, -1, "../lesson_1", [1]])
def test_a_lesson_that_does_not_exist(lesson):
    with pytest.raises(CourseError, match="expected: a whole number from 0 to 5"):
        questions(lesson)
