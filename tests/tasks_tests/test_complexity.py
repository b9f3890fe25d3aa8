"""Counts, against arithmetic and against torch's own counter."""

from __future__ import annotations

from random import Random

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.restoration_cells.space import RestorationCells
from search_spaces.toy.space import ToySpace
from tasks.complexity import latency_ms, madds, madds_by_layer, params
from tasks.toy import ToyTask
from tasks.trainable import build_network


def test_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8, bias=False)
    )
    assert params(network) == (3 * 8 * 9 + 8) + 16 + 8 * 9
    assert madds(network, (3, 16, 16)) == 3 * 8 * 9 * 8 * 8 + 8 * 9 * 6 * 6


@pytest.mark.parametrize("seed", range(4))
def test_madds_are_half_of_what_torch_counts(seed: int) -> None:
    space = RestorationCells(nodes=2, layers=2, channels=4, in_channels=3, stem=8)
    network = build_network(space.model(space.sample(Random(seed)))["network"], 0, "cpu").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 48, 32))
    assert 2 * madds(network, (3, 48, 32)) == counter.get_total_flops()


def test_layers_count_as_often_as_they_are_run() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(3, 3, 1))
            self.unused = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(self.inner(x))

    assert madds_by_layer(Twice(), (3, 4, 4)) == {"inner.0": 2 * 9 * 16}


def test_counting_leaves_the_network_alone() -> None:
    network, image = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train(), torch.ones(1, 3, 8, 8)
    madds(network, (3, 8, 8))
    assert network.training
    assert not any(parameter.is_meta for parameter in network.parameters())
    assert network[1].num_batches_tracked == 0
    assert network(image).abs().max() < 1e-3  # normed, as all pixels are alike


def test_latency_is_a_positive_time() -> None:
    assert latency_ms(nn.Conv2d(3, 4, 1), (3, 8, 8), seconds=0.01) > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_toy_knows_its_costs(seed: int) -> None:
    task, space = ToyTask(), ToySpace(5)
    model = space.model(space.sample(Random(seed)))
    network = task.network(model)
    counted = {"params": params(network), "madds": madds(network, task.input_shape)}
    assert task.measure(model, ["params", "madds"]) == counted
    assert set(task.measure(model, ["latency_ms", "params"])) == {"latency_ms", "params"}
