"""A convolution that one can step through."""
