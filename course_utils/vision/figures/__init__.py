"""Looking at pictures, at how many there are of each class, and at what a network makes of them."""
