"""Following one input through a model: the layers in the order they run, their weights and their values in float64."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from course_utils.tracing.errors import TraceError
from course_utils.tracing.inputs import as_batch, as_input, as_model
from course_utils.tracing.layers import MODULES, NOT_AMONG, SUPPORTED
from course_utils.tracing.recorder import Recorder
from course_utils.tracing.steps import Step, Trace
from course_utils.tracing.wrapped import double_copy, settle_weights, unwrap_parts


def trace_model(model: nn.Module, x: Any) -> Trace:
    """Run a float64 copy of `model` in eval mode on one input and write down every layer.

    `x` is an image of shape (channels, height, width) with 1-4 channels or a vector of shape (features,), with or without a
    batch axis of 1 in front; a picture of bytes becomes one of 0-1, see `as_input`. The model is left as it is.

    Raises TraceError, which names every layer that cannot be shown with its place in the model.

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
        double = double_copy(model)
    except Exception as error:  # whatever a part of the model that cannot be copied raises
        raise TraceError(f"{name} cannot be copied ({error}); make it anew and load its weights") from error
    settled = settle_weights(double)
    dtypes |= {outer + key: dtypes[outer + first] for key, first in settled.items()}
    if type(double) in MODULES:  # a layer alone: the tracer looks into the outermost module, so there has to be one around it
        double, prefix = nn.Sequential(OrderedDict(layer=double)), "layer."
    keys = _keys_of(double, dtypes, prefix, outer)
    unwrap_parts(double)
    try:
        module = fx.GraphModule(double, fx.Tracer().trace(double))
    except Exception as error:  # fx raises many kinds; each means that the model's own code decides by values
        raise TraceError(
            f"{name}: its forward cannot be followed without running it ({error}). Its layers should run in the "
            "same order for every input: take out `if` and loops over tensor values."
        ) from error
    module.graph.eliminate_dead_code()
    unknown = _unknown_layers(module)
    inputs = [str(node.target) for node in module.graph.nodes if node.op == "placeholder" and not node.args]
    if len(inputs) > 1 and not unknown:
        raise TraceError(
            f"a model with one input was expected, and {name}.forward takes {', '.join(inputs)}; wrap it in a module of x"
        )
    recorder = Recorder(module, keys, dtypes)
    with torch.no_grad():
        try:
            batch = as_batch(x, given)
            result = recorder.run(batch)
            direct = double(batch)
        except Exception as error:  # a layer may raise anything about an input that it does not take
            if unknown:  # the input is another than that of images and vectors because the layer is
                raise _cannot_show(name, unknown) from error
            if isinstance(error, TraceError):
                raise
            raise TraceError(f"{name} cannot take an input of shape {tuple(x.shape)}: {recorder.refusal(error)}") from error
    if not isinstance(result, Tensor):
        raise TraceError(f"a model with one output was expected, and {name} gives {_no_tensor(result)}")
    if recorder.problems:
        raise _cannot_show(name, [*(line for line in unknown if line not in recorder.problems), *recorder.problems])
    if scaled:
        recorder.steps[0].settings["scaled"] = True
    _check_finite(recorder.steps)
    if not torch.allclose(result, direct, rtol=1e-12, atol=1e-12):
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
    return Trace(recorder.steps, tuple(x.shape), str(x.dtype).removeprefix("torch."), counters)


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
