"""One picture, turned, zoomed and lit as it is while training, and what the network sees of it."""
