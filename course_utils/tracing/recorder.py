"""Running a model layer by layer, and writing down what each made of what it read."""

from typing import Any

import numpy as np
from torch import Tensor, fx, nn

from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.layers import FUNCTIONS, METHODS, MODULES, NOT_AMONG, pair
from course_utils.tracing.norms import normalised
from course_utils.tracing.steps import Array, Step, Weight
from course_utils.tracing.words import NORMS, by


class Recorder(fx.Interpreter):
    """Runs a traced model node by node and keeps a Step for each node that makes a tensor."""

    def __init__(self, module: fx.GraphModule, keys: dict[int, list[str]], dtypes: dict[str, str]) -> None:
        super().__init__(module)
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self._dtypes = dtypes
        self._made_by: dict[int, int] = {}  # id of a tensor -> the step that made it; an in-place layer takes it over
        self._alive: list[Tensor] = []  # so that no id is used twice
        self._keys = keys
        self._running: tuple[fx.Node, Any] | None = None  # the node that runs, and its arguments

    def refusal(self, error: Exception) -> str:
        """Why the node that was running could not: which it is, what it reads, and what it got."""
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        if self._running is None:
            return reason
        node, args = self._running
        path, what = self._place(node)
        shapes = [tuple(arg.shape[1:]) for arg in args if isinstance(arg, Tensor)]
        if not shapes:
            return reason
        layer = self.fetch_attr(path) if node.op == "call_module" else None
        why = _misfit(layer, shapes[0]) or f"it gets {' and '.join(by(shape) for shape in shapes)} ({reason})"
        return f"its layer {path} ({what}) does not fit: {why}"

    def run_node(self, node: fx.Node) -> Any:
        """Run one node of the graph, and keep its step; what cannot be shown is kept among the problems."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        for tensor in (*args, *kwargs.values()) if node.op != "output" else ():
            number = self._made_by.get(id(tensor))
            if number is not None and not np.array_equal(_without_batch(tensor, strict=False), self.steps[number].value, True):
                self.problems.append(f"{node.name}: reads {self.steps[number].path} after another layer changed it in place")
        self._running = node, (*args, *kwargs.values())
        result = super().run_node(node)
        self._running = None
        if node.op != "output" and isinstance(result, Tensor):
            path, what = self._place(node)
            try:
                self._record(node, path, args, kwargs, result)
            except UnsupportedError as problem:
                self.problems.append(f"{path} ({what}): {problem}")
                self._add(Step("unsupported", path, (), _without_batch(result, strict=False)), result)
        return result

    def _place(self, node: fx.Node) -> tuple[str, str]:
        """Where in the model a node stands, and what it is, for people."""
        if node.op == "call_module":
            return str(node.target), type(self.fetch_attr(str(node.target))).__name__
        return node.name, str(getattr(node.target, "__name__", node.target))

    def _record(self, node: fx.Node, path: str, args: Any, kwargs: dict[str, Any], result: Tensor) -> None:
        if node.op == "placeholder":
            if self.steps:
                raise UnsupportedError("a second input")
            self._add(Step("input", "input", (), _without_batch(result)), result)
            return
        if node.op == "get_attr":
            return  # a weight used by hand: the function that reads it says so
        if node.op == "call_module":
            module = self.fetch_attr(str(node.target))
            maker = MODULES.get(type(module))
            if maker is None:
                raise UnsupportedError(NOT_AMONG)
            kind, settings, roles = maker(module)
        else:
            function = METHODS.get(str(node.target)) if node.op == "call_method" else FUNCTIONS.get(node.target)
            if function is None:
                raise UnsupportedError("not among the operations it can show")
            kind, settings, roles = function(args, kwargs)
        tensors = [arg for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor)]
        sources = tuple(self._source(tensor) for tensor in tensors)
        if kind == "same":  # dropout in eval mode, identity
            self._made_by[id(result)] = sources[0]
            self._alive.append(result)
            return
        weights = {role: self._weight(value) for role, value in roles.items() if value is not None}
        step = Step(kind, path, sources, _without_batch(result), settings, weights)
        _check_step(step, [self.steps[source].value for source in sources])
        self._add(step, result)

    def _source(self, tensor: Tensor) -> int:
        number = self._made_by.get(id(tensor))
        if number is None:
            raise UnsupportedError("reads a tensor that no layer made (a weight or a constant used by hand)")
        return number

    def _weight(self, tensor: Tensor) -> Weight:
        keys = self._keys.get(id(tensor))
        if not keys:
            raise UnsupportedError("a weight that is not in the state dict (no parameter, and a buffer with persistent=False)")
        return Weight(tuple(keys), self._dtypes[keys[0]], tensor.detach().numpy().copy())

    def _add(self, step: Step, result: Tensor) -> None:
        self.steps.append(step)
        self._made_by[id(result)] = len(self.steps) - 1
        self._alive.append(result)


def _misfit(layer: nn.Module | None, shape: tuple[int, ...]) -> str:
    """What a layer reads and what it got, where its settings tell that these differ; else nothing."""
    gets = f"and gets {by(shape)}"
    size = "give x the size that the model was made for"
    if isinstance(layer, nn.Linear) and shape[-1:] != (layer.in_features,):
        return f"it reads {layer.in_features} numbers {gets}; {size}"
    if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d)) and len(shape) != 3:
        return f"it reads a picture (channels, height, width) {gets}; give x in this shape"
    channels = getattr(layer, "in_channels", None) or getattr(layer, "num_features", None)
    if channels and shape[:1] != (channels,):
        return f"it reads {channels} channel{'s' * (channels > 1)} {gets}; give x as many, or make the model for those of x"
    if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
        return f"its window of {by(pair(layer.kernel_size))} is larger than what it gets, {by(shape)}; give a larger picture"
    return ""


def _without_batch(tensor: Tensor, strict: bool = True) -> Array:
    value = tensor.detach().double().numpy().copy()  # a copy: the next layer may work in place
    if value.ndim > 1 and value.shape[0] == 1:
        value = value[0]
    if strict and value.ndim not in (1, 3):
        raise UnsupportedError(f"gives shape {tuple(tensor.shape)}; only images and vectors can be drawn")
    return value


def _check_step(step: Step, inputs: list[Array]) -> None:
    """Refuse what the same kind of layer may do elsewhere but a sheet cannot show."""
    first = inputs[0]
    if step.kind == "add" and (len(inputs) != 2 or inputs[0].shape != inputs[1].shape):
        raise UnsupportedError("adds something other than two tensors of one shape")
    if step.kind == "linear" and first.ndim != 1:
        raise UnsupportedError("reads an image; put a Flatten before it")
    if step.kind == "batch_norm" and step.value.size % len(step.weights["running_mean"].value):
        raise UnsupportedError("has other channels than its input")
    if step.kind == "flatten" and not (step.value.ndim == 1 or step.value.shape == first.shape):
        raise UnsupportedError(f"makes shape {step.value.shape} of {first.shape}; only flattening into a vector can be shown")
    if step.kind in NORMS and not np.allclose(step.value, normalised(step, first), atol=1e-12):
        raise UnsupportedError("takes mean and variance of other numbers than those of one input")
    if step.kind in ("softmax", "log_softmax"):
        shifted = first - first.max()
        logs = shifted - np.log(np.exp(shifted).sum())
        expected = logs if step.kind == "log_softmax" else np.exp(logs)
        if first.ndim != 1 or not np.allclose(step.value, expected, atol=1e-12):
            raise UnsupportedError("is taken over another axis than the features of a vector")
