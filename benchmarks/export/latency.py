"""How long a network takes for an image, where it is used."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.records.provenance import device_name
from tasks.latency import Steps, name_of

ROUNDS, WARM = 5, 3
SECONDS = 0.3  # of a round
PAUSE = 0.1  # between rounds, in which a processor cools down


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a call: the median, the 25th and the 75th percentile of all.

    `throttled` says how much slower the last round was than the first; far above 1, the machine was hot or busy.
    """

    median: float
    low: float
    high: float
    calls: int
    threads: int
    throttled: float


@dataclass(frozen=True)
class Operation:
    """A layer, or a function between layers, with a first input of this size: how often, and the milliseconds of one."""

    operation: str
    input: str
    count: int
    ms: float


@dataclass(frozen=True)
class Measured:
    """A network's latency by engine, and its operations, slowest first.

    `estimate` is the sum of these in milliseconds, `error` by how much that is more than the whole takes on torch.
    """

    size: tuple[int, int]
    device: str
    whole: dict[str, Latency]
    operations: list[Operation]
    estimate: float
    error: float


def latency(call: Callable[[], object], seconds: float = SECONDS) -> Latency:
    """After a warm-up, rounds of so many seconds with pauses between them."""
    for _ in range(WARM):
        call()
    rounds: list[list[float]] = []
    for _ in range(ROUNDS):
        time.sleep(min(PAUSE, seconds))
        end, times = time.perf_counter() + seconds, []
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - start))
        rounds.append(times)
    every = [one for times in rounds for one in times]
    low, median, high = statistics.quantiles(every, n=4, method="inclusive")
    first, *_, last = (statistics.median(times) for times in rounds)
    return Latency(median, low, high, len(every), torch.get_num_threads(), last / first)


@torch.no_grad()
def measured(folder: Path, size: str | None = None, threads: int | None = None) -> Measured:
    """Of the network in a folder that `export` wrote. Raises ValueError where it cannot be used, or takes no such size."""
    from benchmarks.export.onnx import OnnxNetwork
    from benchmarks.export.predictor import Predictor, plain_network

    channels, *own = Predictor(folder).usage.input
    height, width = own if size is None else _size(size)
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads must be at least 1, not {threads}")
        torch.set_num_threads(threads)
    network, image = plain_network(folder), torch.rand(1, channels, height, width)
    whole = {"torch": latency(lambda: network(image))}
    if (folder / "network.onnx").is_file():
        runtime, array = OnnxNetwork(folder / "network.onnx", torch.get_num_threads()), image.numpy()
        whole["onnxruntime"] = latency(lambda: runtime(array))
    operations = _operations(network, image)
    estimate = sum(one.count * one.ms for one in operations)
    return Measured(
        (height, width), device_name("cpu"), whole, operations, estimate, estimate / whole["torch"].median - 1
    )


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not width.isdecimal() or not height.isdecimal() or not int(width) * int(height):
        raise ValueError(f"--size {text}: write it as WIDTHxHEIGHT")
    return int(height), int(width)


def _operations(network: nn.Module, image: Tensor) -> list[Operation]:
    """The steps of a network, equal ones together, each timed by itself."""
    found: dict[tuple[str, str], tuple[Callable[[], object], int]] = {}

    def note(step: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], made: Any) -> None:
        first = next((one for one in tree_leaves(args) if isinstance(one, Tensor)), made)
        given = (args[0].clone(),) if isinstance(step, nn.Module) else args  # a layer may have changed its input
        key = name_of(step), str(tuple(first.shape))
        found[key] = partial(step, *given, **kwargs), found.get(key, (None, 0))[1] + 1

    with Steps(network, note):
        network(image)
    timed = [
        Operation(name, size, count, latency(call, SECONDS / 20).median)
        for (name, size), (call, count) in found.items()
    ]
    return sorted(timed, key=lambda one: -one.count * one.ms)
