"""Running a model layer by layer, and writing down what each made of what it read."""

import operator
from typing import Any

import numpy as np
from torch import Tensor, fx, nn

from course_utils.tracing import joins, moves, reductions, upsampling
from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.joins import joined
from course_utils.tracing.layers import FUNCTIONS, METHODS, MODULES, NOT_AMONG, pair
from course_utils.tracing.moves import moved
from course_utils.tracing.norms import normalised
from course_utils.tracing.steps import Array, Rows, Step, Weight, batch_axis
from course_utils.tracing.words import NORMS, by

MOVES: dict[str, dict[Any, str]] = {
    "call_module": {**moves.MODULES},
    "call_method": {**moves.METHODS},
    "call_function": moves.FUNCTIONS,
}
JOINS: dict[str, dict[Any, str]] = {"call_method": {**joins.METHODS}, "call_function": joins.FUNCTIONS}
# kinds that read nothing but pictures; convolutions also sequences, which are pictures of one row
PICTURES = ("conv", "conv_transpose", "max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool")


class Recorder(fx.Interpreter):
    """Runs a traced model node by node and keeps a Step for each node that makes a tensor."""

    def __init__(
        self, module: fx.GraphModule, keys: dict[int, list[str]], dtypes: dict[str, str], form: str, prefix: str = ""
    ) -> None:
        super().__init__(module)
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self._dtypes = dtypes
        self._form = form
        self._prefix = prefix  # of the paths inside a layer that is followed alone
        self._made_by: dict[int, int] = {}  # id of a tensor -> the step that made it; an in-place layer takes it over
        self._by_hand: dict[int, str] = {}  # id of a weight or constant that the model uses by hand -> what it is called
        self._alive: list[Any] = []  # so that no id is used twice
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
        layer = self.fetch_attr(str(node.target)) if node.op == "call_module" else None
        why = _misfit(layer, shapes[0]) or f"it gets {' and '.join(by(shape) for shape in shapes)} ({reason})"
        return f"its layer {path} ({what}) does not fit: {why}"

    def run_node(self, node: fx.Node) -> Any:
        """Run one node of the graph, and keep its step; what cannot be shown is kept among the problems."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        for tensor in tensors_in((args, kwargs)) if node.op != "output" else ():
            number = self._made_by.get(id(tensor))
            if number is not None and not np.array_equal(_row(tensor), self.steps[number].value.reshape(-1), True):
                self.problems.append(f"{node.name}: reads {self.steps[number].path} after another layer changed it in place")
        self._running = node, (*args, *kwargs.values())
        result = super().run_node(node)
        self._running = None
        made = tensors_in(result)
        if node.op != "output" and made:
            path, what = self._place(node)
            try:
                self._record(node, path, args, kwargs, result)
            except UnsupportedError as problem:
                self.problems.append(f"{path} ({what}): {problem}")
                for tensor in made:
                    self._add(Step("unsupported", path, (), without_batch(tensor)), tensor)
        return result

    def _place(self, node: fx.Node) -> tuple[str, str]:
        """Where in the model a node is, and what it is, for people."""
        if node.op == "call_module":
            return str(node.target).removeprefix(self._prefix), type(self.fetch_attr(str(node.target))).__name__
        inside = f"{node.meta['inside']}." if "inside" in node.meta else ""
        return f"{inside}{node.meta.get('path') or node.name}".removeprefix(self._prefix), str(
            getattr(node.target, "__name__", node.target)
        )

    def _record(self, node: fx.Node, path: str, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        if node.op == "placeholder":
            name = "input" if self._form == "one" else node.name
            self._add(Step("input", name, (), checked(without_batch(result))), result)
            return
        if node.op == "get_attr":  # its step is made where a layer reads it as one of its inputs
            self._by_hand[id(result)] = str(node.target)
            self._alive.append(result)
            return
        if node.target is operator.getitem and not isinstance(args[0], Tensor):
            return  # one of several tensors, each with its own step
        target: Any = type(self.fetch_attr(str(node.target))) if node.op == "call_module" else node.target
        said = dict(node.meta.get("said", {}))
        layer = self.fetch_attr(str(node.target)) if node.op == "call_module" else None
        mode = upsampling.mode_of(target, layer, args, kwargs)
        if mode in upsampling.REPEATING:
            settings = {"title": "upsampling", "words": upsampling.words(mode), **said}
            self._record_move(node, path, args, kwargs, result, settings)
            return
        if title := MOVES[node.op].get(target):
            self._record_move(node, path, args, kwargs, result, {"title": title, **said})
            return
        if mode:
            kind, settings, roles = upsampling.between(layer or target, args, kwargs, mode)
        elif target in reductions.MODULES:
            kind, settings, roles = reductions.MODULES[target](layer, args[0])
        elif node.op == "call_module":
            maker = MODULES.get(target)
            if maker is None:
                raise UnsupportedError(NOT_AMONG)
            kind, settings, roles = maker(layer)
        elif join := JOINS[node.op].get(target):
            kind, settings, roles = join, joined(args, kwargs), {}
        else:
            function = METHODS.get(str(target)) if node.op == "call_method" else FUNCTIONS.get(target)
            if function is None:
                raise UnsupportedError("not among the operations it can show")
            kind, settings, roles = function(args, kwargs)
        read = [tensor for tensor in tensors_in((args, kwargs)) if all(tensor is not whole(role) for role in roles.values())]
        sources = tuple(self._source(tensor) for tensor in read)
        if kind == "same":  # dropout in eval mode, identity
            if not np.array_equal(_row(result), self.steps[sources[0]].value.reshape(-1)):
                raise UnsupportedError("changes the numbers by rounding them")
            self._made_by[id(result)] = sources[0]
            self._alive.append(result)
            return
        weights = {role: self._weight(value) for role, value in roles.items() if value is not None}
        step = Step(kind, path, sources, checked(without_batch(result)), {**settings, **said}, weights)
        check_step(step, [self.steps[source].value for source in sources])
        self._add(step, result)

    def _record_move(self, node: fx.Node, path: str, args: Any, kwargs: dict[str, Any], result: Any, settings: Any) -> None:
        """A step for each tensor that is made of numbers that stand elsewhere; "flatten" where they also keep their order."""
        target: Any = self.fetch_attr(str(node.target)) if node.op == "call_module" else node.target
        operation = getattr(Tensor, target) if isinstance(target, str) else target
        sources, index = moved(operation, args, kwargs, self._source)
        read = sum(self.steps[source].value.size for source in sources)
        results = tensors_in(result)
        for number, (each, places) in enumerate(zip(results, index, strict=True), start=1):
            same = len(sources) == 1 and len(places) == read and (places == np.arange(1, read + 1)).all()
            kind = "flatten" if same else "move"
            name = path if len(results) == 1 else f"{path}.{number}"
            self._add(Step(kind, name, sources, without_batch(each), {} if same else {**settings, "index": places}), each)

    def _source(self, tensor: Tensor) -> int:
        """The step that made a tensor; a weight or a constant that is used by hand becomes a step of its own."""
        number = self._made_by.get(id(tensor))
        if number is not None:
            return number
        name = self._by_hand.get(id(tensor))
        if name is None:
            raise UnsupportedError("reads a tensor that no layer made")
        weights = {"value": self._weight(tensor)} if id(tensor) in self._keys else {}
        value = checked(without_batch(tensor))
        self._add(Step("parameter" if weights else "constant", name.removeprefix(self._prefix), (), value, {}, weights), tensor)
        return len(self.steps) - 1

    def _weight(self, given: Tensor | Rows) -> Weight:
        tensor = given.weight if isinstance(given, Rows) else given
        keys = self._keys.get(id(tensor))
        if not keys:
            raise UnsupportedError("a weight that is not in the state dict (no parameter, and a buffer with persistent=False)")
        dtype, value = self._dtypes[keys[0]], tensor.detach().numpy().copy()
        if isinstance(given, Rows):
            last = given.first + given.count
            return Weight(tuple(f"{key}[{given.first}:{last}]" for key in keys), dtype, value[given.first : last])
        return Weight(tuple(keys), dtype, value)

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


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors among arguments or results, in their order; those in lists and tuples too.

    >>> import torch
    >>> len(tensors_in((torch.zeros(1), [torch.zeros(2), 3])))
    2
    """
    found: list[Tensor] = []
    fx.node.map_aggregate(value, lambda each: found.append(each) if isinstance(each, Tensor) else None)
    return found


def whole(role: Tensor | Rows | None) -> Tensor | None:
    """The weight that a role is, or that its rows are of."""
    return role.weight if isinstance(role, Rows) else role


def _row(tensor: Tensor) -> Array:
    values: Array = tensor.detach().double().numpy().reshape(-1)
    return values


def without_batch(tensor: Tensor) -> Array:
    """The numbers of a tensor without its batch axis of 1, see `batch_axis`.

    >>> import torch
    >>> without_batch(torch.zeros(1, 4)).shape, without_batch(torch.zeros(5, 1, 4)).shape, without_batch(torch.zeros(1)).shape
    ((4,), (5, 4), (1,))
    """
    value: Array = tensor.detach().double().numpy().copy()  # a copy: the next layer may work in place
    axis = batch_axis(value.shape)
    return np.atleast_1d(value if axis is None else value.squeeze(axis))


def checked(value: Array) -> Array:
    """`value` if a sheet can show its shape."""
    if value.ndim > 3:
        raise UnsupportedError(f"gives shape {value.shape}; only tensors of at most three axes beside the batch can be drawn")
    if not value.size:
        raise UnsupportedError(f"gives shape {value.shape}, which holds no numbers")
    return value


def row_softmax(x: Array) -> Array:
    """The shares of the numbers of each row."""
    exps = np.exp(x - x.max(-1, keepdims=True))
    return exps / exps.sum(-1, keepdims=True)


def check_step(step: Step, inputs: list[Array]) -> None:
    """Refuse what the same kind of layer may do elsewhere but a sheet cannot show."""
    first = inputs[0]
    if step.kind == "batch_norm" and len(first) != len(step.weights["running_mean"].value):
        raise UnsupportedError("has other channels than its input")
    if step.kind in NORMS and not np.allclose(step.value, normalised(step, first), atol=1e-12):
        raise UnsupportedError("takes mean and variance of other numbers than those of one input")
    axes = step.weights["weight"].value.ndim - 1 if step.kind in ("conv", "conv_transpose") else 3
    if step.kind in PICTURES and first.ndim != axes:
        expected = "an image (channels, height, width)" if axes == 3 else "a sequence (channels, positions)"
        raise UnsupportedError(f"reads shape {first.shape}; {expected} was expected")
    if step.kind in ("softmax", "log_softmax") and first.ndim > 1:
        step.kind = f"row_{step.kind}"
        shares = np.exp(step.value) if step.kind == "row_log_softmax" else step.value
        if not np.allclose(shares, row_softmax(first), atol=1e-12):
            raise UnsupportedError("is taken over another axis than the last one")
    if step.kind in ("softmax", "log_softmax"):
        shifted = first - first.max()
        logs = shifted - np.log(np.exp(shifted).sum())
        expected = logs if step.kind == "log_softmax" else np.exp(logs)
        if first.ndim != 1 or not np.allclose(step.value, expected, atol=1e-12):
            raise UnsupportedError("is taken over another axis than the features of a vector")
