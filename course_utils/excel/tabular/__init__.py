"""A network for tables as a workbook that one can use: choose a row, read the prediction."""

from course_utils.excel.tabular.export import export_tabular
from course_utils.excel.tabular.limits import training_limits

__all__ = ["export_tabular", "training_limits"]
