"""Training in a sheet: every step of an optimiser as a row of formulas."""

from course_utils.excel.training.export import export_training

__all__ = ["export_training"]
