"""Cross-entropy: what a prediction costs, a batch of them, and their mean."""
