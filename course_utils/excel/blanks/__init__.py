"""Workbooks with formulas to fill in, which say themselves what is right, and their grading."""

from course_utils.excel.blanks.blank import blank
from course_utils.excel.blanks.errors import BlankError
from course_utils.excel.blanks.grade import Grade, RegionGrade, grade
from course_utils.excel.blanks.ready import BLANKS
from course_utils.excel.blanks.regions import Region

__all__ = ["BLANKS", "BlankError", "Grade", "Region", "RegionGrade", "blank", "grade"]
