"""The decoder of `DecoderCells` as a decode head of MMSegmentation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.decoder_cells.space import OPERATIONS, Genotype
from search_spaces.ops import Style, largest, operation, resize


class Cell(nn.Module):
    """One copy of the shared design: four layers on positions of a growing pool; the unused layer outputs are summed."""

    def __init__(self, genotype: Genotype, channels: int, style: Style):
        super().__init__()
        first, *layers = genotype
        self.ops = nn.ModuleList([operation(OPERATIONS[first], channels, style)])
        self.inputs: list[int] = [0]
        for in_a, in_b, op_a, op_b in layers:
            self.inputs += [in_a, in_b]
            self.ops.extend(operation(OPERATIONS[op], channels, style) for op in (op_a, op_b))
        outputs = [1, *range(4, 3 * len(layers) + 2, 3)]  # pool positions of the first output and of the sums
        self.loose = [position for position in outputs if position not in self.inputs]

    def forward(self, x: Tensor) -> Tensor:
        pool = [x, self.ops[0](x)]
        for a in range(1, len(self.ops), 2):
            sides = [self.ops[place](pool[self.inputs[place]]) for place in (a, a + 1)]
            pool += [*sides, sides[0] + sides[1]]
        return reduce(torch.add, [pool[position] for position in self.loose])


class Block(nn.Module):
    """Two inputs through a cell (`cell` makes one) and a 1x1 convolution each, summed at the size of the larger one."""

    def __init__(self, cell: Callable[[], nn.Module], channels: int, style: Style):
        super().__init__()
        self.sides = nn.ModuleList(nn.Sequential(cell(), style.conv(channels, channels)) for _ in "ab")

    def forward(self, a: Tensor, b: Tensor, **settings: Any) -> Tensor:
        """`settings` are what the cells want to know."""
        a, b = (side[1](side[0](x, **settings)) for side, x in zip(self.sides, (a, b), strict=True))  # type: ignore[index]
        size = largest((a, b))
        return resize(a, size) + resize(b, size)


class Decoder(BaseDecodeHead):
    """A decode head on taps brought to one width, with a classifier and, for training only, auxiliary ones on every block.

    `style` is that of all its layers.
    """

    aux: nn.ModuleList

    def __init__(self, style: Style, in_channels: Sequence[int], **settings: Any):
        plain = dict(in_index=list(range(len(in_channels))), input_transform="multiple_select", dropout_ratio=0)
        super().__init__(list(in_channels), **{**plain, **settings})
        self.adapters = nn.ModuleList(style.conv(width, self.channels) for width in in_channels)

    @abstractmethod
    def decode(self, taps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The map that is classified, and the outputs of all blocks, from taps of one width."""

    def forward(self, inputs: Sequence[Tensor]) -> Any:
        """Scores (B, classes, H, W); in training with auxiliary classifiers, a list of these, the decoder's own first."""
        taps = [adapter(x) for adapter, x in zip(self.adapters, self._transform_inputs(inputs), strict=True)]
        merged, blocks = self.decode(taps)
        scores = self.cls_seg(merged)
        if not self.training or not self.aux:
            return scores
        return [scores, *(aux(x) for aux, x in zip(self.aux, blocks, strict=True))]

    def classifier(self) -> nn.Conv2d:
        return nn.Conv2d(self.channels, self.out_channels, 3, padding=1)

    def loss_by_feat(self, seg_logits: Any, batch_data_samples: Any) -> dict[str, Tensor]:
        """What MMSegmentation's own training loop calls: it learns from the decoder's own scores."""
        own = seg_logits[0] if isinstance(seg_logits, list) else seg_logits
        return super().loss_by_feat(own, batch_data_samples)


class CellDecoder(Decoder):
    """A searched decoder (Nekrasov et al., CVPR 2019): four taps in, class scores at the finest used stride out.

    `aux` puts the auxiliary classifiers on a further copy of the cell ("cell") or directly on the blocks' outputs ("conv").
    """

    def __init__(
        self, genotype: Genotype, in_channels: Sequence[int], repeats: int = 1, aux: str | None = None, **settings: Any
    ):
        style, (design, blocks) = Style(repeats=repeats), genotype
        super().__init__(style, in_channels, **settings)
        cell = partial(Cell, design, self.channels, style)
        self.pairs = [tuple(pair) for pair in blocks]
        self.blocks = nn.ModuleList(Block(cell, self.channels, style) for _ in blocks)
        used = {place for pair in self.pairs for place in pair}
        self.loose = [place for place in range(len(in_channels), len(in_channels) + len(blocks)) if place not in used]
        self.merge = style.conv(self.channels * len(self.loose), self.channels)
        self.conv_seg = self.classifier()
        self.aux = nn.ModuleList()
        for _ in blocks if aux else ():
            body = cell() if aux == "cell" else nn.Identity()
            self.aux.append(nn.Sequential(body, self.classifier()))

    def decode(self, taps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        pool = list(taps)
        for block, (a, b) in zip(self.blocks, self.pairs, strict=True):
            pool.append(block(pool[a], pool[b]))
        loose = [pool[place] for place in self.loose]
        size = largest(loose)
        return self.merge(F.relu(torch.cat([resize(x, size) for x in loose], 1))), pool[len(taps) :]
