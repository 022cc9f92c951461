"""Following one input through a model: the layers in the order they run, their weights and their values in float64."""

import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from course_utils.excel.errors import ExportError

Array = NDArray[np.float64]

SUPPORTED = (
    "Conv2d, Linear, BatchNorm1d, BatchNorm2d, ReLU, LeakyReLU, Sigmoid, Tanh, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, "
    "AdaptiveMaxPool2d, Flatten, Dropout, Identity, Softmax, LogSoftmax, the sum of two tensors of one shape, and Sequentials "
    "and modules of your own made of these"
)


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer: its values, its dtype in the model, and its names in the state dict (several where it is shared)."""

    keys: tuple[str, ...]
    dtype: str
    value: Array


@dataclass
class Step:
    """One layer as it ran: `sources` are the numbers of the steps it read, `value` is its output without the batch axis."""

    kind: str
    path: str
    sources: tuple[int, ...]
    value: Array
    settings: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)


@dataclass
class Trace:
    """All steps of one run, the first being the input; and what a state dict holds beside the weights (counters)."""

    steps: list[Step]
    input_shape: tuple[int, ...]
    input_dtype: str
    counters: dict[str, int]

    def readers(self, number: int) -> list[Step]:
        """The steps that read the output of step `number`."""
        return [step for step in self.steps if number in step.sources]


class _Unsupported(Exception):
    """Says what about a layer a workbook cannot show."""


def trace_model(model: nn.Module, x: Tensor) -> Trace:
    """Run a float64 copy of `model` in eval mode on one input and write down every layer.

    `x` is an image of shape (channels, height, width) with 1-4 channels or a vector of shape (features,), with or without a
    batch axis of 1 in front. The model is left as it is.

    Raises ExportError, which names every layer that a workbook cannot show with its place in the model.

    >>> steps = trace_model(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), torch.ones(2)).steps
    >>> [(step.kind, step.path, step.value.shape) for step in steps]
    [('input', 'input', (2,)), ('linear', '0', (3,)), ('relu', '1', (3,))]
    """
    batch = _as_batch(x)
    dtypes = {key: str(value.dtype).removeprefix("torch.") for key, value in model.state_dict().items()}
    double = copy.deepcopy(model).cpu().double().eval()
    try:
        module = fx.GraphModule(double, fx.Tracer().trace(double))
    except Exception as error:  # fx raises many kinds; each means that the model's own code decides by values
        raise ExportError(
            f"{type(model).__name__}: its forward cannot be followed without running it ({error}). A workbook needs a model whose "
            "layers run in the same order for every input: take out `if` and loops over tensor values."
        ) from error
    module.graph.eliminate_dead_code()
    recorder = _Recorder(module, dtypes)
    with torch.no_grad():
        try:
            recorder.run(batch)
        except (RuntimeError, ValueError, TypeError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ExportError(f"{type(model).__name__} cannot take an input of shape {tuple(x.shape)}: {reason}") from error
    if recorder.problems:
        lines = "\n".join(f"  {problem}" for problem in recorder.problems)
        raise ExportError(f"A workbook cannot show these parts of {type(model).__name__}:\n{lines}\nIt can show: {SUPPORTED}.")
    _check_finite(recorder.steps)
    drawn = {key for step in recorder.steps for weight in step.weights.values() for key in weight.keys}
    counters = {
        key: int(value)
        for key, value in model.state_dict().items()
        if key not in drawn and value.numel() == 1 and not value.is_floating_point()
    }
    return Trace(recorder.steps, tuple(x.shape), str(x.dtype).removeprefix("torch."), counters)


def fuse_relu(trace: Trace) -> Trace:
    """Join each ReLU with the layer before it where nothing else reads that layer, as the lecture does: MAX(0, ...)."""
    steps: list[Step] = []
    moved: dict[int, int] = {}
    for number, step in enumerate(trace.steps):
        if step.kind == "relu" and len(trace.readers(step.sources[0])) == 1:
            before = moved[step.sources[0]]
            if steps[before].kind in ("conv", "linear", "batch_norm", "add"):
                joined = steps[before]
                steps[before] = Step(
                    joined.kind, joined.path, joined.sources, step.value, {**joined.settings, "relu": True}, joined.weights
                )
                moved[number] = before
                continue
        moved[number] = len(steps)
        steps.append(Step(step.kind, step.path, tuple(moved[n] for n in step.sources), step.value, step.settings, step.weights))
    return Trace(steps, trace.input_shape, trace.input_dtype, trace.counters)


def _as_batch(x: Tensor) -> Tensor:
    shape = tuple(x.shape)
    single = shape[1:] if len(shape) in (2, 4) else shape
    if len(shape) not in (1, 2, 3, 4) or (len(shape) in (2, 4) and shape[0] != 1) or 0 in shape:
        raise ExportError(
            f"one input was expected, an image (channels, height, width) or a vector (features,), and x has shape {shape}; "
            "for one image of a batch give batch[0]"
        )
    if len(single) == 3 and single[0] > 4:
        raise ExportError(f"an image of 1-4 channels was expected, channels first, and x has shape {shape}; try x.permute(2, 0, 1)")
    if not torch.isfinite(x.double()).all():
        raise ExportError("x holds values that are not finite (nan or inf); a spreadsheet has no cell for them")
    return x.detach().cpu().double().reshape(1, *single)


def _check_finite(steps: list[Step]) -> None:
    for step in steps:
        for role, weight in step.weights.items():
            if not np.isfinite(weight.value).all():
                raise ExportError(f"{step.path}: its {role} holds nan or inf; a spreadsheet has no cell for them")
        if not np.isfinite(step.value).all():
            raise ExportError(f"{step.path} ({step.kind}): its output holds nan or inf; a spreadsheet has no cell for them")


class _Recorder(fx.Interpreter):
    """Runs a traced model node by node and keeps a Step for each node that makes a tensor."""

    def __init__(self, module: fx.GraphModule, dtypes: dict[str, str]) -> None:
        super().__init__(module)
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self._dtypes = dtypes
        self._made_by: dict[int, int] = {}  # id of a tensor -> the step that made it; an in-place layer takes it over
        self._alive: list[Tensor] = []  # so that no id is used twice
        self._keys: dict[int, list[str]] = {}
        for key, tensor in (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)):
            if key in dtypes:
                self._keys.setdefault(id(tensor), []).append(key)

    def run_node(self, node: fx.Node) -> Any:
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        for tensor in (*args, *kwargs.values()):
            number = self._made_by.get(id(tensor))
            if number is not None and not np.array_equal(_without_batch(tensor, strict=False), self.steps[number].value):
                self.problems.append(f"{node.name}: reads {self.steps[number].path} after another layer changed it in place")
        result = super().run_node(node)
        if node.op != "output" and isinstance(result, Tensor):
            path, what = self._place(node)
            try:
                self._record(node, path, args, kwargs, result)
            except _Unsupported as problem:
                self.problems.append(f"{path} ({what}): {problem}")
                self._add(Step("unsupported", path, (), _without_batch(result, strict=False)), result)
        elif node.op == "output" and not isinstance(args[0], Tensor):
            raise ExportError(f"a model with one output was expected, and this one gives a {type(args[0]).__name__}")
        return result

    def _place(self, node: fx.Node) -> tuple[str, str]:
        """Where in the model a node stands, and what it is, for people."""
        if node.op == "call_module":
            return str(node.target), type(self.fetch_attr(str(node.target))).__name__
        return node.name, str(getattr(node.target, "__name__", node.target))

    def _record(self, node: fx.Node, path: str, args: Any, kwargs: dict[str, Any], result: Tensor) -> None:
        if node.op == "placeholder":
            if self.steps:
                raise _Unsupported("a second input")
            self._add(Step("input", "input", (), _without_batch(result)), result)
            return
        if node.op == "get_attr":
            return  # a weight used by hand: the function that reads it says so
        if node.op == "call_module":
            module = self.fetch_attr(str(node.target))
            maker = _MODULES.get(type(module))
            if maker is None:
                raise _Unsupported("not among the layers it can show")
            kind, settings, roles = maker(module)
        else:
            function = _METHODS.get(str(node.target)) if node.op == "call_method" else _FUNCTIONS.get(node.target)
            if function is None:
                raise _Unsupported("not among the operations it can show")
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
            raise _Unsupported("reads a tensor that no layer made (a weight or a constant used by hand)")
        return number

    def _weight(self, tensor: Tensor) -> Weight:
        keys = self._keys.get(id(tensor))
        if not keys:
            raise _Unsupported("a weight that is not in the state dict (a parametrisation or weight norm)")
        return Weight(tuple(keys), self._dtypes[keys[0]], tensor.detach().numpy().copy())

    def _add(self, step: Step, result: Tensor) -> None:
        self.steps.append(step)
        self._made_by[id(result)] = len(self.steps) - 1
        self._alive.append(result)


def _without_batch(tensor: Tensor, strict: bool = True) -> Array:
    value = tensor.detach().double().numpy().copy()  # a copy: the next layer may work in place
    if value.ndim > 1 and value.shape[0] == 1:
        value = value[0]
    if strict and value.ndim not in (1, 3):
        raise _Unsupported(f"gives shape {tuple(tensor.shape)}; only images and vectors can be drawn")
    return value


def _check_step(step: Step, inputs: list[Array]) -> None:
    """Refuse what the same kind of layer may do elsewhere but a sheet cannot show."""
    first = inputs[0]
    if step.kind == "add" and (len(inputs) != 2 or inputs[0].shape != inputs[1].shape):
        raise _Unsupported("adds something other than two tensors of one shape")
    if step.kind == "linear" and first.ndim != 1:
        raise _Unsupported("reads an image; put a Flatten before it")
    if step.kind == "batch_norm" and step.value.size % len(step.weights["running_mean"].value):
        raise _Unsupported("has other channels than its input")
    if step.kind == "flatten" and not (step.value.ndim == 1 or step.value.shape == first.shape):
        raise _Unsupported(f"makes shape {step.value.shape} of {first.shape}; only flattening into a vector can be shown")
    if step.kind in ("softmax", "log_softmax"):
        shifted = first - first.max()
        logs = shifted - np.log(np.exp(shifted).sum())
        expected = logs if step.kind == "log_softmax" else np.exp(logs)
        if first.ndim != 1 or not np.allclose(step.value, expected, atol=1e-12):
            raise _Unsupported("is taken over another axis than the features of a vector")


# Each layer gives its kind, its settings and its weights by role.
_Parts = tuple[str, dict[str, Any], dict[str, Tensor | None]]


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, (tuple, list)):
        return (int(value[0]), int(value[1])) if len(value) == 2 else (int(value[0]), int(value[0]))
    return int(value), int(value)


def _conv(module: nn.Conv2d) -> _Parts:
    if module.padding_mode != "zeros":
        raise _Unsupported(f"padding_mode={module.padding_mode!r}; only zeros can be shown")
    kernel, dilation = _pair(module.kernel_size), _pair(module.dilation)
    if module.padding == "same":  # where the padding is odd PyTorch puts the smaller half first
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        padding = (0, 0) if module.padding == "valid" else _pair(module.padding)
    settings = {
        "stride": _pair(module.stride),
        "padding": padding,
        "dilation": dilation,
        "groups": module.groups,
    }
    return "conv", settings, {"weight": module.weight, "bias": module.bias}


def _linear(module: nn.Linear) -> _Parts:
    return "linear", {}, {"weight": module.weight, "bias": module.bias}


def _batch_norm(module: nn.BatchNorm1d | nn.BatchNorm2d) -> _Parts:
    if module.running_mean is None:
        raise _Unsupported("track_running_stats=False: it has no fixed mean and variance to show")
    roles = {
        "running_mean": module.running_mean,
        "running_var": module.running_var,
        "weight": module.weight,
        "bias": module.bias,
    }
    return "batch_norm", {"eps": module.eps}, roles


def _max_pool(
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False, return_indices: bool = False
) -> _Parts:
    if return_indices:
        raise _Unsupported("return_indices=True")
    kernel = _pair(kernel_size)
    if kernel[0] * kernel[1] > 255 and _pair(dilation) != (1, 1):
        raise _Unsupported(f"a dilated window of {kernel[0]} x {kernel[1]} cells; MAX takes at most 255")
    settings = {"kernel": kernel, "stride": _pair(stride or kernel), "padding": _pair(padding), "dilation": _pair(dilation)}
    return "max_pool", settings, {}


def _avg_pool(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> _Parts:
    kernel = _pair(kernel_size)
    settings = {
        "kernel": kernel,
        "stride": _pair(stride or kernel),
        "padding": _pair(padding),
        "count_include_pad": count_include_pad,
        "divisor": divisor_override,
    }
    return "avg_pool", settings, {}


def _simple(kind: str) -> Callable[..., _Parts]:
    def parts(*_: Any) -> _Parts:
        return kind, {}, {}

    return parts


def _leaky(slope: float) -> _Parts:
    return "leaky_relu", {"slope": float(slope)}, {}


def _dropout(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Parts:
    if kwargs.get("training", args[2] if len(args) > 2 else True):
        raise _Unsupported("training=True: its output is random; pass training=self.training")
    return "same", {}, {}


def _add(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Parts:
    if kwargs.get("alpha", 1) != 1:
        raise _Unsupported(f"alpha={kwargs['alpha']}")
    return "add", {}, {}


def _called(parts: Callable[..., _Parts]) -> Callable[[tuple[Any, ...], dict[str, Any]], _Parts]:
    """For a function whose arguments after the tensor are those of `parts`."""
    return lambda args, kwargs: parts(*args[1:], **{key: value for key, value in kwargs.items() if key != "input"})


_MODULES: dict[type, Callable[[Any], _Parts]] = {
    nn.Conv2d: _conv,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: _simple("relu"),
    nn.LeakyReLU: lambda m: _leaky(m.negative_slope),
    nn.Sigmoid: _simple("sigmoid"),
    nn.Tanh: _simple("tanh"),
    nn.MaxPool2d: lambda m: _max_pool(m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool2d: lambda m: _avg_pool(m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override),
    nn.AdaptiveAvgPool2d: _simple("adaptive_avg_pool"),
    nn.AdaptiveMaxPool2d: lambda m: _adaptive_max(None, m.return_indices),
    nn.Flatten: _simple("flatten"),
    nn.Dropout: _simple("same"),
    nn.Dropout1d: _simple("same"),
    nn.Dropout2d: _simple("same"),
    nn.Identity: _simple("same"),
    nn.Softmax: _simple("softmax"),
    nn.LogSoftmax: _simple("log_softmax"),
}


def _adaptive_max(output_size: Any, return_indices: bool = False) -> _Parts:
    if return_indices:
        raise _Unsupported("return_indices=True")
    return "adaptive_max_pool", {}, {}


_METHODS: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], _Parts]] = {
    "relu": _simple("relu"),
    "relu_": _simple("relu"),
    "sigmoid": _simple("sigmoid"),
    "tanh": _simple("tanh"),
    "softmax": _simple("softmax"),
    "log_softmax": _simple("log_softmax"),
    "flatten": _simple("flatten"),
    "view": _simple("flatten"),
    "reshape": _simple("flatten"),
    "squeeze": _simple("flatten"),
    "contiguous": _simple("same"),
    "add": _add,
    "add_": _add,
}
_FUNCTIONS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], _Parts]] = {
    F.relu: _simple("relu"),
    torch.relu: _simple("relu"),
    F.leaky_relu: _called(lambda negative_slope=0.01, inplace=False: _leaky(negative_slope)),
    torch.sigmoid: _simple("sigmoid"),
    F.sigmoid: _simple("sigmoid"),
    torch.tanh: _simple("tanh"),
    F.tanh: _simple("tanh"),
    F.max_pool2d: _called(_max_pool),
    F.avg_pool2d: _called(_avg_pool),
    F.adaptive_avg_pool2d: _simple("adaptive_avg_pool"),
    F.adaptive_max_pool2d: _called(_adaptive_max),
    F.softmax: _simple("softmax"),
    torch.softmax: _simple("softmax"),
    F.log_softmax: _simple("log_softmax"),
    torch.log_softmax: _simple("log_softmax"),
    torch.flatten: _simple("flatten"),
    torch.reshape: _simple("flatten"),
    F.dropout: _dropout,
    torch.add: _add,
    operator.add: _add,
    operator.iadd: _add,
}


