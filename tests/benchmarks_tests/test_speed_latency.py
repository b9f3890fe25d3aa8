"""The sum of layers' times beside the time of the whole: equal where it must be, and refused where layers do not recur."""

from __future__ import annotations

from itertools import count, pairwise
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.speed import latency
from tasks.latency import layers


class Chain:
    """Convolutions in a row, of these widths."""

    input_shape = (3, 8, 8)

    def sample(self, rng: Random) -> list[int]:
        return rng.choices((4, 8, 16), k=3)

    def model(self, arch: list[int]) -> list[int]:
        return arch

    def network(self, widths: list[int]) -> nn.Module:
        return nn.Sequential(*(nn.Conv2d(before, after, 3) for before, after in pairwise([3, *widths])))


def weights(module: nn.Module) -> float:
    return float(sum(one.numel() for one in module.parameters()))


def test_layers_that_take_their_weights_sum_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is slower with each pass."""
    chain: Any = Chain()
    passes = count(1)

    def layer_times(network: nn.Module, image: torch.Tensor) -> list[float]:
        order: list[nn.Module] = []
        hooks = [layer.register_forward_hook(lambda layer, *_: order.append(layer)) for layer in layers(network)]
        network(image)
        for hook in hooks:
            hook.remove()
        slow = next(passes)
        return [*(slow * weights(layer) for layer in order), 0.0]

    monkeypatch.setattr(latency, "layer_times", layer_times)
    monkeypatch.setattr(latency, "pass_time", lambda network, image: next(passes) * weights(network))
    row = latency.latency(chain, chain, 20, rounds=2)
    assert row["networks"] == row["within 10 %"] == 20
    assert row["kinds of layers"] > 10
    assert (row["mean"], row["least"], row["most"]) == pytest.approx((1, 1, 1), rel=0.01)
    monkeypatch.setattr(latency, "layer_times", lambda *seen: [one / 2 for one in layer_times(*seen)])
    row = latency.latency(chain, chain, 20, rounds=1)
    assert row["within 10 %"] == 0
    assert (row["mean"], row["least"], row["most"]) == pytest.approx((0.5, 0.5, 0.5), rel=0.01)


def test_networks_are_drawn_until_every_layer_is_there() -> None:
    drawn = iter([["a"], ["a", "x"], ["b", "a"], ["c"]])
    assert [names for _, names in latency.covering(lambda: (nn.Identity(), next(drawn)), {"a", "b"}, 4)] == [
        ["a"],
        ["b", "a"],
    ]
    with pytest.raises(ValueError, match="1 of 2 kinds of layers are in none of 20 other networks"):
        latency.covering(lambda: (nn.Identity(), ["a"]), {"a", "b"}, 20)
