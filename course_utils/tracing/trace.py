"""Following one input through a model: the layers in the order they run, their weights and their values in float64."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from course_utils.tracing.errors import TraceError, UnsupportedError
from course_utils.tracing.inputs import as_batch, as_inputs, as_model
from course_utils.tracing.layers import LAYERS, NOT_AMONG, SUPPORTED
from course_utils.tracing.purpose import look_up_whole_numbers, reading
from course_utils.tracing.recorder import Recorder
from course_utils.tracing.steps import Given, Step, Trace
from course_utils.tracing.tracer import ShapeTracer
from course_utils.tracing.wrapped import double_copy, settle_weights, unwrap_parts

LISTS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


class Alone(nn.Module):
    """A layer alone, inside of a module."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        """What the layer gives."""
        return self.layer(*inputs, **named)


def trace_model(model: nn.Module, x: Any) -> Trace:
    """Run a float64 copy of `model` in eval mode on one input and write down every layer.

    `x` is an image of shape (channels, height, width) with 1-4 channels, a vector of shape (features,), or a sequence of shape
    (positions, features), of whole numbers (positions,), with or without a batch axis of 1; several inputs are a tuple of
    these, or a dictionary by the names of forward's arguments. A picture of bytes becomes one of 0-1, see `as_input`. The
    model is left as it is.

    Raises TraceError, which names every layer that cannot be shown with its place in the model.

    >>> steps = trace_model(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), torch.ones(2)).steps
    >>> [(step.kind, step.path, step.value.shape) for step in steps]
    [('input', 'input', (2,)), ('linear', '0', (3,)), ('relu', '1', (3,))]
    """
    model, outer = as_model(model)
    given, form = as_inputs(x, model)
    state = {outer + key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    dtypes = {key: str(value.dtype).removeprefix("torch.") for key, value in state.items()}
    name, prefix = type(model).__name__, ""
    try:
        double = double_copy(model)
    except Exception as error:  # whatever a part of the model that cannot be copied raises
        raise TraceError(f"{name} cannot be copied ({error}); create it again and load its weights") from error
    settled = settle_weights(double)
    dtypes |= {outer + key: dtypes[outer + first] for key, first in settled.items()}
    reads, first = reading(double)
    if fx.Tracer().is_leaf_module(double, ""):  # the tracer looks into the outermost module, so there has to be one around it
        double, prefix = Alone(double), "layer."
    keys = _keys_of(double, dtypes, prefix, outer)
    unwrap_parts(double)
    look_up_whole_numbers(double)
    unknown = _unknown_layers(double.named_modules())
    try:
        batches = _batches(given, x, reads, first)
        module = _followed(double, batches, name)
        if reads == "any" and _works_on_pictures(module.graph):
            batches = _batches(given, x, "pictures", first)
            module = _followed(double, batches, name)
    except TraceError as error:
        if unknown:  # the input is another than that of images and vectors because the layer is
            raise _cannot_show(name, unknown) from error
        raise
    unknown = _unknown_layers(
        (str(node.target), module.get_submodule(str(node.target))) for node in module.graph.nodes if node.op == "call_module"
    )
    recorder = Recorder(module, keys, dtypes, form, prefix)
    with torch.no_grad(), _in_doubles():
        try:
            result = recorder.run(*batches.values())
            direct = _run(double, batches, form)
        except Exception as error:  # a layer may raise anything about an input that it does not take
            if unknown:
                raise _cannot_show(name, unknown) from error
            if isinstance(error, TraceError):  # of our own; fx adds where it was in its graph
                raise TraceError(str(error).partition("\n\nWhile executing")[0]) from error.__cause__
            shapes = " and ".join(str(tuple(tensor.shape)) for tensor, _ in given.values())
            raise TraceError(f"{name} cannot take an input of shape {shapes}: {recorder.refusal(error)}") from error
    if not isinstance(result, Tensor):
        raise TraceError(f"a model with one output was expected, and {name} gives {_no_tensor(result)}")
    if recorder.problems:
        raise _cannot_show(name, [*(line for line in unknown if line not in recorder.problems), *recorder.problems])
    for step, (_, scaled) in zip(recorder.steps, given.values(), strict=False):
        if scaled:
            step.settings["scaled"] = True
    _check_finite(recorder.steps)
    if not torch.allclose(result, direct, rtol=1e-12, atol=1e-12):
        with torch.no_grad(), _in_doubles():
            again = _run(double, batches, form)
        if not torch.equal(again, direct):
            raise TraceError(
                f"{name} gives other numbers each time that it runs, and a sheet has one of them; take out what it draws at "
                "random, or give that as a second input"
            )
        raise TraceError(
            f"{name}: a layer changes in place what another one still reads, so that its layers one after the "
            "other do not give what the model gives; write the layer without inplace=True"
        )
    drawn = {key for step in recorder.steps for weight in step.weights.values() for key in weight.keys}
    counters = {
        key: int(value)
        for key, value in state.items()
        if key not in drawn and value.numel() == 1 and not value.is_floating_point()
    }
    inputs = tuple(
        Given(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for name, (tensor, _) in given.items()
    )
    return Trace(recorder.steps, inputs, form, counters)


def _run(model: nn.Module, batches: dict[str, Tensor], form: str) -> Any:
    """What the model itself gives; of a layer alone that gives several things, the first."""
    given = model(**batches) if len(batches) > 1 or form == "dict" else model(*batches.values())
    return given[0] if isinstance(model, Alone) and isinstance(given, tuple) else given


def _batches(given: dict[str, tuple[Tensor, bool]], x: Any, reads: str, sequence_first: bool) -> dict[str, Tensor]:
    """Each input with a batch axis of 1."""
    return {
        name: as_batch(tensor, x[name] if isinstance(x, Mapping) else x, reads, sequence_first)
        for name, (tensor, _) in given.items()
    }


def _followed(model: nn.Module, batches: dict[str, Tensor], name: str) -> fx.GraphModule:
    """The model as a graph of its layers."""
    try:
        with _in_doubles():
            module = fx.GraphModule(model, ShapeTracer(batches).trace(model))
    except TraceError:
        raise
    except UnsupportedError as problem:
        raise _cannot_show(name, [str(problem)]) from None
    except SyntaxError as error:  # fx writes the names of layers into code of its own
        odd = (part for part, _ in model.named_modules() if not part.replace(".", "").replace("_", "").isalnum())
        raise TraceError(
            f"{name}: a layer is called {next((repr(part)[:60] for part in odd if part), 'by a word of Python')}, and its name "
            "cannot stand in code; name layers by letters, digits and _"
        ) from error
    except Exception as error:  # fx raises many kinds; each means that the model's own code decides by values
        raise TraceError(
            f"{name}: its forward cannot be followed without running it ({error}). Its layers should run in the "
            "same order for every input: take out `if` and loops over tensor values."
        ) from error
    if isinstance(model, Alone):  # a recurrent layer gives its states too, and attention its shares: no numbers but those shown
        output = next(node for node in module.graph.nodes if node.op == "output")
        output.args = (output.all_input_nodes[0],)
    module.graph.eliminate_dead_code()
    return module


@contextmanager
def _in_doubles() -> Iterator[None]:
    """Let a forward that makes tensors of its own make them in float64, as everything else is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _works_on_pictures(graph: fx.Graph) -> bool:
    """Whether a function of the graph is one for pictures; modules tell by their kind."""
    return any(node.op == "call_function" and "2d" in getattr(node.target, "__name__", "") for node in graph.nodes)


def _no_tensor(result: Any) -> str:
    if result is None:
        return "None; end its forward with a return"
    if isinstance(result, Mapping):
        return f"a dict of {', '.join(map(repr, result))}; give a model whose forward returns one of them"
    if isinstance(result, (tuple, list)):
        return f"a {type(result).__name__} of {len(result)}; give a model whose forward returns one of them"
    return f"a {type(result).__name__}, and no tensor"


def _unknown_layers(layers: Iterable[tuple[str, nn.Module]]) -> list[str]:
    """A line for each of PyTorch's own layers that is not one of ours, nor inside one."""
    lines, inside = [], "?"
    for path, layer in layers:
        known = type(layer) in LAYERS
        leaf = fx.Tracer().is_leaf_module(layer, path) and not isinstance(layer, LISTS)
        if path.startswith(inside) or not (known or leaf):
            continue
        inside = f"{path}."
        if not known:
            lines.append(f"{path} ({type(layer).__name__}): {NOT_AMONG}")
    return lines


def _cannot_show(name: str, problems: list[str]) -> TraceError:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return TraceError(f"course_utils cannot show these parts of {name}:\n{lines}\nIt can show: {SUPPORTED}.")


def _check_finite(steps: list[Step]) -> None:
    for step in steps:
        for role, weight in step.weights.items():
            if not np.isfinite(weight.value).all():
                raise TraceError(f"{step.path}: its {role} holds nan or inf; only finite numbers can be shown")
        if not np.isfinite(step.value).all():
            raise TraceError(f"{step.path} ({step.kind}): its output holds nan or inf; only finite numbers can be shown")


def _keys_of(model: nn.Module, dtypes: dict[str, str], prefix: str, outer: str) -> dict[int, list[str]]:
    """The state dict keys of each parameter and buffer by its id; a shared one has several."""
    keys: dict[int, list[str]] = {}
    for name, tensor in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        key = outer + name.removeprefix(prefix)
        if key in dtypes:
            keys.setdefault(id(tensor), []).append(key)
    return keys
