"""Downloads that need a sign-in: the command that a browser copies, read without a shell, and its file fetched."""

from course_utils.data.copied.command import download_command

__all__ = ["download_command"]
