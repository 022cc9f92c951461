"""A model followed layer by layer on one input: what a workbook, a widget and a page show alike."""

from course_utils.tracing.errors import TraceError
from course_utils.tracing.fuse import fuse_relu
from course_utils.tracing.steps import Step, Trace, Weight
from course_utils.tracing.trace import trace_model

__all__ = ["Step", "Trace", "TraceError", "Weight", "fuse_relu", "trace_model"]
