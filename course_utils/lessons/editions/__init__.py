"""Editions of the lessons, all made from the same notebooks: for students, for two graders, and with the solutions open."""

from course_utils.lessons.editions.writing import EDITIONS, solutions_edition, student_edition

__all__ = ["EDITIONS", "solutions_edition", "student_edition"]
