"""The head of NAS-FCOS: its size, its operations, how levels share it, and when two spellings are one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from scrambled import carry, noise, same, scramble
from torch import Tensor

from search_spaces.head_cells.network import STYLE
from search_spaces.head_cells.space import HeadCells
from search_spaces.ops import operation
from tasks.complexity import params

WIDTH, LEVELS = 8, 5
PUBLISHED_OPS = ["deform", "conv3", "deform", "conv1", "skip", "skip"]
OPS = ["conv1", "conv3", "sep3", "skip", "sep3_dil3", "deform"]


def calm(module: Any) -> Any:
    """A scrambled head whose distances are positive and, though they are exponentials, small."""
    scramble(module).conv_reg.weight.data /= 50
    for scale in module.scales:
        scale.scale.data.abs_()
    return module


def head(ops: Sequence[str], split: int, channels: int = WIDTH, **settings: Any) -> Any:
    config = dict(type="densebench.CellFCOSHead", in_channels=channels, feat_channels=channels, num_classes=3)
    return MODELS.build(dict(**config, ops=ops, split=split, strides=[8, 16, 32, 64, 128], **settings))


def levels(channels: int = WIDTH, size: int = 64, batch: int = 2) -> list[Tensor]:
    return [noise(batch, channels, -(-size // 2**k), -(-size // 2**k)) for k in range(LEVELS)]


def test_size() -> None:
    assert HeadCells().size == 326_592


@torch.no_grad()
def test_equal_heads_share_a_key_and_compute_the_same() -> None:
    space = HeadCells(WIDTH)
    base = space.read((3, [4, 1, 4, 2, 0, 4]))  # conv3 has weights for each level, sep3 and conv1 are shared
    first = calm(built(base))
    for split, ops in ((1, [1, 2, 0, 4, 4, 4]), (2, [4, 1, 2, 4, 4, 0]), (3, [1, 4, 4, 2, 4, 0])):
        arch = space.read((split, ops))
        assert arch.key == base.key
        second = carry(first, built(arch))
        for maps, expected in zip(second(levels()), first(levels()), strict=True):
            assert all(same(maps, expected))
    other = [(0, [1, 2, 0, 4, 4, 4]), (2, [1, 2, 0, 4, 4, 4]), (1, [2, 1, 0, 4, 4, 4]), (1, [1, 2, 4, 4, 4, 4])]
    assert base not in [space.read((split, ops)) for split, ops in other]


def built(arch: Any) -> Any:
    return MODELS.build({**HeadCells(WIDTH).parts(arch.as_dict())["head"], "num_classes": 3})


@pytest.mark.parametrize(("name", "reach"), [("conv1", 0), ("conv3", 1), ("sep3", 1), ("sep3_dil3", 3)])
def test_how_far_the_heads_operations_look(name: str, reach: int) -> None:
    x = noise(1, WIDTH, 9, 9).requires_grad_()
    operation(name, WIDTH, STYLE)[:-2](x)[..., 4, 4].sum().backward()  # without norm, which sees all, and ReLU
    assert x.grad is not None
    assert x.grad.abs().sum((0, 1)).nonzero().unique().tolist() == sorted({4 - reach, 4, 4 + reach})


@pytest.mark.parametrize("split", range(7))
@torch.no_grad()
def test_layers_before_the_split_have_weights_for_each_level(split: int) -> None:
    module, square = calm(head(OPS, split)), WIDTH * WIDTH
    counts = dict(conv1=square, conv3=9 * square, sep3=9 * WIDTH + square, sep3_dil3=9 * WIDTH + square)
    counts["deform"] = 9 * square + WIDTH + 54 * (9 * WIDTH + 1)
    tower = [0 if op == "skip" else counts[op] + 2 * WIDTH for op in OPS]
    predictors = (3 + 4 + 1) * (9 * WIDTH + 1) + LEVELS  # and a scale for each level
    assert params(module) == 2 * (5 * sum(tower[:split]) + sum(tower[split:])) + predictors

    before = module(levels())
    for layers, output in ((module.cls_convs, 0), (module.reg_convs, 1)):
        for depth, copies in enumerate(layers):
            if OPS[depth] != "skip":
                bias = copies[-1][-2].bias  # of the last level's norm, or of the only one
                bias += 1
                after = module(levels())
                bias -= 1
                equal = [torch.equal(a, b) for a, b in zip(after[output], before[output], strict=True)]
                assert equal == [depth < split] * 4 + [False]
                assert all(same(after[1 - output], before[1 - output]))


@pytest.mark.parametrize("settings", [{}, dict(norm_on_bbox=True), dict(centerness_on_reg=True)], ids=str)
@torch.no_grad()
def test_the_published_head_is_mmdetections(settings: dict[str, bool]) -> None:
    """With the same weights MMDetection's own head computes the same, in training as in prediction."""
    own = dict(type="NASFCOSHead", num_classes=3, in_channels=WIDTH, feat_channels=WIDTH)
    norm_cfg, strides = dict(type="GN", num_groups=2), [8, 16, 32, 64, 128]
    theirs = calm(MODELS.build({**own, **settings, "norm_cfg": norm_cfg, "strides": strides}))
    ours = carry(theirs, head(PUBLISHED_OPS, 0, **settings))
    for training in (True, False):
        for maps, expected in zip(ours.train(training)(levels()), theirs.train(training)(levels()), strict=True):
            assert all(same(maps, expected))


@torch.no_grad()
def test_normalised_distances_are_counted_in_strides_while_learning() -> None:
    module = calm(head(OPS, 2, norm_on_bbox=True))
    module.conv_reg.bias += 1
    pixels, units = module(levels())[1], module.train()(levels())[1]
    for stride, predicted, learnt in zip((8, 16, 32, 64, 128), pixels, units, strict=True):
        assert learnt.max() > 0
        assert torch.allclose(predicted, stride * learnt)


def test_narrow_heads_learn_from_single_positions() -> None:
    outputs = calm(head(OPS, 3, channels=16)).train()(levels(16, size=1, batch=1))
    sum(x.sum() for maps in outputs for x in maps).backward()
    assert all(torch.isfinite(x).all() for maps in outputs for x in maps)
