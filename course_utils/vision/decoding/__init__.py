"""What becomes of the bytes of a picture's file: its kind, its memory, its greys, which way up, and its colours."""
