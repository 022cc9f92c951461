"""A whole network on the screen, layer by layer."""
