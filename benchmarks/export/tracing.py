"""What a network computes, as a graph of torch's own layers and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn

SAME = ("mmcv.cnn.bricks.wrappers", "tasks.convolutions")  # their layers compute what torch's of the same name do
FIXED = (
    "device",
    "dtype",
    "is_cuda",
    "is_meta",
    "ndim",
)  # what of a tensor is asked for to decide, not to compute with


def traced(network: nn.Module, example: Tensor) -> fx.Graph:
    """The graph of a network in eval mode, sizes of maps as expressions of the input's.

    Layers of torch.nn are its steps, everything around them is gone through. Python's own decisions (loops, what is done with
    maps of one size) are those that `example` (N, C, H, W) leads to. Every node has the value that it had as "value" in its
    `meta`. Raises ValueError where the network cannot be followed.
    """
    tracer = Tracer(example)
    try:
        with torch.no_grad():
            graph = tracer.trace(network)
    except Exception as error:  # any library's module may be in it, and fails as it likes
        raise ValueError(f"the network cannot be written as a plain file ({type(error).__name__}: {error})") from error
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output") or str(node.target).endswith("_"))
    for node in list(graph.nodes):
        if node.op == "call_module" and type(network.get_submodule(str(node.target))) is nn.Identity:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    return graph


def layer(module: nn.Module) -> type[nn.Module] | None:
    """The class of torch.nn that a layer is of; None for what is made of several."""
    for cls in type(module).__mro__:
        if cls.__module__.startswith("torch.nn.modules") and cls.__module__ != "torch.nn.modules.container":
            return None if cls is nn.Module else cls
        if cls.__module__ not in SAME:
            return None
    return None


class Traced(fx.Proxy):
    """A value on its way through the network, which knows what it is for the example."""

    def __len__(self) -> int:
        return len(value_of(self))

    def __getattr__(self, name: str) -> Any:
        return getattr(value_of(self), name) if name in FIXED else super().__getattr__(name)


class Tracer(fx.Tracer):
    """Computes the example's values while it writes down what is computed."""

    proxy_buffer_attributes = True

    def __init__(self, example: Tensor):
        super().__init__()
        self.example, self._computing = example, False

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return layer(m) is not None

    def create_node(self, kind: str, *others: Any, **more: Any) -> fx.Node:
        node = super().create_node(kind, *others, **more)
        if kind != "output":
            node.meta["value"] = self._compute(node)
        return node

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return Traced(node, self)

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(value_of(obj))

    def iter(self, obj: Any) -> Iterator[Any]:
        return iter([obj[place] for place in range(len(value_of(obj)))])

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._computing else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        known = (
            m in self.submodule_paths if self.submodule_paths else True
        )  # a part of a sequence, cut out on the way, is not
        if self._computing or not known:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def _compute(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self.example
        known = lambda other: other.meta["value"]  # noqa: E731
        args, kwargs = fx.map_arg(node.args, known), fx.map_arg(node.kwargs, known)
        self._computing = True
        try:
            if node.op == "call_function":
                return node.target(*args, **kwargs)  # type: ignore[operator]
            if node.op == "call_method":
                return getattr(args[0], str(node.target))(*args[1:], **kwargs)
            path, _, name = str(node.target).rpartition(".")
            found = getattr(self.root.get_submodule(path), name)
            return found(*args, **kwargs) if node.op == "call_module" else found
        finally:
            self._computing = False


def value_of(proxy: fx.Proxy) -> Any:
    return proxy.node.meta["value"]
