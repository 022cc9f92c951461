"""A module for each command of `course`, by its name; `course_utils.cli` puts them together."""
