"""A picture of your own: what the network says of it, and where it looked."""
