"""Following one input through a model: the layers in the order they run, their weights and their values in float64."""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from course_utils.excel.errors import ExportError
from course_utils.excel.inputs import as_batch, as_input, as_model
from course_utils.excel.layers import FUNCTIONS, METHODS, MODULES, SUPPORTED, UnsupportedError, pair
from course_utils.excel.steps import Array, Step, Trace, Weight
from course_utils.excel.words import by

NOT_AMONG = "not among the layers it can show"


def trace_model(model: nn.Module, x: Any) -> Trace:
    """Run a float64 copy of `model` in eval mode on one input and write down every layer.

    `x` is an image of shape (channels, height, width) with 1-4 channels or a vector of shape (features,), with or without a
    batch axis of 1 in front; a picture of bytes becomes one of 0-1, see `as_input`. The model is left as it is.

    Raises ExportError, which names every layer that a workbook cannot show with its place in the model.

    >>> steps = trace_model(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), torch.ones(2)).steps
    >>> [(step.kind, step.path, step.value.shape) for step in steps]
    [('input', 'input', (2,)), ('linear', '0', (3,)), ('relu', '1', (3,))]
    """
    model, outer = as_model(model)
    given, (x, scaled) = x, as_input(x)
    state = {outer + key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    dtypes = {key: str(value.dtype).removeprefix("torch.") for key, value in state.items()}
    name, prefix = type(model).__name__, ""
    try:
        double = copy.deepcopy(model).cpu().double().eval()
    except Exception as error:  # whatever a part of the model that cannot be copied raises
        raise ExportError(f"{name} cannot be copied ({error}); make it anew and load its weights") from error
    if type(double) in MODULES:  # a layer alone: the tracer looks into the outermost module, so there has to be one around it
        double, prefix = nn.Sequential(OrderedDict(layer=double)), "layer."
    try:
        module = fx.GraphModule(double, fx.Tracer().trace(double))
    except Exception as error:  # fx raises many kinds; each means that the model's own code decides by values
        raise ExportError(
            f"{name}: its forward cannot be followed without running it ({error}). A workbook needs a model "
            "whose layers run in the same order for every input: take out `if` and loops over tensor values."
        ) from error
    module.graph.eliminate_dead_code()
    unknown = _unknown_layers(module)
    inputs = [str(node.target) for node in module.graph.nodes if node.op == "placeholder" and not node.args]
    if len(inputs) > 1 and not unknown:
        raise ExportError(f"a model with one input was expected, and the forward of {name} takes {', '.join(inputs)}")
    recorder = _Recorder(module, _keys_of(double, dtypes, prefix, outer), dtypes)
    with torch.no_grad():
        try:
            batch = as_batch(x, given)
            result = recorder.run(batch)
            direct = double(batch)
        except Exception as error:  # a layer may raise anything about an input that it does not take
            if unknown:  # the input is another than that of images and vectors because the layer is
                raise _cannot_show(name, unknown) from error
            if isinstance(error, ExportError):
                raise
            raise ExportError(f"{name} cannot take an input of shape {tuple(x.shape)}: {recorder.refusal(error)}") from error
    if not isinstance(result, Tensor):
        raise ExportError(f"a model with one output was expected, and {name} gives {_no_tensor(result)}")
    if recorder.problems:
        raise _cannot_show(name, [*(line for line in unknown if line not in recorder.problems), *recorder.problems])
    if scaled:
        recorder.steps[0].settings["scaled"] = True
    _check_finite(recorder.steps)
    if not torch.allclose(result, direct, rtol=1e-12, atol=1e-12):
        raise ExportError(
            f"{name}: a layer changes in place what another one still reads, so that its layers one after the "
            "other do not give what the model gives; write the layer without inplace=True"
        )
    drawn = {key for step in recorder.steps for weight in step.weights.values() for key in weight.keys}
    counters = {
        key: int(value)
        for key, value in state.items()
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
            if steps[before].kind in ("conv", "linear", "batch_norm", "add") and not steps[before].settings.get("relu"):
                joined = steps[before]
                steps[before] = Step(
                    joined.kind, joined.path, joined.sources, step.value, {**joined.settings, "relu": True}, joined.weights
                )
                moved[number] = before
                continue
        moved[number] = len(steps)
        steps.append(Step(step.kind, step.path, tuple(moved[n] for n in step.sources), step.value, step.settings, step.weights))
    return Trace(steps, trace.input_shape, trace.input_dtype, trace.counters)


def _no_tensor(result: Any) -> str:
    if result is None:
        return "None; end its forward with a return"
    if isinstance(result, Mapping):
        return f"a dict of {', '.join(map(repr, result))}; give a model whose forward returns one of them"
    if isinstance(result, (tuple, list)):
        return f"a {type(result).__name__} of {len(result)}; give a model whose forward returns one of them"
    return f"a {type(result).__name__}, and no tensor"


def _unknown_layers(module: fx.GraphModule) -> list[str]:
    """A line for each module of the graph that is none of ours, found without running it."""
    layers = [
        (str(node.target), module.get_submodule(str(node.target))) for node in module.graph.nodes if node.op == "call_module"
    ]
    return [f"{path} ({type(layer).__name__}): {NOT_AMONG}" for path, layer in layers if type(layer) not in MODULES]


def _cannot_show(name: str, problems: list[str]) -> ExportError:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return ExportError(f"A workbook cannot show these parts of {name}:\n{lines}\nIt can show: {SUPPORTED}.")


def _check_finite(steps: list[Step]) -> None:
    for step in steps:
        for role, weight in step.weights.items():
            if not np.isfinite(weight.value).all():
                raise ExportError(f"{step.path}: its {role} holds nan or inf; a spreadsheet has no cell for them")
        if not np.isfinite(step.value).all():
            raise ExportError(f"{step.path} ({step.kind}): its output holds nan or inf; a spreadsheet has no cell for them")


def _keys_of(model: nn.Module, dtypes: dict[str, str], prefix: str, outer: str) -> dict[int, list[str]]:
    """The state dict keys of each parameter and buffer by its id; a shared one has several."""
    keys: dict[int, list[str]] = {}
    for name, tensor in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        key = outer + name.removeprefix(prefix)
        if key in dtypes:
            keys.setdefault(id(tensor), []).append(key)
    return keys


class _Recorder(fx.Interpreter):
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
            raise UnsupportedError("a weight that is not in the state dict (a parametrisation or weight norm)")
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
    if step.kind in ("softmax", "log_softmax"):
        shifted = first - first.max()
        logs = shifted - np.log(np.exp(shifted).sum())
        expected = logs if step.kind == "log_softmax" else np.exp(logs)
        if first.ndim != 1 or not np.allclose(step.value, expected, atol=1e-12):
            raise UnsupportedError("is taken over another axis than the features of a vector")
