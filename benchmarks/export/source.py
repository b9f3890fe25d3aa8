"""A traced network as one Python file that needs torch alone."""

from __future__ import annotations

import ast
import inspect
import itertools
import operator
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import _get_qualified_name

from benchmarks.export.tracing import layer

INFIX = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.matmul: "@",
    operator.pow: "**",
}
INFIX |= {getattr(operator, f"i{name}"): sign for name, sign in (("add", "+"), ("sub", "-"), ("mul", "*"))}
SHORT = {"torch.nn.functional.": "F.", "torch._C._nn.": "F."}
Chain = tuple[str, ...]


class Source:
    """The text of a class `Network`, and `weights`, its tensors by name.

    Layers that follow one another are one `nn.Sequential`, named after what is common to their names in the traced network.
    Variables are used again as soon as nothing needs what was in them, so that memory is freed as in any hand-written network.
    """

    def __init__(self, network: nn.Module, graph: fx.Graph):
        self.network, self.graph = network, graph
        self.weights: dict[str, Tensor] = {}
        self.members: list[str] = []  # the lines of __init__
        self.steps: list[str] = []  # and of forward
        self.said: dict[fx.Node, str] = {}  # how the text calls a value
        self.names: dict[Chain, str] = {}
        self._write()

    def text(self, docstring: str) -> str:
        members = "\n".join(f"        {line}" for line in self.members)
        steps = "\n".join(f"        {line}" for line in self.steps)
        return (
            f'"""{docstring}"""\n\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n'
            f"class Network(nn.Module):\n    def __init__(self):\n        super().__init__()\n{members}\n\n"
            f"    def forward(self, image):\n{steps}\n"
        )

    def _write(self) -> None:
        chains = self._chains()
        ends = {chain[-1]: chain for chain in chains}
        inner = {node for chain in chains for node in chain[:-1]}
        last = {node: self._last_use(node) for node in self.graph.nodes}
        free: list[str] = []
        new = (f"x{number}" for number in itertools.count())
        for place, node in enumerate(self.graph.nodes):
            if node in inner:
                continue
            if node.op == "output":
                self.steps.append(f"return {self._told(node.args[0])}")
            elif node.op == "placeholder":
                self.said[node] = "image"
            elif node.op == "get_attr":
                self.said[node] = f"self.{self._tensor(str(node.target))}"
            else:
                what = self._call(ends[node]) if node in ends else self._expression(node)
                free += [
                    name
                    for other, name in list(self.said.items())
                    if last[other] == place and re.fullmatch(r"x\d+", name) and name not in free
                ]
                if _inline(node):
                    self.said[node] = what
                    continue
                self.said[node] = free.pop(0) if free else next(new)
                self.steps.append(f"{self.said[node]} = {what}")

    def _chains(self) -> list[list[fx.Node]]:
        """Layers that only the next one reads, which are always called together."""
        chains: list[list[fx.Node]] = []
        for node in self.graph.nodes:
            if node.op != "call_module":
                continue
            before = node.args[0]
            joins = chains and chains[-1][-1] is before and len(before.users) == 1
            chains = [*chains[:-1], [*chains[-1], node]] if joins else [*chains, [node]]
        known: dict[str, set[Chain]] = {}
        for chain in chains:
            for node in chain:
                known.setdefault(str(node.target), set()).add(_targets(chain))
        apart = [chain for chain in chains if any(len(known[target]) > 1 for target in _targets(chain))]
        return [chain for chain in chains if chain not in apart] + [[node] for chain in apart for node in chain]

    def _last_use(self, node: fx.Node) -> int:
        """The place of the last node that reads a value, itself or through expressions of it."""
        places = {other: place for place, other in enumerate(self.graph.nodes)}

        def ends(one: fx.Node) -> int:
            return max((ends(user) if _inline(user) else places[user] for user in one.users), default=places[one])

        return ends(node)

    def _call(self, chain: list[fx.Node]) -> str:
        targets = _targets(chain)
        if targets not in self.names:
            name = self.names[targets] = self._free_name(_common(targets))
            modules = [self.network.get_submodule(target) for target in targets]
            layers = [_constructor(module) for module in modules]
            self.members += [f"self.{name} = {layers[0]}"] if len(layers) == 1 else _sequence(name, layers)
            for place, module in enumerate(modules):
                inside = f"{name}." if len(modules) == 1 else f"{name}.{place}."
                self.weights |= {inside + tensor: value for tensor, value in module.state_dict().items()}
        return f"self.{self.names[targets]}({self._told(chain[0].args[0])})"

    def _tensor(self, target: str) -> str:
        key = (target,)
        if key not in self.names:
            path, _, last = target.rpartition(".")
            value = getattr(self.network.get_submodule(path), last)
            name = self.names[key] = self._free_name(target)
            empty = f"torch.empty({tuple(value.shape)}{'' if value.is_floating_point() else f', dtype={value.dtype}'})"
            kind = f"nn.Parameter({empty})" if isinstance(value, nn.Parameter) else f"nn.Buffer({empty})"
            self.members.append(f"self.{name} = {kind}")
            self.weights[name] = value.detach()
        return self.names[key]

    def _free_name(self, wanted: str) -> str:
        name = wanted.removeprefix("network.").replace(".", "_")
        name = name if name.isidentifier() else f"layer_{name}"
        taken = {*self.names.values(), *dir(nn.Module())}
        return next(
            one
            for one in itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
            if one not in taken
        )

    def _expression(self, node: fx.Node) -> str:
        target: Any = node.target
        if target in (getattr, operator.getitem):
            whole, part = node.args
            return self._told(whole) + (f".{part}" if target is getattr else f"[{self._index(part)}]")
        args = [self._told(arg) for arg in node.args]
        if node.op == "call_function":
            if target is operator.neg:
                return f"(-{args[0]})"
            if target in INFIX:
                whole = f"{args[0]} {INFIX[target]} {args[1]}"
                return f"({whole})" if _inline(node) else whole
            called = _get_qualified_name(target)
            for long, short in SHORT.items():
                called = called.replace(long, short)
        else:
            called = f"{args.pop(0)}.{target}"
        named = [
            f"{name}={self._told(one)}" for name, one in node.kwargs.items() if not _said_anyway(target, name, one)
        ]
        return f"{called}({', '.join([*args, *named])})"

    def _told(self, value: Any) -> str:
        """A value as Python writes it. Raises ValueError for what has no text."""
        if isinstance(value, fx.Node):
            return self.said[value]
        if isinstance(value, tuple | list):
            if whole := _all_of(value):
                return self._told(whole)
            inside = [self._told(one) for one in value]
            comma = "," if len(inside) == 1 and isinstance(value, tuple) else ""
            return f"[{', '.join(inside)}]" if isinstance(value, list) else f"({', '.join(inside)}{comma})"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name!r}: {self._told(one)}" for name, one in value.items()) + "}"
        if isinstance(value, slice):
            return f"slice({', '.join(self._told(one) for one in (value.start, value.stop, value.step))})"
        if value is None or isinstance(value, bool | int | float | str | torch.dtype | torch.memory_format):
            return repr(value)
        raise ValueError(f"the network cannot be written as a plain file: it holds {value!r} of {type(value).__name__}")

    def _index(self, value: Any) -> str:
        if isinstance(value, tuple):
            return ", ".join(map(self._index, value))
        if value is Ellipsis:
            return "..."
        if isinstance(value, slice):
            parts = ["" if one is None else self._told(one) for one in (value.start, value.stop, value.step)]
            return ":".join(parts if parts[2] else parts[:2])
        return self._told(value)


def _inline(node: fx.Node) -> bool:
    """Is it a size, a number or a part of them, which is written where it is read?"""
    return node.op in ("call_function", "call_method") and not any(isinstance(x, Tensor) for x in _flat(node))


def _all_of(items: tuple[Any, ...] | list[Any]) -> fx.Node | None:
    """The value whose items these are, one after the other, all of them."""
    parts = [one.args for one in items if isinstance(one, fx.Node) and one.target is operator.getitem]
    if len(parts) < len(items) or not parts or any(part != (parts[0][0], at) for at, part in enumerate(parts)):
        return None
    whole: Any = parts[0][0]
    return whole if len(whole.meta["value"]) == len(items) else None


def _said_anyway(function: Any, name: str, value: Any) -> bool:
    """Is this a function's default for an argument?"""
    try:
        known = inspect.signature(function).parameters[name].default
    except (ValueError, KeyError, TypeError):  # written in C, or a method
        return False
    return not isinstance(value, fx.Node) and value == known and type(value) is type(known)


def _flat(node: fx.Node) -> Iterator[Any]:
    value = node.meta["value"]
    yield from value if isinstance(value, tuple | list) else [value]


def _constructor(module: nn.Module) -> str:
    """The call that makes a layer of torch.nn like this one, without what is the default."""
    cls: Any = layer(module)
    call: Any = ast.parse(f"nn.{cls.__name__}({module.extra_repr()})", mode="eval").body
    known = inspect.signature(cls).parameters
    told = {*list(known)[: len(call.args)], *(one.arg for one in call.keywords)}
    for name in known:  # of an AvgPool2d, say, `extra_repr` tells half
        if name not in told and isinstance(value := getattr(module, name, None), bool | int | float):
            call.keywords.append(ast.keyword(name, ast.Constant(value)))
    call.keywords = [
        one for one in call.keywords if not _is_default(ast.literal_eval(one.value), known[one.arg].default)
    ]
    return ast.unparse(call)


def _is_default(value: Any, default: Any) -> bool:
    return value == default or (isinstance(value, tuple) and not isinstance(default, tuple) and set(value) == {default})


def _targets(chain: list[fx.Node]) -> Chain:
    return tuple(str(node.target) for node in chain)


def _common(targets: Chain) -> str:
    """The part of the names of layers that they share; the first one's where it is none."""
    parts = zip(*(target.split(".") for target in targets), strict=False)
    shared = itertools.takewhile(lambda names: len(set(names)) == 1, parts)
    return ".".join(names[0] for names in shared) or targets[0]


def _sequence(name: str, layers: list[str]) -> list[str]:
    return [f"self.{name} = nn.Sequential(", *(f"    {one}," for one in layers), ")"]
