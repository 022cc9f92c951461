"""Drawing cats and dogs, in rooms and landscapes, with numpy and Pillow."""
