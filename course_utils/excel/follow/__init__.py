"""The sheet "Follow" of a network's workbook: what any one number of it was made of."""
