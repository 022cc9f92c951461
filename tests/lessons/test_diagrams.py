"""Diagrams: every word stands inside the sheet, and none on another."""

import pytest

from course_utils.lessons import diagrams

DIAGRAMS = (diagrams.training_loop, diagrams.frozen_and_new, diagrams.split_in_time, diagrams.embedding_lookup)


@pytest.mark.parametrize("draw", DIAGRAMS)
def test_words_are_whole_and_apart(draw):
    figure = draw()
    figure.draw_without_rendering()
    sheet = figure.bbox
    words = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in words]
    assert len(boxes) >= 6
    for text, box in zip(words, boxes, strict=True):
        assert sheet.contains(box.x0, box.y0), text
        assert sheet.contains(box.x1, box.y1), text
    for i, box in enumerate(boxes):
        assert box.count_overlaps(boxes[:i]) == 0, words[i]
