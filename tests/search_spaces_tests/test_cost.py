"""Counts, against arithmetic and against torch's own counter."""

from __future__ import annotations

from random import Random

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.cost import latency_ms, madds, params
from search_spaces.decoder_cells import DecoderCells


def test_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8, bias=False)
    )
    assert params(network) == (3 * 8 * 9 + 8) + 16 + 8 * 9
    assert madds(network, (3, 16, 16)) == 3 * 8 * 9 * 8 * 8 + 8 * 9 * 6 * 6


@pytest.mark.parametrize("seed", range(4))
def test_madds_are_half_of_what_torch_counts(seed: int) -> None:
    space = DecoderCells(16, 1, aux=None)
    head = space.model(space.sample(Random(seed)))["decode_head"]
    network = MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=dict(type="MobileNetV2", widen_factor=0.25, out_indices=(1, 2, 4, 6)),
            decode_head={**head, "in_channels": (8, 8, 24, 80), "num_classes": 3},
        )
    )
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 96, 64))
    assert 2 * madds(network, (3, 96, 64)) == counter.get_total_flops()


def test_counting_leaves_the_network_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    madds(network, (3, 8, 8))
    assert network.training
    assert not any(parameter.is_meta for parameter in network.parameters())
    assert network[1].num_batches_tracked == 0


def test_latency_is_a_positive_time() -> None:
    assert latency_ms(nn.Conv2d(3, 4, 1), (3, 8, 8), seconds=0.01) > 0
