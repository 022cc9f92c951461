"""What the lecture's missing names say must exist itself."""

import re
from functools import reduce
from importlib import import_module

import pytest

from course_utils.lecture.messages import EXPLAINED, gone

FOUND = [re.findall(r"(?:course_utils|torch|torchvision)(?:\.\w+)+", today) for today in gone().values()]
PATHS = sorted({path for paths in FOUND for path in paths})


@pytest.mark.parametrize("path", PATHS)
def test_what_one_writes_today_exists(path):
    names = path.split(".")
    for split in range(len(names), 0, -1):  # the longest part that is a module
        try:
            module = import_module(".".join(names[:split]))
        except ModuleNotFoundError:
            continue
        assert reduce(getattr, names[split:], module) is not None
        return
    pytest.fail(path)


def test_every_name_that_only_explains_has_something_to_say():
    assert len(PATHS) > 20
    assert set(EXPLAINED.split()) <= gone().keys()
