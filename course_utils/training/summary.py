"""A model as a table of its layers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.training.learner import Learner


def summarise(learner: "Learner", depth: int = 4) -> Any:
    """A table of the layers, down to `depth`: the shapes that come out, with -1 for the batch, and counts of weights."""
    from torchinfo import summary

    x, _ = next(iter(learner.data.loader("valid")))
    parts = x if isinstance(x, tuple | list) else (x,)
    inputs = [part[:1].clone().to(learner.data.device) for part in parts]  # a view would count as the whole mini-batch
    columns = ("output_size", "num_params", "trainable")
    table = summary(learner.model, input_data=inputs, mode="eval", col_names=columns, col_width=18, depth=depth, verbose=0)
    for layer in table.summary_list:
        if layer.output_size and isinstance(layer.output_size[0], int):
            layer.output_size[0] = -1
    return table
