"""What is frozen, what trains, and how fast."""
