"""Reading the curve of the learning-rate finder."""
