"""What a network has learnt of names: shops, states and days as points, and which of them are near each other."""
