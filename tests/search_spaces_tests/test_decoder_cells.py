"""The decoder space of Nekrasov et al.: its size, notation, wiring, and when two spellings are one network."""

from __future__ import annotations

from random import Random

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from benchmarks.published.networks import ARCH0, ARCH1, ARCH2, LOGGED
from search_spaces.decoder_cells.network import Cell, CellDecoder
from search_spaces.decoder_cells.space import OPERATIONS, DecoderCells
from search_spaces.ops import Style
from tasks.complexity import params

GENOTYPES = [ARCH0, ARCH1, ARCH2, *(genotype for genotype, _ in LOGGED)]


def test_size() -> None:
    assert DecoderCells().size == 14_400 * 11**7 * (2 * 5 * 8) ** 2


@pytest.mark.parametrize("genotype", GENOTYPES, ids=str)
def test_published_notation_goes_in_and_out(genotype: list) -> None:
    space = DecoderCells()
    assert space.write(space.read(genotype).as_dict()) == genotype


@pytest.mark.parametrize(
    "genotype",
    [
        [],
        [[1, [0, 0, 1, 1]], [[0, 0]]],
        [[11, *ARCH0[0][1:]], ARCH0[1]],
        [[-1, *ARCH0[0][1:]], ARCH0[1]],
        [[*ARCH0[0][:3], [0, 0, 1, -2]], ARCH0[1]],
        "arch0",
        None,
    ],
)
def test_what_is_no_genotype_is_refused(genotype: object) -> None:
    with pytest.raises(ValueError, match=r"genotype|decision"):
        DecoderCells().read(genotype)


def test_a_position_outside_its_pool_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cell\.layer1\.a\.input.*cannot be 2"):
        DecoderCells().read([[0, [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], [[0, 0]] * 3])


def decoder(genotype: list, **settings) -> CellDecoder:
    settings = {"channels": 8, "num_classes": 3, "in_channels": (8, 8, 16, 16), **settings}
    return MODELS.build(dict(type="densebench.CellDecoder", genotype=genotype, **settings))


def taps(size: int = 64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, width, size // stride, size // stride, generator=generator)
        for width, stride in zip((8, 8, 16, 16), (4, 8, 16, 32), strict=True)
    ]


def test_equal_networks_share_a_key_and_unequal_ones_do_not() -> None:
    space = DecoderCells()
    base = [[8, [0, 1, 5, 2], [2, 3, 8, 7], [5, 7, 1, 4]], [[3, 2], [3, 1], [5, 0]]]
    swapped = [
        [8, [1, 0, 2, 5], [3, 2, 8, 7], [7, 5, 4, 1]],
        [[2, 3], [1, 3], [0, 5]],
    ]  # layers 1 and 3, and all blocks
    other = [[8, [1, 0, 2, 5], [2, 3, 8, 7], [5, 7, 1, 4]], [[3, 2], [3, 1], [5, 0]]]  # positions 2 and 3 not renamed
    assert space.read(base) == space.read(swapped)
    assert space.read(base).key == space.read(swapped).key
    assert space.read(base) != space.read(other)
    assert space.write(space.read(swapped).as_dict()) == swapped


def test_a_swapped_spelling_computes_the_same() -> None:
    """With the weights carried over, side by side, both spellings of one cell give the same output."""
    first = Cell([2, [0, 1, 5, 0], [2, 3, 8, 7], [5, 7, 1, 4]], 4, Style()).eval()
    second = Cell([2, [1, 0, 0, 5], [3, 2, 8, 7], [5, 7, 1, 4]], 4, Style()).eval()  # layer 1 swapped, 2 <-> 3 renamed
    for ours, theirs in ((0, 0), (1, 2), (2, 1), (3, 3), (4, 4), (5, 5), (6, 6)):
        second.ops[theirs].load_state_dict(first.ops[ours].state_dict())
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(first(x), second(x), atol=1e-6)


def test_random_swaps_never_make_a_new_architecture() -> None:
    space = DecoderCells()
    for seed in range(50):
        arch = space.sample(Random(seed))
        assert space.architecture(space.canonical(arch.as_dict())) == arch


def test_the_cell_sums_the_outputs_that_nobody_uses() -> None:
    skip, zero = OPERATIONS.index("skip"), OPERATIONS.index("zero")
    x = torch.rand(1, 4, 8, 8)
    # op0 = x (unused later), layer sums: 2x at position 4 (used by layer 2), 4x at 7 (unused), 0 at 10
    cell = Cell([skip, [0, 0, skip, skip], [4, 4, skip, skip], [0, 0, zero, zero]], 4, Style())
    assert torch.allclose(cell(x), x + 4 * x)


def test_output_stride_is_that_of_the_finest_loose_block() -> None:
    assert decoder(ARCH0).eval()(taps(512)).shape == (2, 3, 128, 128)
    assert decoder(ARCH1).eval()(taps(512)).shape == (2, 3, 64, 64)
    assert decoder(ARCH2).eval()(taps(512)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(("genotype", "extra"), [(ARCH0, 404_607), (ARCH1, 496_767), (ARCH2, 518_271)])
def test_auxiliary_cells_cost_what_is_known(genotype: list, extra: int) -> None:
    size = dict(channels=64, repeats=2, num_classes=21, in_channels=(24, 32, 96, 320))
    plain = params(decoder(genotype, **size))
    assert params(decoder(genotype, aux="cell", **size)) - plain == extra
    assert params(decoder(genotype, aux="conv", **size)) - plain == 36_351


def test_auxiliary_classifiers_only_act_in_training() -> None:
    head = decoder(ARCH0, aux="cell")
    assert isinstance(head.eval()(taps()), torch.Tensor)
    scores = head.train()(taps())
    assert [len(x.shape) for x in scores] == [4] * 4  # the decoder's own and one for each block
    assert torch.isfinite(torch.stack([x.mean() for x in scores])).all()
    sum(x.sum() for x in scores).backward()
    assert all(p.grad is not None for p in head.aux.parameters())


def test_a_found_network_is_a_stock_config() -> None:
    """MMSegmentation trains and predicts with the config alone, through its own interfaces."""
    from mmengine.config import ConfigDict
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    config = dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="mmseg.SegDataPreProcessor", size=(64, 64), seg_pad_val=255),
        backbone=dict(type="MobileNetV2", widen_factor=0.25, out_indices=(1, 2, 4, 6)),
        decode_head={
            **DecoderCells(16, 1).model(DecoderCells().read(ARCH2))["decoder"],
            "in_channels": (8, 8, 24, 80),
            "num_classes": 3,
        },
        test_cfg=dict(mode="whole"),
    )
    network: nn.Module = MODELS.build(ConfigDict(config))
    sample = SegDataSample(metainfo=dict(ori_shape=(64, 64), img_shape=(64, 64)))
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, 64, 64, dtype=torch.long))
    data = dict(inputs=[torch.zeros(3, 64, 64, dtype=torch.uint8)] * 2, data_samples=[sample] * 2)
    network.train()
    losses = network.loss(**network.data_preprocessor(data, training=True))
    assert torch.isfinite(losses["decode.loss_ce"])
    network.eval()
    with torch.no_grad():
        predicted = network.predict(**network.data_preprocessor(data))[0]
    assert predicted.pred_sem_seg.data.shape == (1, 64, 64)
