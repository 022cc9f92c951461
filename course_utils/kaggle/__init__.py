"""Handing in predictions: the file that a competition asks for, a link to download it, its way to Kaggle (lecture 0:36:10)."""

from course_utils.kaggle.errors import SubmissionError
from course_utils.kaggle.links import download_link
from course_utils.kaggle.samples import find_sample
from course_utils.kaggle.submissions import submission
from course_utils.kaggle.upload import submit

__all__ = ["SubmissionError", "download_link", "find_sample", "submission", "submit"]
