"""Exercises that answer back: right or not yet, with a reason and a hint, never the answer.

No answer is kept here. A check tests what a right answer must fulfil: against PyTorch, against the data at hand, or against the
student's own earlier numbers.
"""

from course_utils.lessons.checks.marking import check, marks

__all__ = ["check", "marks"]
