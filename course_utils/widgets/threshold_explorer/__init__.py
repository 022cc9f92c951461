"""A threshold that one can move."""
