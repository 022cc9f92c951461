"""Numbers from arrays and lists as tensors, with a look at whether they are such that a model can learn from."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.masked import refuse_masked
from course_utils.training.arguments import shown

Numbers = Tensor | np.ndarray


def pair_of_tensors(name: str, given: Any) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one split as tensors of equal length."""
    if not (isinstance(given, tuple | list) and len(given) == 2):
        raise CourseError(f"{name} is {shown(given)}; give a pair (x, y) of inputs and targets")
    x, y = (as_tensor(f"{what} of {name}", part) for what, part in zip(("x", "y"), given, strict=True))
    if len(x) != len(y) or len(x) == 0:
        raise CourseError(f"{name} has {len(x)} inputs and {len(y)} targets; give as many of one as of the other, at least one")
    return x, y


def as_tensor(name: str, given: Any) -> Tensor:
    """A tensor with examples along its first dimension; arrays are copied where PyTorch cannot share their memory."""
    if not isinstance(given, Tensor):
        refuse_masked(name, given)
        try:
            array = np.asarray(given)
        except ValueError as error:  # lists of several lengths
            raise CourseError(f"{name} is {shown(given)}, which makes no array; give rows of equal length") from error
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # longer ones than PyTorch has
            array = array.astype(np.float64)
        if array.dtype.kind not in "biuf":
            hint = ""
            if array.dtype.kind in "US" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.flat)):
                hint = "; names become class numbers by `classes, y = numpy.unique(names, return_inverse=True)`"
            raise CourseError(f"{name} holds {array.dtype}; give numbers, a tensor or an array of them{hint}")
        shareable = array.flags.writeable and array.dtype.isnative and all(step >= 0 for step in array.strides)
        given = torch.from_numpy(array if shareable else array.astype(array.dtype.newbyteorder("=")).copy())
    if given.ndim == 0 or given.is_complex() or given.is_quantized:
        raise CourseError(
            f"{name} is {shown(given)} of {given.dtype}; give real numbers, the examples along the first dimension"
        )
    if given.is_meta or given.is_nested or given.layout != torch.strided:
        kind = "on the device 'meta', without numbers" if given.is_meta else "nested" if given.is_nested else "sparse"
        raise CourseError(f"{name} is a tensor that is {kind}; give one that holds every number, as x.to_dense() does")
    tensor: Tensor = given
    return tensor
