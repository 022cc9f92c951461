"""What the lecture's missing names say must exist itself."""

import re
from functools import reduce
from importlib import import_module

import pytest

from course_utils.lecture.messages import EXPLAINED, LectureError, gone
from course_utils.lecture.pictures import ImageClassifierData, tfms_from_stats

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


def test_tables_of_other_kinds_are_named_by_what_was_given():
    tfms = tfms_from_stats(((0.5,) * 3, (0.5,) * 3), 32)
    for options, message in (
        ({"continuous": True}, "given continuous=True, which the lecture"),
        ({"skip_header": False}, "given skip_header=False, which the lecture"),
        ({"continuous": True, "skip_header": False}, "given continuous=True and skip_header=False, which"),
        ({"label_column": "b"}, r"'label_column'; it takes path, .* Today: course_utils.vision.ImageData.from_csv\("),
    ):
        with pytest.raises(LectureError, match=message):
            ImageClassifierData.from_csv("data", "train", "labels.csv", tfms=tfms, **options)


def test_every_name_that_only_explains_has_something_to_say():
    assert len(PATHS) > 20
    assert set(EXPLAINED.split()) <= gone().keys()
