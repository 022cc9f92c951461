"""How long things take, and how much memory, beside what one would use instead."""
