"""How wrong outputs are: the loss for each task, tensors that a loss brings along, and weights for classes that are rare."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.training.data import Data
from course_utils.training.memory import is_out_of_memory

Loss = Callable[[Tensor, Tensor], Tensor]


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error of outputs (N, 1) or (N,) against targets of either shape, never broadcast against each other."""
    if outputs.numel() != targets.numel():
        raise CourseError(
            f"outputs of shape {tuple(outputs.shape)} cannot be compared with targets of shape {tuple(targets.shape)}; a model "
            "for a regression gives as many numbers as there are targets. Are the targets classes? They are whole numbers then."
        )
    return F.mse_loss(outputs.view_as(targets), targets)


LOSSES: dict[str, Loss] = {
    "single-label": F.cross_entropy,
    "multi-label": F.binary_cross_entropy_with_logits,
    "regression": mean_squared_error,
}

OF_CLASS_NUMBERS = (F.cross_entropy, F.nll_loss)
OF_NUMBERS = (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss)
OF_ZEROS_AND_ONES = (F.binary_cross_entropy_with_logits, F.binary_cross_entropy)


def mean_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of outputs and targets where the outputs are, whatever tensors the loss brings along (weights of classes).

    Those may be in a module, a functools.partial or a function of the user's, on any device and of any precision: they follow
    the outputs. Outputs (N, 1) and targets (N,), or the other way round, are compared row by row: subtracted as they are they
    would be (N, N). Raises a CourseError where targets do not fit the outputs, or the loss is not one number.

    >>> from functools import partial
    >>> weighted = partial(F.cross_entropy, weight=torch.tensor([1, 3], dtype=torch.float64))
    >>> mean_loss(weighted, torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(0.6931)
    >>> mean_loss(lambda outputs, targets: (outputs - targets).abs().mean(), torch.zeros(2, 1), torch.tensor([1.0, 3]))
    tensor(2.)
    """
    if not isinstance(targets, Tensor):
        raise CourseError(f"targets are {shown(targets)}; a loss compares outputs with a tensor of right answers")
    targets = targets.to(outputs.device)
    by_row = targets.is_floating_point() and {outputs.shape, targets.shape} == {(len(targets),), (len(targets), 1)}
    if by_row and not outputs.requires_grad:  # by their gradients outputs, and what is computed of them, are told from the rest
        with torch.enable_grad():
            return mean_loss(loss, outputs.detach().requires_grad_(), targets).detach()
    try:
        with _FollowOutputs(outputs.device, by_row):
            result = loss(outputs, targets)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        misfit = type(error) in (RuntimeError, ValueError, TypeError, IndexError)  # kinds of these say something else
        if is_out_of_memory(error) or not misfit or not _is_pytorchs(loss):
            raise
        raise CourseError(
            f"the loss {loss_name(loss)} does not take outputs {_described(outputs)} and targets {_described(targets)}: "
            f"{str(error).splitlines()[0]}. Give a loss for these, or None for the one that fits the task"
        ) from error
    if not isinstance(result, Tensor):
        raise CourseError(
            f"the loss gave a {type(result).__name__}; a loss is one number as a tensor, computed from the outputs"
        )
    if result.numel() != 1:
        raise CourseError(
            f"the loss gave a tensor of shape {tuple(result.shape)}; a loss is one number, the mean over the examples "
            "(reduction='mean')"
        )
    if result.is_complex():
        raise CourseError("the loss gave a complex number; a loss is a real one, such as .abs() of it")
    return result.reshape(())


class _FollowOutputs(TorchFunctionMode):
    """While it is on, an operation on tensors of several devices has them on one, and a loss gets numbers of one precision.

    With `by_row` a column (N, 1) and numbers (N,) are compared row by row, where one of them comes from the outputs.
    """

    def __init__(self, device: torch.device, by_row: bool = False) -> None:
        super().__init__()
        self.device, self.by_row = device, by_row

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [t for t in (*args, *kwargs.values()) if isinstance(t, Tensor)]
        if len(tensors) > 1 and len({t.device for t in tensors}) > 1:
            args, kwargs = _each(args, kwargs, lambda t: t.to(self.device))
        if self.by_row and len(tensors) > 1 and _are_rows(*tensors[:2]):
            args, kwargs = _each(args, kwargs, lambda t: t.flatten() if t.ndim == 2 and t.shape[1] == 1 else t)
        if getattr(function, "__module__", None) == "torch.nn.functional" and len(args) > 1:
            args, kwargs = _of_one_precision(function, args, kwargs)
            if function in OF_CLASS_NUMBERS:
                _check_class_numbers(args[0], args[1], kwargs.get("ignore_index", -100))
                if function is F.nll_loss:
                    _check_log_probabilities(args[0])
            elif function in OF_ZEROS_AND_ONES:
                _check_zeros_and_ones(args[0], args[1])
            elif function in OF_NUMBERS and args[0].shape != args[1].shape:  # PyTorch would compare each with each
                raise CourseError(
                    f"targets {_described(args[1])} do not fit outputs {_described(args[0])}: {function.__name__} compares "
                    "number with number. Give as many targets as outputs, or a loss of classes, such as F.cross_entropy"
                )
        return function(*args, **kwargs)


def _are_rows(a: Tensor, b: Tensor) -> bool:
    shapes = {a.shape, b.shape} == {(len(b),), (len(b), 1)} if a.ndim and b.ndim else False
    return shapes and a.requires_grad != b.requires_grad and a.is_floating_point() and b.is_floating_point()


def loss_name(loss: Loss) -> str:
    """What a loss is called; a functools.partial is called what its function is called."""
    if isinstance(loss, partial):
        return loss_name(loss.func)
    return str(getattr(loss, "__name__", type(loss).__name__))


def _is_pytorchs(loss: Loss) -> bool:
    if isinstance(loss, partial):
        return _is_pytorchs(loss.func)
    kind = type(loss) if isinstance(loss, nn.Module) else loss
    return str(getattr(kind, "__module__", None) or "torch").partition(".")[0] == "torch"  # built-in functions have none


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _each(args: Sequence[Any], kwargs: dict[str, Any], change: Callable[[Tensor], Tensor]) -> tuple[list[Any], dict[str, Any]]:
    changed = [change(a) if isinstance(a, Tensor) else a for a in args]
    return changed, {name: change(a) if isinstance(a, Tensor) else a for name, a in kwargs.items()}


def _of_one_precision(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Floating-point tensors as precise as the outputs (16 bits are too few for weights), class numbers in 64 bits."""
    outputs, targets = args[0], args[1]
    if not (isinstance(outputs, Tensor) and outputs.is_floating_point()):
        return list(args), kwargs
    precision = outputs.dtype if outputs.dtype in (torch.float32, torch.float64) else torch.float32
    rest, kwargs = _each(args[1:], kwargs, lambda t: t.to(precision) if t.is_floating_point() else t)
    if isinstance(targets, Tensor) and not targets.is_floating_point():
        if function in OF_CLASS_NUMBERS:
            rest[0] = targets.long()
        elif function in OF_ZEROS_AND_ONES:
            rest[0] = targets.to(precision)
    return [outputs.to(precision) if function is F.nll_loss else outputs, *rest], kwargs  # it takes one precision alone


def _check_class_numbers(outputs: Tensor, targets: Tensor, ignored: int) -> None:
    if targets.is_floating_point() and targets.shape == outputs.shape:
        return  # a probability for each class
    expected = (*outputs.shape[:1], *outputs.shape[2:])
    if targets.shape != expected or targets.is_floating_point():
        raise CourseError(
            f"targets of shape {tuple(targets.shape)} ({targets.dtype}) do not fit outputs of shape {tuple(outputs.shape)}; "
            f"with one label each they are class numbers of shape {tuple(expected)}{_advice(targets, expected)}. For several "
            'labels at once, zeros and ones, give the data task="multi-label".'
        )
    classes = outputs.shape[1] if outputs.ndim > 1 else outputs.shape[0]
    if not targets.numel():
        return
    low, high = (int(t) for t in torch.where(targets == ignored, 0, targets).aminmax())
    if low < 0 or high >= classes:
        from_one = low == 1 and high == classes
        raise CourseError(
            f"targets go from {low} to {high}, but the model has {classes} outputs, so class numbers are 0 to {classes - 1}; "
            + ("take 1 off: y - 1" if from_one else f"give other numbers, or a model with {max(high + 1, 2)} outputs")
        )


def _check_log_probabilities(outputs: Tensor) -> None:
    """Raw outputs would train too: towards minus infinity, and to something else than the most probable class."""
    sums = outputs.detach().double().exp().sum(min(1, outputs.ndim - 1)).flatten()
    if (wrong := sums[(sums - 1).abs() > 0.05]).numel():  # as exact as 16 bits are
        raise CourseError(
            "nll_loss takes the logarithms of probabilities, and those of one example sum to 1; here what the outputs are the "
            f"logarithms of sums to {wrong[0].item():.3g}. Let the model end with nn.LogSoftmax(1), or give the loss "
            "F.cross_entropy, which takes outputs as they are"
        )


def _advice(targets: Tensor, expected: Sequence[int]) -> str:
    if targets.numel() == math.prod(expected):
        return ", y.flatten()"
    return ", y.argmax(1) of zeros and ones" if targets.ndim == 2 else ""


def _check_zeros_and_ones(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape != targets.shape:
        raise CourseError(
            f"targets of shape {tuple(targets.shape)} do not fit outputs of shape {tuple(outputs.shape)}; with several labels "
            "each they are zeros and ones, a column for each class, and the model has an output for each"
        )


def class_weights(data: Data) -> Tensor:
    """Weights that make up for how rare each class is in the training set, float32 (classes,), in the order of the classes.

    With one label each they are balanced, examples / (classes * examples of the class), as scikit-learn's "balanced": for
    `nn.CrossEntropyLoss(weight=class_weights(data))`. With several labels each they are the examples without a label for each
    one with it: for `nn.BCEWithLogitsLoss(pos_weight=class_weights(data))`.

    Raises a CourseError for a regression, and for a class that no training example has (or, with several labels, that all
    have): no weight makes up for that.

    >>> x, y = torch.zeros(4, 1), torch.tensor([0, 0, 0, 1])
    >>> class_weights(Data.from_tensors((x, y), (x, y)))
    tensor([0.6667, 2.0000])
    """
    if not isinstance(data, Data):
        raise CourseError(
            f"class_weights was given {shown(data)}; give the data whose training set it counts: class_weights(data), such as "
            "Data.from_tensors(train=(x, y), valid=(x, y))"
        )
    if data.task == "regression":
        raise CourseError(
            "class_weights was given data for a regression, which has no classes; weigh its rows in a loss of yours"
        )
    targets = data.targets("train")
    assert targets is not None
    if data.task == "single-label":
        if targets.is_floating_point() or targets.ndim != 1:
            raise CourseError(
                f"class_weights counts class numbers (N,); the targets are {targets.dtype} {tuple(targets.shape)}"
            )
        counts = torch.bincount(targets.long().cpu(), minlength=len(data.classes or []))
        if len(counts) < 2:
            raise CourseError("class_weights found a single class; it takes two or more to weigh them against each other")
        _refuse(
            counts == 0, data, "no training example has", "choose other rows to validate (stratify), or leave the class out"
        )
        return (len(targets) / (len(counts) * counts.double())).float()
    has = targets.cpu() > 0.5
    counts = has.sum(0)
    _refuse(counts == 0, data, "no training example has", "choose other rows to validate, or leave the label out")
    _refuse(counts == len(has), data, "every training example has", "leave the label out: there is nothing to tell apart")
    return ((len(has) - counts).double() / counts).float()


def _refuse(which: Tensor, data: Data, what: str, advice: str) -> None:
    numbers = which.nonzero().flatten().tolist()
    if not numbers:
        return
    names = [repr(data.classes[n]) if data.classes else f"number {n}" for n in numbers]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    raise CourseError(
        f"class_weights: {what} the class{'es' * (len(names) > 1)} {', '.join(names[:5])}{more}, for which there is no weight; "
        f"{advice}"
    )
