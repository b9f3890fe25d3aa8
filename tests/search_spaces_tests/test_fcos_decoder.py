"""FPN and head of FCOS (NAS-FCOS): sizes, notation, wiring, MMDetection's port, and when two spellings are one network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.published import PUBLISHED
from search_spaces.cell_fcos_head import layer
from search_spaces.cost import params
from search_spaces.fcos_decoder import FCOSDecoder
from search_spaces.fcos_head import FCOSHead
from search_spaces.fpn_cells import JOINS, OPERATIONS, FPNCells
from search_spaces.joint import Joint
from tasks import TASKS

DETECTORS = [network for network in PUBLISHED if network.id.startswith("DET-")]
FPN, _, HEAD = GENOTYPE = DETECTORS[0].genotype
WIDTH, LEVELS = 8, 5
TAPS = (8, 8, 16, 16)  # channels of C2 to C5
PUBLISHED_OPS = ["deform", "conv3", "deform", "conv1", "skip", "skip"]
OPS = ["conv1", "conv3", "sep3", "skip", "sep3_dil3", "deform"]


@torch.no_grad()
def scramble(module: nn.Module) -> Any:
    """No weight or statistic is left at the zero or one that it starts from; in eval mode."""
    generator = torch.Generator().manual_seed(0)
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            value.copy_(torch.rand(value.shape, generator=generator) + (0.5 if "var" in name else -0.4))
    return module.eval()


@torch.no_grad()
def carry(source: nn.Module, target: nn.Module) -> Any:
    """Weights and statistics from a module to one with other names in the same order."""
    for theirs, ours in zip(source.state_dict().values(), target.state_dict().values(), strict=True):
        ours.copy_(theirs)
    return target.eval()


def calm(module: Any) -> Any:
    """A scrambled head whose distances are positive and, though they are exponentials, small."""
    scramble(module).conv_reg.weight.data /= 50
    for scale in module.scales:
        scale.scale.data.abs_()
    return module


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def taps(height: int = 32, width: int = 32) -> list[Tensor]:
    """C2 to C5, of which C2 has this size."""
    return [noise(2, channels, -(-height // 2**k), -(-width // 2**k)) for k, channels in enumerate(TAPS)]


def neck(genotype: Sequence[Sequence[int]], variant: str = "official") -> Any:
    config = dict(type="densebench.CellFPN", in_channels=TAPS, out_channels=WIDTH, variant=variant)
    return MODELS.build(dict(**config, genotype=genotype))


def head(ops: Sequence[str], split: int, channels: int = WIDTH, **settings: Any) -> Any:
    config = dict(type="densebench.CellFCOSHead", in_channels=channels, feat_channels=channels, num_classes=3)
    return MODELS.build(dict(**config, ops=ops, split=split, strides=[8, 16, 32, 64, 128], **settings))


def levels(channels: int = WIDTH, size: int = 64, batch: int = 2) -> list[Tensor]:
    return [noise(batch, channels, -(-size // 2**k), -(-size // 2**k)) for k in range(LEVELS)]


def same(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> list[bool]:
    pairs = zip(ours, theirs, strict=True)
    return [torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max())) for a, b in pairs]


def loose(genotype: Sequence[Sequence[int]]) -> list[int]:
    """The pool positions of blocks that no block uses."""
    return sorted(set(range(4, 4 + len(genotype))) - {place for block in genotype for place in block[:2]})


def test_sizes() -> None:
    assert FPNCells().size == (4 * 5 * 6 * 7 * 8 * 9 * 10) ** 2 * (5 * 5 * 2) ** 7  # 2.9e23, as printed
    assert FCOSHead().size == 326_592


def test_published_notation_goes_in_and_out() -> None:
    assert FPNCells().write(FPNCells().read(FPN)) == FPN
    model = FCOSDecoder().model(FCOSDecoder().read(GENOTYPE))
    assert model["neck"]["genotype"] == FPN
    assert (model["bbox_head"]["ops"], model["bbox_head"]["split"]) == (PUBLISHED_OPS, 0)


NO_FIRSTS = ([3, 3, 4, 4], [3, 3, 4, 5, 1], [3, 3, 4, -1, 1], [3, 3, 4, 4, 2], [3, 4, 4, 4, 1])  # it sees no place 4
NO_FPNS = ("fpn", FPN[:6], [*FPN, [0, 0, 0, 0, 0]], *([block, *FPN[1:]] for block in NO_FIRSTS))
NO_HEADS = ((7, HEAD), (0, HEAD[:5]), (0, [*HEAD, 0]), (0, [*HEAD[:5], 6]), (0, [*HEAD[:5], -1]), (0, None))


@pytest.mark.parametrize(
    "genotype", [None, (FPN, 0), *((fpn, 0, HEAD) for fpn in NO_FPNS), *((FPN, *head) for head in NO_HEADS)]
)
def test_what_is_no_genotype_is_refused(genotype: Any) -> None:
    with pytest.raises(ValueError, match=r"is not an? .*genotype|decision"):
        FCOSDecoder().read(genotype)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: FPNCells(blocks=2), "blocks must be at least 3"),
        (lambda: FPNCells(channels=9), "channels must be even"),
        (lambda: FPNCells(variant="port"), "variant must be 'official' or 'mmdet'"),
        (lambda: FCOSHead(channels=18), "channels must be a multiple of 4"),
        (lambda: Joint(FPNCells(8), FCOSHead(8), FPNCells(16)), r"have a decision 'fpn\.block.*rename one"),
    ],
)
def test_settings_that_make_no_space_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_fewer_than_three_outputs_are_no_network() -> None:
    chain = [[3 + block, 0, 0, 0, 0] for block in range(7)]  # every block uses the one before
    with pytest.raises(ValueError, match="make no network: 1 blocks are left over for the 3 outputs"):
        FCOSDecoder().read((chain, 0, HEAD))
    for space in (FPNCells(WIDTH, 3), FPNCells(WIDTH, 7), FCOSDecoder(WIDTH)):
        arch = space.sample(Random(0))
        for seed in range(100):
            arch = space.mutate(arch, Random(seed))
            for answer in (space.sample(Random(seed)), arch):
                assert len(loose(space.model(answer)["neck"]["genotype"])) >= 3


def test_the_fpn_stays_while_only_the_head_is_searched() -> None:
    space = FCOSDecoder(WIDTH)
    rest = space.read(GENOTYPE)
    part = space.only("head.", rest)
    models = [part.model(part.mutate(part.sample(Random(seed)), Random(seed))) for seed in range(10)]
    assert all(model["neck"] == space.model(rest)["neck"] for model in models)
    assert len({json.dumps(model["bbox_head"]) for model in models}) == len(models)


@torch.no_grad()
def test_equal_fpns_share_a_key_and_compute_the_same() -> None:
    space = FPNCells(WIDTH, 5)
    base = [[1, 2, 0, 3, 0], [0, 3, 1, 4, 1], [4, 2, 2, 0, 0], [1, 1, 4, 3, 0], [3, 0, 3, 0, 0]]
    swapped = [block if block[4] else [block[k] for k in (1, 0, 3, 2, 4)] for block in base]
    assert space.read(swapped).key == space.read(base).key
    assert space.write(space.read(swapped)) == swapped
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
def test_equal_heads_share_a_key_and_compute_the_same() -> None:
    space = FCOSHead(WIDTH)
    base = space.read(3, [4, 1, 4, 2, 0, 4])  # conv3 has weights for each level, sep3 and conv1 are shared
    first = calm(built(base))
    for split, ops in ((1, [1, 2, 0, 4, 4, 4]), (2, [4, 1, 2, 4, 4, 0]), (3, [1, 4, 4, 2, 4, 0])):
        arch = space.read(split, ops)
        assert arch.key == base.key
        second = carry(first, built(arch))
        for maps, expected in zip(second(levels()), first(levels()), strict=True):
            assert all(same(maps, expected))
    other = [(0, [1, 2, 0, 4, 4, 4]), (2, [1, 2, 0, 4, 4, 4]), (1, [2, 1, 0, 4, 4, 4]), (1, [1, 2, 4, 4, 4, 4])]
    assert base not in [space.read(split, ops) for split, ops in other]


def built(arch: Any) -> Any:
    return MODELS.build({**FCOSHead(WIDTH).model(arch)["bbox_head"], "num_classes": 3})


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


def bilinear(x: Tensor, size: torch.Size) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def by_hand(fpn: Any, genotype: list[list[int]], c: list[Tensor]) -> list[Tensor]:
    """P3 to P7 from C2 to C5 as section 3.1 says, with the weights of `fpn`."""
    pool = [F.relu(norm(F.conv2d(x, module.conv.weight), module.bn)) for x, module in zip(c, fpn.adapters, strict=True)]
    for k, (in_a, in_b, op_a, op_b, how) in enumerate(genotype):
        sides = zip((op_a, op_b), fpn.ops[k], (in_a, in_b), strict=True)
        x, y = (operate(OPERATIONS[op], module, pool[place]) for op, module, place in sides)
        larger = x.shape[-2:] if x.shape[-2] > y.shape[-2] else y.shape[-2:]
        pool.append(join(JOINS[how], fpn.joins[k], bilinear(x, larger), bilinear(y, larger)))
    *added, p5, p4, p3 = loose(genotype)
    sized = zip((p3, p4, p5), (tap.shape[-2:] for tap in c[1:]), strict=True)
    p3, p4, p5 = (sum(bilinear(pool[place], size) for place in (own, *added)) for own, size in sized)
    p6 = F.conv2d(p5, fpn.p6.weight, fpn.p6.bias, stride=2, padding=1)
    return [p3, p4, p5, p6, F.conv2d(F.relu(p6), fpn.p7.weight, fpn.p7.bias, stride=2, padding=1)]


@torch.no_grad()
def test_an_fpn_computes_what_the_paper_says() -> None:
    space, seen = FPNCells(WIDTH, 6), set()
    for seed in range(5):
        genotype = space.write(space.sample(Random(seed)))
        fpn = scramble(neck(genotype))
        for size in ((32, 32), (19, 26)):
            assert all(same(fpn(taps(*size)), by_hand(fpn, genotype, taps(*size))))
        seen |= {OPERATIONS[op] for block in genotype for op in block[2:4]} | {JOINS[block[4]] for block in genotype}
        seen |= {"added"} if len(loose(genotype)) > 3 else set()
    assert seen == {*OPERATIONS, *JOINS, "added"}


@pytest.mark.parametrize(("name", "reach"), [("conv1", 0), ("conv3", 1), ("sep3", 1), ("sep3_dil3", 3)])
def test_how_far_the_heads_operations_look(name: str, reach: int) -> None:
    x = noise(1, WIDTH, 9, 9).requires_grad_()
    layer(name, WIDTH)[:-2](x)[..., 4, 4].sum().backward()  # without norm, which sees all, and ReLU
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


def detector(cache: Path, part: dict[str, Any]) -> Any:
    task = dict(type="DetectionTask", data=dict(type="ScenesDetection"), encoder=dict(width=0.1), cache=str(cache))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MODELS.build(ConfigDict(TASKS.build(task).config(part)))
        network.init_weights()
    return network


@pytest.mark.parametrize("variant", ["official", "mmdet"])
@torch.no_grad()
def test_levels_of_an_odd_image(tmp_path: Path, variant: str) -> None:
    space, sizes = FCOSDecoder(WIDTH, variant=variant), [(10, 13), (5, 7), (3, 4), (2, 2), (1, 1)]
    for seed in range(2):
        outputs = detector(tmp_path, space.model(space.sample(Random(seed)))).eval()(torch.zeros(1, 3, 75, 101))
        for maps, channels in zip(outputs, (6, 4, 1), strict=True):
            assert [tuple(x.shape) for x in maps] == [(1, channels, *size) for size in sizes]


def test_a_found_detector_is_a_stock_config(tmp_path: Path) -> None:
    """MMDetection starts, trains and predicts with the config alone, through its own interfaces."""
    space = FCOSDecoder(WIDTH)
    network = detector(tmp_path, space.model(space.read(GENOTYPE)))
    assert torch.allclose(network.bbox_head.conv_cls.bias.sigmoid(), torch.tensor(0.01))
    deforms = [module for module in network.modules() if isinstance(module, ModulatedDeformConv2dPack)]
    assert not any(deform.conv_offset.weight.any() or deform.conv_offset.bias.any() for deform in deforms)
    assert min(deform.weight.std() for deform in deforms) > 0.05  # uniform within 1 / sqrt(9 * channels)

    sample = DetDataSample(metainfo=dict(img_shape=(96, 64), ori_shape=(96, 64), scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData(bboxes=torch.tensor([[8.0, 8, 56, 72]]), labels=torch.tensor([2]))
    data = dict(inputs=[torch.zeros(3, 96, 64, dtype=torch.uint8)] * 2, data_samples=[sample] * 2)
    losses = network.train()(**network.data_preprocessor(data, training=True), mode="loss")
    assert set(losses) == {"loss_cls", "loss_bbox", "loss_centerness"}
    sum(losses.values()).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in network.bbox_head.parameters())
    network.eval()
    network.test_cfg.score_thr = 0.0
    with torch.no_grad():
        found = network(**network.data_preprocessor(data), mode="predict")[0].pred_instances
    assert len(found) > 0
    assert torch.equal(found.bboxes, found.bboxes.clamp(torch.zeros(4), torch.tensor([64, 96, 64, 96])))
