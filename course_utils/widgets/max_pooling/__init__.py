"""Max pooling: which numbers are kept, and where the gradient goes."""
