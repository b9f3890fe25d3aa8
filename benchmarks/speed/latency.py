"""How well the sum of what layers take tells what a network takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from random import Random
from statistics import mean, median
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces import SearchSpace
from tasks.latency import layer_names, layer_times
from tasks.trainable import Trainable

Named = tuple[nn.Module, list[str]]  # a network, and what its layers are called

WITHIN = 0.1
DRAWS = 20  # networks to find the layers in, for each that is told


@torch.no_grad()
def latency(task: Trainable, space: SearchSpace, count: int, rounds: int) -> dict[str, Any]:
    """The times of `count` random networks as the sum over their layers, over their times as a whole: what these ratios are.

    Layers are timed as `tasks.latency.LatencyTable` does, in other random networks, as many as it takes to have them all. The
    passes of all networks go in turns, `rounds` times, each between two of one known network, whose time is the unit: others
    that keep the processor busy so slow all of them alike. Every time is the median of its rounds.

    Raises ValueError where the layers are not found again, as in a space that seldom builds one twice.
    """
    rng, image = Random(0), torch.zeros(1, *task.input_shape)

    def drawn() -> tuple[nn.Module, list[str]]:
        network = task.network(space.model(space.sample(rng)))
        return network, layer_names(network, image)

    told = [drawn() for _ in range(count)]
    wanted = {name for _, names in told for name in names}
    tables = covering(drawn, wanted, DRAWS * count)
    unit, _ = drawn()
    wholes, layers = defaultdict[int, list[float]](list), defaultdict[str, list[float]](list)
    before = pass_time(unit, image)
    for _ in range(rounds):
        for place, (network, names) in enumerate(told + tables):
            if place < count:
                taken = [(wholes[place], pass_time(network, image))]
            else:
                taken = [(layers[name], one) for name, one in zip(names, layer_times(network, image), strict=True)]
            after = pass_time(unit, image)
            for times, one in taken:
                times.append(2 * one / (before + after))
            before = after
    ratios = [sum(median(layers[name]) for name in names) / median(wholes[at]) for at, (_, names) in enumerate(told)]
    within = sum(abs(ratio - 1) <= WITHIN for ratio in ratios)
    counts = {"networks": count, "kinds of layers": len(wanted), "timed in": len(tables), "within 10 %": within}
    return {**counts, "mean": mean(ratios), "least": min(ratios), "most": max(ratios)}


def pass_time(network: nn.Module, image: Tensor) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    network(image)
    return 1000 * (time.perf_counter() - started)


def covering(drawn: Callable[[], Named], wanted: set[str], most: int) -> list[Named]:
    """Of `most` networks those, in their order, that have layers in `wanted` which none before them has."""
    found, missing = list[Named](), set(wanted)
    for _ in range(most):
        network, names = drawn()
        if missing & set(names):
            found.append((network, names))
            missing -= set(names)
        if not missing:
            return found
    raise ValueError(
        f"{len(missing)} of {len(wanted)} kinds of layers are in none of {most} other networks: this space seldom repeats one"
    )
