"""RNN, LSTM and GRU, cells and whole layers: one step after the other, with every gate and state in sight."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.tracing.errors import MisfitError, UnsupportedError
from course_utils.tracing.steps import Parts
from course_utils.tracing.written_out import one_step, said

ROWS = {  # what a step makes, in the order of its rows; the last one is what it gives
    "rnn_tanh": ("hidden state",),
    "rnn_relu": ("hidden state",),
    "gru": ("reset gate", "update gate", "candidate", "hidden state"),
    "lstm": ("input gate", "forget gate", "candidate", "output gate", "cell state", "hidden state"),
}
TITLES = {"rnn_tanh": "RNN, step by step", "rnn_relu": "RNN with ReLU, step by step"}
TITLES |= {"gru": "GRU, step by step", "lstm": "LSTM, step by step"}
READS = "from the input x of a step and the hidden state h of the one before."
WORDS = {
    "rnn_tanh": f"Hidden state = tanh(W x + U h + biases), {READS}",
    "rnn_relu": f"Hidden state = max(0, W x + U h + biases), {READS}",
    "gru": f"Gates = sigmoid(W x + U h + biases), {READS} Candidate = tanh(W x + bias + reset gate × (U h + bias)). "
    "Hidden state = (1 - update gate) × candidate + update gate × hidden state before.",
    "lstm": f"Gates = sigmoid(W x + U h + biases), {READS} Candidate = tanh(W x + U h + biases). "
    "Cell state = forget gate × cell state before + input gate × candidate. Hidden state = output gate × tanh(cell state).",
}


def _rnn(activation: Callable[[Tensor], Tensor]) -> Callable[..., list[Tensor]]:
    return lambda seen, own, state: [activation(seen + own)]


def _gru(seen: Tensor, own: Tensor, state: list[Tensor]) -> list[Tensor]:
    (seen_r, seen_z, seen_n), (own_r, own_z, own_n) = seen.chunk(3), own.chunk(3)
    reset, update = torch.sigmoid(seen_r + own_r), torch.sigmoid(seen_z + own_z)
    candidate = torch.tanh(seen_n + reset * own_n)
    return [reset, update, candidate, (1 - update) * candidate + update * state[-1]]


def _lstm(seen: Tensor, own: Tensor, state: list[Tensor]) -> list[Tensor]:
    into, forget, candidate, out = (seen + own).chunk(4)
    into, forget, candidate, out = into.sigmoid(), forget.sigmoid(), candidate.tanh(), out.sigmoid()
    cell = forget * state[0] + into * candidate
    return [into, forget, candidate, out, cell, out * torch.tanh(cell)]


STEPS = {"rnn_tanh": _rnn(torch.tanh), "rnn_relu": _rnn(torch.relu), "gru": _gru, "lstm": _lstm}


@one_step
def recurrent_steps(
    x: Tensor,
    hidden: Tensor | None,
    cell: Tensor | None,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    kind: str,
    reverse: bool = False,
) -> Tensor:
    """All numbers of all steps, (1, steps, rows, features), of a sequence `x` of shape (steps, 1, features of the input).

    The rows are those of `ROWS`; with `reverse` the last position is the first step. `hidden` and `cell` are the states before
    the first step, (1, features), zeros where there are none.
    """
    zeros = weight_hh.new_zeros(weight_hh.shape[1])
    state = [zeros if cell is None else cell.reshape(-1), zeros if hidden is None else hidden.reshape(-1)]
    made: dict[int, Tensor] = {}
    for position in sorted(range(len(x)), reverse=reverse):
        rows = STEPS[kind](F.linear(x[position, 0], weight_ih, bias_ih), F.linear(state[-1], weight_hh, bias_hh), state)
        made[position] = torch.stack(rows)
        state = rows[-2:]
    return torch.stack([made[position] for position in range(len(x))])[None]


def recurrent_parts(
    x: Tensor,
    hidden: Tensor | None,
    cell: Tensor | None,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    kind: str,
    reverse: bool = False,
) -> Parts:
    """What `recurrent_steps` says of itself."""
    roles = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    settings = {"reverse": reverse, "states": (hidden is not None, cell is not None), "channels": ""}
    return kind, settings, roles


def _kind_of(module: Any) -> str:
    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return "lstm"
    return "gru" if isinstance(module, (nn.GRU, nn.GRUCell)) else f"rnn_{module.nonlinearity}"


def layer_written_out(module: nn.RNNBase, x: Any, states: Any = None) -> Any:
    """`nn.RNN`, `nn.LSTM` or `nn.GRU`: its layers, and of each both directions where it has them."""
    kind = _kind_of(module)
    if getattr(module, "proj_size", 0):
        raise UnsupportedError(f"proj_size={module.proj_size}: a hidden state that is projected cannot be shown")
    if x.shape[-1] != module.input_size:
        raise MisfitError(f"it reads {module.input_size} numbers at each step and gets {x.shape[-1]}")
    batched = x.dim() == 3
    x = (x.transpose(0, 1) if module.batch_first else x) if batched else x.unsqueeze(1)
    before = [None] * 2 if states is None else list(states) if kind == "lstm" else [states, None]
    directions = ["", "_reverse"] if module.bidirectional else [""]
    finals: list[list[Any]] = [[], []]
    for layer in range(module.num_layers):
        made = []
        for reverse, suffix in enumerate(directions):
            number = layer * len(directions) + reverse
            weights = [
                getattr(module, f"{role}_l{layer}{suffix}") if role.startswith("weight") or module.bias else None
                for role in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            hidden, cell = (None if state is None else state[number] for state in before)
            steps = recurrent_steps(x, hidden, cell, *weights, kind=kind, reverse=bool(reverse))
            title = TITLES[kind] + (", from the end to the start" if reverse else "")
            said(steps, title, WORDS[kind], f"l{layer}{suffix}")
            made.append(steps[:, :, -1].transpose(0, 1))
            last = steps[:, 0 if reverse else len(x) - 1]
            for row, final in zip((-1, -2), finals, strict=True):
                final.append(last[:, row] if kind == "lstm" or row == -1 else None)
        x = made[0] if len(made) == 1 else said(torch.cat(made, dim=-1), "both directions side by side", path=f"l{layer}_both")
    output = (x.transpose(0, 1) if module.batch_first else x) if batched else x.squeeze(1)
    stacked = [torch.stack(final) if batched else torch.cat(final) for final in finals[: 2 if kind == "lstm" else 1]]
    return output, (tuple(stacked) if kind == "lstm" else stacked[0])


def cell_written_out(module: nn.RNNCellBase, x: Any, states: Any = None) -> Any:
    """`nn.RNNCell`, `nn.LSTMCell` or `nn.GRUCell`: one step."""
    kind = _kind_of(module)
    if x.shape[-1] != module.input_size:
        raise MisfitError(f"it reads {module.input_size} numbers and gets {x.shape[-1]}")
    batched = x.dim() == 2
    hidden, cell = (None, None) if states is None else states if kind == "lstm" else (states, None)
    weights = (module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh)
    steps = recurrent_steps(x.reshape(1, 1, -1), hidden, cell, *weights, kind=kind)
    said(steps, TITLES[kind].replace(", step by step", ", one step"), WORDS[kind], "step")
    rows = [steps[:, 0, row] if batched else steps[0, 0, row] for row in (-1, -2)]
    return tuple(rows) if kind == "lstm" else rows[0]


WRITTEN_OUT: dict[type[nn.Module], Callable[..., Any]] = {
    **dict.fromkeys((nn.RNN, nn.LSTM, nn.GRU), layer_written_out),
    **dict.fromkeys((nn.RNNCell, nn.LSTMCell, nn.GRUCell), cell_written_out),
}
CALLS: dict[Any, Callable[..., Parts]] = {unwrap(recurrent_steps): recurrent_parts}
