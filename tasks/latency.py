"""How long networks take, told by what their layers take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import BaseTorchFunctionMode, TorchFunctionMode
from torch.utils._pytree import tree_leaves

Note = Callable[[Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Any], None]


def layers(network: nn.Module) -> list[nn.Module]:
    """The modules that hold no others."""
    return [module for module in network.modules() if not list(module.children())]


def name_of(step: Callable[..., Any]) -> str:
    return f"{type(step).__name__}({step.extra_repr()})" if isinstance(step, nn.Module) else step.__name__


class Steps(TorchFunctionMode):
    """Calls `note` for all that a network does while this lasts: its layers, and the functions between them.

    It is told the layer or the function, what went in, and what came out.
    """

    def __init__(self, network: nn.Module, note: Note):
        super().__init__()
        self._note, self._inside = note, False
        self._hooks = [layer.register_forward_pre_hook(self._enter) for layer in layers(network)]
        self._hooks += [layer.register_forward_hook(self._leave) for layer in layers(network)]

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        for hook in self._hooks:
            hook.remove()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if not self._inside and isinstance(made, Tensor):
            self._note(func, args, kwargs or {}, made)
        return made

    def _enter(self, layer: nn.Module, inputs: Any) -> None:
        self._inside = True

    def _leave(self, layer: nn.Module, inputs: Any, output: Any) -> None:
        with BaseTorchFunctionMode():
            self._note(layer, inputs, {}, output)
        self._inside = False


class LatencyTable:
    """Milliseconds of layers on this processor, each measured once, in the first network that has it.

    A layer is its settings, the sizes of what goes in, and the functions between the layer before it and itself, whose time
    it has as well: so all that a network does is in a layer, and the sum over layers is the whole. Times are the least of
    `rounds` passes. Where most of a network is known, and takes longer than it did, as others keep the processor busier now,
    what is new is divided by as much.

    Error: on one thread, 20 random networks of `MBConv` in each of five benchmarks took what the sums told to within 10 %,
    3 % less to 5 % more in the mean, where layers and networks are timed in turns (`measure_speed.py latency`). Milliseconds of
    this table are of one moment: others differ from them by as much as the machine's speed does.
    """

    def __init__(self, rounds: int = 20):
        if rounds < 1:
            raise ValueError(f"rounds must be at least 1, not {rounds}")
        self.rounds = rounds
        self.known: dict[str, float] = {}

    def __call__(self, network: nn.Module, shape: tuple[int, int, int]) -> float:
        """The milliseconds of one image of `shape` = (channels, height, width). Nothing is timed where all layers are known.

        Raises ValueError for a network that is not on a CPU: a GPU's layers run while the next ones are prepared.
        """
        if any(weight.device.type != "cpu" for weight in network.parameters()):
            raise ValueError("layers are timed on a CPU only: set device to cpu, or read latency_ms")
        image = torch.zeros(1, *shape)
        with torch.no_grad():
            names = layer_names(network, image)
            if not self.known.keys() >= set(names):
                self._measure(network, image, names)
        return sum(self.known[name] for name in names)

    def _measure(self, network: nn.Module, image: Tensor, names: list[str]) -> None:
        network(image)  # the first pass makes ready
        passes = [layer_times(network, image) for _ in range(self.rounds)]
        times = [min(seen) for seen in zip(*passes, strict=True)]
        old = [(self.known[name], now) for name, now in zip(names, times, strict=True) if name in self.known]
        before, now = (sum(column) for column in zip((0.0, 0.0), *old, strict=True))
        slower = now / before if 2 * now > sum(times) else 1.0
        found: dict[str, list[float]] = defaultdict(list)
        for name, seen in zip(names, times, strict=True):
            found[name].append(seen / slower)
        for name, places in found.items():
            self.known.setdefault(name, sum(places) / len(places))


def layer_names(network: nn.Module, image: Tensor) -> list[str]:
    """What tells a network's layers apart, in the order in which they are run; the last is what comes behind them all."""
    names, between = list[str](), [f"{torch.get_num_threads()} threads"]

    def note(step: Callable[..., Any], args: Any, kwargs: Mapping[str, Any], made: Any) -> None:
        sizes = [tuple(one.shape) if isinstance(one, Tensor) else one for one in tree_leaves((args, dict(kwargs)))]
        between.append(f"{name_of(step)} of {sizes}")
        if isinstance(step, nn.Module):
            names.append("; ".join(between))
            del between[1:]

    with Steps(network, note):
        network(image)
    return [*names, "; ".join(between)]


def layer_times(network: nn.Module, image: Tensor) -> list[float]:
    """The milliseconds of each layer in a pass."""
    with _marks(network) as marks:
        start = time.perf_counter()
        network(image)
        end = time.perf_counter()
    return [1000 * (after - before) for before, after in pairwise([start, *marks, end])]


@contextmanager
def _marks(network: nn.Module) -> Iterator[list[float]]:
    """The moments at which layers are done while it lasts."""
    marks = list[float]()
    hooks = [layer.register_forward_hook(lambda *_: marks.append(time.perf_counter())) for layer in layers(network)]
    try:
        yield marks
    finally:
        for hook in hooks:
            hook.remove()
