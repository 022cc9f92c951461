"""What all widgets share, in Python and on the screen."""
