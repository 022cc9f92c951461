"""Pictures with what a network says of them, sorted, and by the cells of the confusion matrix."""
