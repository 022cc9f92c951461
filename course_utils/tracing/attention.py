"""Attention, written out: queries, keys and values of each head, scores, shares and the mixture (Vaswani et al. 2017)."""

import math
import operator
from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from course_utils.tracing.errors import MisfitError, UnsupportedError
from course_utils.tracing.products import factors, places
from course_utils.tracing.steps import Parts, Rows
from course_utils.tracing.written_out import constant, known, one_step, said

NOTHING_LEFT = -1e4  # exp of a score so far below the others is 0
MASK_FILLS = ("masked_fill", torch.masked_fill)
ADDITIONS = ("add", torch.add, operator.add)
Hidden = tuple[Any, ...]  # nested tuples of truth values, one for each head, row and column: what may not be seen
WORDS = {
    "queries": "What each position asks for: its row times the weights of a head, plus bias.",
    "keys": "What each position can be found by: its row times the weights of a head, plus bias.",
    "values": "What each position passes on: its row times the weights of a head, plus bias.",
    "scores": "How well the query of a position (its row) fits the key of each position (its column): {how}.",
    "shares": "exp(x - max) of each score, divided by the sum of its row: shares that add up to 1.{hidden}",
    "mixture": "For each position (row) the values of all positions, each times its share, added up.",
}


@one_step
def to_heads(x: Tensor, weight: Tensor, bias: Tensor | None, heads: int, size: int, first: int, first_bias: int) -> Tensor:
    """(1, heads, positions, features of a head) of `x`, (1, positions, features).

    Of the weight and of the bias, which may hold those of queries, keys and values, `size` rows are used from `first` on.
    """
    made = F.linear(x, weight[first : first + size], None if bias is None else bias[first_bias : first_bias + size])
    return made.reshape(1, x.shape[1], heads, size // heads).transpose(1, 2)


def to_heads_parts(x: Tensor, weight: Tensor, bias: Tensor | None, heads: int, size: int, first: int, first_bias: int) -> Parts:
    """What `to_heads` says of itself."""
    roles: dict[str, Any] = {"weight": weight if size == len(weight) else Rows(weight, first, size)}
    return "to_heads", {"channels": "head"}, roles | {"bias": None if bias is None else Rows(bias, first_bias, size)}


@one_step
def scores(queries: Tensor, keys: Tensor, scale: float | None, added: Hidden | None) -> Tensor:
    """(1, heads, positions, positions): each query times each key, over the root of their length or times a scale."""
    made = queries @ keys.transpose(-2, -1)
    made = made / math.sqrt(queries.shape[-1]) if scale is None else made * scale
    return made if added is None else made + torch.tensor(added, dtype=made.dtype)


def scores_parts(queries: Tensor, keys: Tensor, scale: float | None, added: Hidden | None) -> Parts:
    """What `scores` says of itself."""
    products = factors(places(queries), places(keys).transpose(-2, -1))
    return "scores", {"scale": scale, "added": added, "channels": "head", **products}, {}


@one_step
def masked_softmax(made: Tensor, hidden: Hidden | None) -> Tensor:
    """The softmax of each row of scores, over what is not hidden from it."""
    return (made if hidden is None else made.masked_fill(torch.tensor(hidden), -math.inf)).softmax(-1)


def masked_softmax_parts(made: Tensor, hidden: Hidden | None) -> Parts:
    """What `masked_softmax` says of itself."""
    return "row_softmax", {"hidden": hidden, "channels": "head"}, {}


def attended(queries: Any, keys: Any, values: Any, mask: Any, scale: float | None, path: str = "") -> tuple[Any, Any]:
    """The mixture and the shares, both (1, heads, ...); `mask` says what may be seen (True), or what is added to the scores."""
    heads, rows, columns = max(queries.shape[1], keys.shape[1]), queries.shape[2], keys.shape[2]
    hidden = added = None
    if mask is not None:
        mask = known(mask, "its mask")
        mask = mask if mask.dtype == torch.bool else mask.double()
        hide = ~mask if mask.dtype == torch.bool else mask == -math.inf
        if hide.any():
            hidden = _nested(hide.broadcast_to(1, heads, rows, columns)[0])
        if mask.dtype != torch.bool and mask[mask != -math.inf].any():
            added = _nested(mask.masked_fill(hide, 0).broadcast_to(1, heads, rows, columns)[0])
    how = "SUMPRODUCT of both, " + (f"divided by √{queries.shape[3]}" if scale is None else f"times {scale:g}")
    how += ", plus a number of the mask" if added else ""
    sees = " What the mask hides gets 0." if hidden else ""
    fit = said(scores(queries, keys, scale, added), "scores", WORDS["scores"].format(how=how), f"{path}scores")
    given = said(masked_softmax(fit, hidden), "softmax of the scores", WORDS["shares"].format(hidden=sees), f"{path}softmax")
    return said(torch.matmul(given, values), "mixture of the values", WORDS["mixture"], f"{path}mixture"), given


def _nested(values: Any) -> Any:
    """The numbers of a tensor as tuples in tuples, which a step of a model may be called with."""
    values = values.tolist() if isinstance(values, Tensor) else values
    return tuple(_nested(value) for value in values) if isinstance(values, list) else values


def softmax_of_masked(x: Any, dim: Any) -> Any:
    """The softmax of scores that a forward masked by hand, each row over what it may see; None where nothing was masked.

    What was masked was filled with minus infinity, or with a number so low that nothing is left of it, or had that added.
    """
    found = _unmasked(x) if dim in (-1, x.dim() - 1) else None
    if found is None:
        return None
    made, hide = found
    words = WORDS["shares"].format(hidden=" What the mask hides gets 0.")
    return said(masked_softmax(made, _nested(hide.broadcast_to(x.shape)[0])), "softmax", words)


def _unmasked(x: Any) -> tuple[Any, Tensor] | None:
    """The scores before a mask was put on them, and what it hides."""
    node = x.node
    operands = [fx.Proxy(each, x.tracer) if isinstance(each, fx.Node) else each for each in node.args]
    if (
        node.target in MASK_FILLS
        and len(operands) == 3
        and not isinstance(operands[2], fx.Proxy)
        and operands[2] <= NOTHING_LEFT
    ):
        return operands[0], known(operands[1], "its mask").bool()
    if node.target in ADDITIONS and len(operands) == 2:
        for made, mask in (operands, operands[::-1]):
            values = constant(mask)
            if (
                values is not None
                and isinstance(made, fx.Proxy)
                and ((values == 0) | (values <= NOTHING_LEFT)).all()
                and values.any()
            ):
                return made, values <= NOTHING_LEFT
    return None


def scaled_dot_product(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """`F.scaled_dot_product_attention`, of queries with or without an axis of heads."""
    if dropout_p:
        raise UnsupportedError(f"dropout_p={dropout_p:g}: its result is random; pass dropout_p=0 in eval mode")
    if enable_gqa:
        raise UnsupportedError("enable_gqa=True; repeat the keys and values for each head")
    if is_causal:
        attn_mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    axes = query.dim()
    if axes < 3:
        query, key, value = (each.unsqueeze(0) for each in (query, key, value))
    if axes < 4:
        query, key, value = (each.unsqueeze(1) for each in (query, key, value))
    made, _ = attended(query, key, value, attn_mask, scale)
    made = made if axes == 4 else made.squeeze(1)
    return made if axes > 2 else made.squeeze(0)


def multihead_written_out(
    module: nn.MultiheadAttention,
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """`nn.MultiheadAttention`: its mixture, and its shares if they are asked for."""
    if module.bias_k is not None or module.add_zero_attn:
        raise UnsupportedError(f"{'add_bias_kv' if module.bias_k is not None else 'add_zero_attn'}=True")
    if query.shape[-1] != module.embed_dim:
        raise MisfitError(f"it reads {module.embed_dim} numbers at each position and gets {query.shape[-1]}")
    batched, size, heads = query.dim() == 3, module.embed_dim, module.num_heads

    def first_axis(x: Any) -> Any:
        if not batched:
            return x.unsqueeze(0)
        return x if module.batch_first else x.transpose(0, 1)

    projected = []
    for number, (name, x) in enumerate((("queries", query), ("keys", key), ("values", value))):
        together = module._qkv_same_embed_dim  # whether one weight holds those of all three
        weight = module.in_proj_weight if together else getattr(module, f"{name[0]}_proj_weight")
        first = number * size
        made = to_heads(first_axis(x), weight, module.in_proj_bias, heads, size, first if together else 0, first)
        projected.append(said(made, name, WORDS[name], name))
    mask = _whole_mask(attn_mask, key_padding_mask)
    made, given = attended(projected[0], projected[1], projected[2], mask, None)
    side_by_side = made.transpose(1, 2).reshape(1, query.shape[-2 if module.batch_first or not batched else 0], size)
    out = module.out_proj(said(side_by_side, "heads side by side", path="side_by_side"))
    out = (out if module.batch_first else out.transpose(0, 1)) if batched else out.squeeze(0)
    if not need_weights:
        return out, None
    if average_attn_weights:
        given = given.mean(dim=1)
    return out, given if batched else given.squeeze(0)


def _whole_mask(attn_mask: Any, key_padding_mask: Any) -> Tensor | None:
    """Both masks as one that is added to the scores, (1, heads or 1, positions or 1, positions); True hides in them."""
    whole: Tensor | None = None
    for mask, what in ((attn_mask, "its attn_mask"), (key_padding_mask, "its key_padding_mask")):
        if mask is not None:
            mask = known(mask, what)
            added = torch.zeros(mask.shape).masked_fill(mask, -math.inf) if mask.dtype == torch.bool else mask
            added = (
                added.reshape(1, 1, 1, -1)
                if mask is not attn_mask and what != "its attn_mask"
                else added.reshape(1, -1, *mask.shape[-2:])
            )
            whole = added if whole is None else whole + added
    return whole


def encoder_layer_written_out(
    module: nn.TransformerEncoderLayer,
    src: Any,
    src_mask: Any = None,
    src_key_padding_mask: Any = None,
    is_causal: bool = False,
) -> Any:
    """`nn.TransformerEncoderLayer`: attention and two linear layers, each added to what it read and normed before or after."""

    def attend(x: Any) -> Any:
        options = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask, "need_weights": False}
        return module.self_attn(x, x, x, **options)[0]

    if module.norm_first:
        x = src + attend(module.norm1(src))
        return x + _feed_forward(module, module.norm2(x))
    x = module.norm1(src + attend(src))
    return module.norm2(x + _feed_forward(module, x))


def decoder_layer_written_out(
    module: nn.TransformerDecoderLayer,
    tgt: Any,
    memory: Any,
    tgt_mask: Any = None,
    memory_mask: Any = None,
    tgt_key_padding_mask: Any = None,
    memory_key_padding_mask: Any = None,
    tgt_is_causal: bool = False,
    memory_is_causal: bool = False,
) -> Any:
    """`nn.TransformerDecoderLayer`: as an encoder layer, with attention to another sequence in between."""

    def attend(x: Any) -> Any:
        options = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask, "need_weights": False}
        return module.self_attn(x, x, x, **options)[0]

    def look_up(x: Any) -> Any:
        options = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask, "need_weights": False}
        return module.multihead_attn(x, memory, memory, **options)[0]

    if module.norm_first:
        x = tgt + attend(module.norm1(tgt))
        x = x + look_up(module.norm2(x))
        return x + _feed_forward(module, module.norm3(x))
    x = module.norm1(tgt + attend(tgt))
    x = module.norm2(x + look_up(x))
    return module.norm3(x + _feed_forward(module, x))


def _feed_forward(module: Any, x: Any) -> Any:
    return module.linear2(module.activation(module.linear1(x)))


def encoder_written_out(
    module: nn.TransformerEncoder, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
) -> Any:
    """`nn.TransformerEncoder`: its layers one after the other."""
    for layer in module.layers:
        src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
    return src if module.norm is None else module.norm(src)


def decoder_written_out(
    module: nn.TransformerDecoder, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None, **options: Any
) -> Any:
    """`nn.TransformerDecoder`: its layers one after the other."""
    for layer in module.layers:
        tgt = layer(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, **options)
    return tgt if module.norm is None else module.norm(tgt)


def transformer_written_out(
    module: nn.Transformer,
    src: Any,
    tgt: Any,
    src_mask: Any = None,
    tgt_mask: Any = None,
    memory_mask: Any = None,
    src_key_padding_mask: Any = None,
    tgt_key_padding_mask: Any = None,
    memory_key_padding_mask: Any = None,
    **hints: Any,
) -> Any:
    """`nn.Transformer`: an encoder, and a decoder that reads what it gives."""
    memory = module.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask)
    masks = {"tgt_mask": tgt_mask, "memory_mask": memory_mask}
    padding = {"tgt_key_padding_mask": tgt_key_padding_mask, "memory_key_padding_mask": memory_key_padding_mask}
    return module.decoder(tgt, memory, **masks, **padding)


WRITTEN_OUT: dict[type[nn.Module], Callable[..., Any]] = {
    nn.MultiheadAttention: multihead_written_out,
    nn.TransformerEncoderLayer: encoder_layer_written_out,
    nn.TransformerEncoder: encoder_written_out,
    nn.TransformerDecoderLayer: decoder_layer_written_out,
    nn.TransformerDecoder: decoder_written_out,
    nn.Transformer: transformer_written_out,
}
WRITTEN_OUT_CALLS: dict[Any, Callable[..., Any]] = {F.scaled_dot_product_attention: scaled_dot_product}
CALLS: dict[Any, Callable[..., Parts]] = {
    unwrap(to_heads): to_heads_parts,
    unwrap(scores): scores_parts,
    unwrap(masked_softmax): masked_softmax_parts,
}
