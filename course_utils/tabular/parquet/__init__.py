"""Training on Parquet files that need not fit in memory."""

from course_utils.tabular.parquet.data import ParquetData

__all__ = ["ParquetData"]
