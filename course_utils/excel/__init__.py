"""A model and an input in, a workbook of live formulas out, and back."""

from course_utils.excel.blanks import BLANKS, BlankError, Grade, Region, RegionGrade, blank, grade
from course_utils.excel.errors import ExportError, WorkbookError
from course_utils.excel.export import export_model
from course_utils.excel.following import follow
from course_utils.excel.reader import read_input, read_weights
from course_utils.excel.tabular import export_tabular
from course_utils.excel.training import export_training
from course_utils.excel.workbooks import WORKBOOKS

__all__ = [
    "BLANKS",
    "WORKBOOKS",
    "BlankError",
    "ExportError",
    "Grade",
    "Region",
    "RegionGrade",
    "WorkbookError",
    "blank",
    "export_model",
    "export_tabular",
    "export_training",
    "follow",
    "grade",
    "read_input",
    "read_weights",
]
