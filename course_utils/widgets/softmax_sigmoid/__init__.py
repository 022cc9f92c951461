"""Softmax and sigmoid side by side."""
