"""Convolutional networks by name: their names, bodies and weights, the head on top, and how small pictures may be."""
