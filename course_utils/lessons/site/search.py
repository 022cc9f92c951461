"""What the search looks through: every section of every lesson, as a script, since a page from a file may fetch nothing."""

import json
import re
from collections.abc import Iterable

from course_utils.lessons.site.lesson import Lesson


def search_index(lessons: Iterable[Lesson]) -> str:
    """Give the script that puts, for each section, its address, its lesson, its title and its words where the search looks.

    >>> search_index([])
    'window.courseSections = [];\\n'
    """
    rows = [
        [f"{lesson.page}#{section.anchor}", lesson.name, section.title, _one_line(section.words)]
        for lesson in lessons
        for section in lesson.sections
    ]
    return f"window.courseSections = {json.dumps(rows, ensure_ascii=False)};\n"


def _one_line(words: Iterable[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(words)).strip()
