"""The FPN of NAS-FCOS: its size, notation, wiring, MMDetection's port, and when two spellings are one network."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.registry import MODELS
from scrambled import carry, noise, same, scramble
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.published.networks import PUBLISHED
from search_spaces.fpn_cells.space import JOINS, OPERATIONS, FPNCells
from tasks.complexity import params

FPN = next(network for network in PUBLISHED if network.id == "DET-1").genotype[0]
WIDTH = 8
TAPS = (8, 8, 16, 16)  # channels of C2 to C5


def taps(height: int = 32, width: int = 32) -> list[Tensor]:
    """C2 to C5, of which C2 has this size."""
    return [noise(2, channels, -(-height // 2**k), -(-width // 2**k)) for k, channels in enumerate(TAPS)]


def neck(genotype: Sequence[Sequence[int]], variant: str = "official", **widths: int) -> Any:
    config = dict(type="densebench.CellFPN", in_channels=TAPS, out_channels=WIDTH, variant=variant)
    return MODELS.build({**config, "genotype": genotype, **widths})


def loose(genotype: Sequence[Sequence[int]]) -> list[int]:
    """The pool positions of blocks that no block uses."""
    return sorted(set(range(4, 4 + len(genotype))) - {place for block in genotype for place in block[:2]})


def test_size_and_notation() -> None:
    assert FPNCells().size == (4 * 5 * 6 * 7 * 8 * 9 * 10) ** 2 * (5 * 5 * 2) ** 7  # 2.9e23, as printed
    assert FPNCells().write(FPNCells().read(FPN).as_dict()) == [list(block) for block in FPN]


@pytest.mark.parametrize("column", range(5))
def test_true_is_no_number(column: int) -> None:
    genotype = [list(block) for block in FPN]
    genotype[0][column] = 1
    assert FPNCells().read(genotype)
    genotype[0][column] = True
    with pytest.raises(ValueError, match="is not a genotype of FPNCells"):
        FPNCells().read(genotype)


@torch.no_grad()
def test_equal_fpns_share_a_key_and_compute_the_same() -> None:
    space = FPNCells(WIDTH, 5)
    base = [[1, 2, 0, 3, 0], [0, 3, 1, 4, 1], [4, 2, 2, 0, 0], [1, 1, 4, 3, 0], [3, 0, 3, 0, 0]]
    swapped = [block if block[4] else [block[k] for k in (1, 0, 3, 2, 4)] for block in base]
    assert space.read(swapped).key == space.read(base).key
    assert space.write(space.read(swapped).as_dict()) == swapped
    assert space.read([base[0], [3, 0, 4, 1, 1], *base[2:]]) != space.read(base)  # a concatenation has an order
    assert space.read([[2, 1, 0, 3, 0], *base[1:]]) != space.read(base)  # inputs without their operations

    first, second = scramble(neck(base)), neck(swapped).eval()
    _swap_sums(second, base)  # so that both have their weights in one order
    _swap_sums(carry(first, second), base)
    assert all(same(second(taps()), first(taps())))


def _swap_sums(fpn: Any, genotype: list[list[int]]) -> None:
    for block in (block for block in range(len(genotype)) if not genotype[block][4]):
        fpn.ops[block] = nn.ModuleList(reversed(fpn.ops[block]))
        fpn.joins[block].a, fpn.joins[block].b = fpn.joins[block].b, fpn.joins[block].a


@torch.no_grad()
def test_the_published_genotypes_wiring() -> None:
    """Block 8 becomes P5, 9 P4 and 10 P3, block 6 is added to all; P6 and P7 follow P5."""
    fpn = scramble(neck(FPN))
    before = fpn(taps())
    for place, outputs in {6: [0, 1, 2, 3, 4], 8: [2, 3, 4], 9: [1], 10: [0]}.items():
        weight = fpn.joins[place - 4].conv.weight
        weight += 1
        assert [level for level, equal in enumerate(same(fpn(taps()), before)) if not equal] == outputs
        weight -= 1


def test_only_the_authors_network_has_an_adapter_that_nothing_uses() -> None:
    official, port = (neck(FPN, variant) for variant in ("official", "mmdet"))
    assert params(official) - params(port) == params(official.adapters[0]) == TAPS[0] * WIDTH + 2 * WIDTH
    assert params(port.adapters[0]) == 0


@torch.no_grad()
def test_a_port_is_mmdetections_neck() -> None:
    """With the same weights MMDetection's own neck computes the same, for odd sizes, too; the authors' does not."""
    own = dict(type="NASFCOS_FPN", in_channels=list(TAPS), out_channels=WIDTH, num_outs=5, add_extra_convs=True)
    deform = dict(norm_cfg=dict(type="BN"), conv_cfg=dict(type="DCNv2", deform_groups=2))
    theirs, ours, official = scramble(MODELS.build({**own, **deform})), neck(FPN, "mmdet").eval(), neck(FPN).eval()
    pairs = list(zip(theirs.adapt_convs, ours.adapters[1:], strict=True))
    for cell, ops, join in zip(theirs.fpn.values(), ours.ops, ours.joins, strict=True):
        pairs += zip((cell.input1_conv, cell.input2_conv), ops, strict=True)
        pairs += [(cell.out_conv.conv, join.conv), (cell.out_conv.bn, join.bn)]
    pairs += zip(theirs.extra_downsamples, (ours.p6, ours.p7), strict=True)
    for source, target in pairs:
        carry(source, target)
    official.load_state_dict(ours.state_dict(), strict=False)
    for size in ((32, 32), (19, 26)):
        expected = theirs(taps(*size))
        assert all(same(ours(taps(*size)), expected))
        assert not any(same(official(taps(*size)), expected)[:2])


def norm(x: Tensor, bn: Any) -> Tensor:
    return F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, eps=bn.eps)


def operate(name: str, module: Any, x: Tensor) -> Tensor:
    if name == "skip":
        return x
    if name == "deform":
        conv, bn, _ = module
        return F.relu(norm(ModulatedDeformConv2dPack.forward(conv, x), bn))
    depthwise, pointwise, bn, _ = module
    kernel, rate = {"sep3": (3, 1), "sep3_dil3": (3, 3), "sep5_dil6": (5, 6)}[name]
    x = F.conv2d(x, depthwise.weight, padding=rate * (kernel // 2), dilation=rate, groups=WIDTH)
    return F.relu(norm(F.conv2d(x, pointwise.weight), bn))


def join(name: str, module: Any, x: Tensor, y: Tensor) -> Tensor:
    if name == "sum":
        return module.a * x + module.b * y
    # No output sees both: [x, y] is cut into pairs of channels, so that the first half has x, the second y.
    z, pairs = F.relu(norm(torch.cat([x, y], 1), module.bn)), module.conv.weight[:, :, 0, 0]
    return torch.stack([a * z[:, 2 * c] + b * z[:, 2 * c + 1] for c, (a, b) in enumerate(pairs)], 1)


def bilinear(x: Tensor, size: Sequence[int]) -> Tensor:
    """From the formula: a pixel's centre lies at (k + 1/2) * n / m - 1/2 of the n that are there; borders go on outside."""
    sides = []
    for n, m in zip(x.shape[-2:], size, strict=True):
        places = (torch.arange(m) + 0.5) * n / m - 0.5
        tents = (1 - (places.clamp(0, n - 1)[:, None] - torch.arange(n)).abs()).clamp(0)
        sides.append(tents)
    return torch.einsum("yh,bchw,xw->bcyx", sides[0], x, sides[1])


def by_hand(fpn: Any, genotype: list[list[int]], c: list[Tensor], own_size: bool = True) -> list[Tensor]:
    """P3 to P7 from C2 to C5 as section 3.1 and the authors' code have it, with the weights of `fpn`.

    Earlier loose blocks are added at the size of the own one; else, as they are not, at the level's. Levels that are twice as
    wide as the blocks begin with the own one alone.
    """
    pool = [F.relu(norm(F.conv2d(x, module.conv.weight), module.bn)) for x, module in zip(c, fpn.adapters, strict=True)]
    for k, (in_a, in_b, op_a, op_b, how) in enumerate(genotype):
        sides = zip((op_a, op_b), fpn.ops[k], (in_a, in_b), strict=True)
        x, y = (operate(OPERATIONS[op], module, pool[place]) for op, module, place in sides)
        larger = x.shape[-2:] if x.shape[-2] > y.shape[-2] else y.shape[-2:]
        pool.append(join(JOINS[how], fpn.joins[k], bilinear(x, larger), bilinear(y, larger)))
    *added, p5, p4, p3 = loose(genotype)
    levels = []
    for own, tap in zip((p3, p4, p5), c[1:], strict=True):
        size = pool[own].shape[-2:] if own_size else tap.shape[-2:]
        total = torch.stack([bilinear(pool[k], size) for k in (own, *added)]).sum(0)
        halves = [total] if fpn.p6.in_channels == WIDTH else [pool[own], total]
        levels.append(torch.cat([bilinear(half, tap.shape[-2:]) for half in halves], 1))
    p6 = F.conv2d(levels[2], fpn.p6.weight, fpn.p6.bias, stride=2, padding=1)
    return [*levels, p6, F.conv2d(F.relu(p6), fpn.p7.weight, fpn.p7.bias, stride=2, padding=1)]


@torch.no_grad()
def test_an_fpn_computes_what_the_authors_network_does() -> None:
    """Forty random ones; in many of them it matters where loose blocks are added."""
    space, seen, others = FPNCells(WIDTH, 6), set(), 0
    for seed in range(40):
        genotype = space.write(space.sample(Random(seed)).as_dict())
        fpn, c = scramble(neck(genotype)), taps(19, 26) if seed % 2 else taps()
        made = fpn(c)
        assert all(same(made, by_hand(fpn, genotype, c)))
        others += not all(same(made, by_hand(fpn, genotype, c, own_size=False)))
        seen |= {OPERATIONS[op] for block in genotype for op in block[2:4]} | {JOINS[block[4]] for block in genotype}
    assert seen == {*OPERATIONS, *JOINS}
    assert others > 8


@torch.no_grad()
def test_levels_twice_as_wide_are_a_block_and_its_sum_with_the_loose_ones() -> None:
    space, loose_ones = FPNCells(WIDTH, 6, head_channels=2 * WIDTH), set()
    for seed in range(12):
        config = space.model(space.sample(Random(seed)))["neck"]
        fpn, c = scramble(MODELS.build({**config, "in_channels": TAPS})), taps(19, 26)
        made = fpn(c)
        assert {level.shape[1] for level in made} == {2 * WIDTH}
        assert all(same(made, by_hand(fpn, config["genotype"], c)))
        loose_ones.add(len(loose(config["genotype"])) - 3)
    assert 0 in loose_ones
    assert len(loose_ones) > 1


def test_one_width_makes_the_parts_that_it_always_made() -> None:
    arch = FPNCells().read(FPN)
    made = dict(type="densebench.CellFPN", genotype=[list(b) for b in FPN], out_channels=256, variant="official")
    for space in (FPNCells(), FPNCells(head_channels=256)):
        assert repr(space.model(arch)) == repr({"neck": made})
    wide = FPNCells(channels=128, head_channels=256).model(arch)["neck"]
    assert wide == {**made, "channels": 128}
    assert params(neck(FPN, out_channels=16, channels=8)) - params(neck(FPN)) == 2 * (
        9 * (16**2 - 8**2) + 8
    )  # P6 and P7
