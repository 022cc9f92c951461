"""Activation functions: each by itself, between two layers, and the exp and log that softmax and cross-entropy are made of."""
