"""Following a forward by its shapes and without its numbers: it may loop over shapes and decide by them, not by values."""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from course_utils.tracing.attention import softmax_of_masked
from course_utils.tracing.composed import SOFTMAXES, WRITTEN_OUT, WRITTEN_OUT_CALLS
from course_utils.tracing.errors import MisfitError, TraceError, UnsupportedError

KNOWN = ("shape", "size", "dim", "ndim", "numel", "dtype", "device", "is_floating_point")  # of a tensor without its numbers
FILLERS = {  # give the same numbers whatever those of the tensor are
    *("new_zeros", "new_ones", "new_full", "new_tensor"),
    *(torch.zeros_like, torch.ones_like, torch.full_like),
}
UNKNOWN = object()  # what a node gives where it could not be run


class ShapeTracer(fx.Tracer):
    """fx's tracer, which also runs each node on an example, so that a model may ask for the shape of anything.

    A module of `WRITTEN_OUT` is replaced by the function there, in which it is written with simpler layers.

    >>> class Halves(nn.Module):
    ...     def forward(self, x):
    ...         return sum(part * part for part in x.split(x.shape[1] // 2, dim=1))
    >>> [node.op for node in ShapeTracer({"x": torch.zeros(1, 4)}).trace(Halves()).nodes][:4]
    ['placeholder', 'call_method', 'call_function', 'call_function']
    """

    def __init__(self, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._inputs = inputs
        self._examples: dict[fx.Node, Any] = {}
        self._running = False  # an example, and not the model that is followed
        self._inside: list[str] = []  # the paths of the modules that are written out

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list[Any]]:
        """What the model is called with: a node for each input; arguments that were not given keep their defaults."""
        proxies = [self.create_proxy("placeholder", name, (), {}) for name in self._inputs]
        if len(proxies) == 1:
            return root_fn, [self.root, *proxies]
        return lambda root, *given: root_fn(root, **dict(zip(self._inputs, given, strict=True))), [self.root, *proxies]

    def example(self, node: fx.Node) -> Any:
        """What a node gave on the example."""
        return self._examples.get(node, UNKNOWN)

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """What stands for the result of a node while the model is followed."""
        return ShapeProxy(node, self)

    def create_node(self, kind: str, target: Any, *args: Any, **kwargs: Any) -> fx.Node:
        """A node of the graph, and its example."""
        node = super().create_node(kind, target, *args, **kwargs)
        if self._inside:
            node.meta["inside"] = self._inside[-1]
        try:
            self._running = True
            with torch.no_grad():
                self._examples[node] = self._run(node)
        except Exception:  # whatever a layer raises about an input that does not fit: it is told when the model runs
            self._examples[node] = UNKNOWN
        finally:
            self._running = False
        return node

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *options: Any, **others: Any) -> Any:
        """What stands for a call; a function that is written out is called with what stands for its arguments."""
        if kind.startswith("call_") and target in FILLERS and not self._running and isinstance(args[0], ShapeProxy):
            example = self.example(args[0].node)
            if isinstance(example, Tensor):
                return (getattr(Tensor, target) if kind == "call_method" else target)(example, *args[1:], **kwargs)
        if kind.startswith("call_") and target in (*SOFTMAXES, *WRITTEN_OUT_CALLS) and not self._running:
            try:
                if target in WRITTEN_OUT_CALLS:
                    return WRITTEN_OUT_CALLS[target](*args, **kwargs)
                made = softmax_of_masked(args[0], kwargs.get("dim", args[1] if len(args) > 1 else None))
            except UnsupportedError as problem:
                raise UnsupportedError(f"{getattr(target, '__name__', target)}: {problem}") from None
            if made is not None:
                return made
        return super().create_proxy(kind, target, args, kwargs, *options, **others)

    def _run(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self._inputs[str(node.target)]
        if node.op == "get_attr":
            return attribute(self.root, str(node.target))
        if node.op == "output":
            return None
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), self._copied)
        if node.op == "call_module":
            return self.root.get_submodule(str(node.target))(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    def _copied(self, node: fx.Node) -> Any:
        """The example of a node; a copy, because a layer may work in place."""
        value = self._examples[node]
        if value is UNKNOWN:
            raise ValueError(f"{node} has no example")
        return value.clone() if isinstance(value, Tensor) else value

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """One layer as one node, or what it is written out as."""
        if self._running:
            return forward(*args, **kwargs)
        if type(m) is nn.Softmax and (made := softmax_of_masked(args[0], m.dim)) is not None:
            return made
        if type(m) in WRITTEN_OUT:
            path = self.path_of_module(m)
            self._inside.append(path)
            try:
                return WRITTEN_OUT[type(m)](m, *args, **kwargs)
            except UnsupportedError as problem:
                raise UnsupportedError(f"{path.removeprefix('layer.')} ({type(m).__name__}): {problem}") from None
            except MisfitError as problem:
                raise TraceError(
                    f"its layer {path.removeprefix('layer.')} ({type(m).__name__}) does not fit: {problem}"
                ) from None
            finally:
                self._inside.pop()
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """A weight that the model uses by hand is a node of its own."""
        return attr_val if self._running else super().getattr(attr, attr_val, parameter_proxy_cache)


class ShapeProxy(fx.Proxy):
    """Stands for a tensor whose shape is known, and whose numbers are not."""

    def __getattr__(self, k: str) -> Any:
        example = self.tracer.example(self.node)  # type: ignore[attr-defined]
        if isinstance(example, Tensor) and k in KNOWN:
            return getattr(example, k)
        return super().__getattr__(k)

    def __len__(self) -> int:
        example = self.tracer.example(self.node)  # type: ignore[attr-defined]
        return len(example) if isinstance(example, (Tensor, tuple, list)) else super().__len__()

    def __iter__(self) -> Iterator[fx.Proxy]:
        example = self.tracer.example(self.node)  # type: ignore[attr-defined]
        if isinstance(example, (Tensor, tuple, list)):
            return iter([operator.getitem(self, number) for number in range(len(example))])
        return super().__iter__()


def attribute(module: nn.Module, path: str) -> Any:
    """What stands at a dotted path in a module.

    >>> attribute(nn.Sequential(nn.Linear(2, 1)), "0.bias").shape
    torch.Size([1])
    """
    found: Any = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
