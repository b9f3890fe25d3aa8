"""The decoder of `DecoderCells` as a decode head of MMSegmentation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.decoder_cells import OPERATIONS, Genotype
from search_spaces.models import MODELS
from search_spaces.ops import conv_bn_relu, operation, resize


class Cell(nn.Module):
    """One copy of the shared design: four layers on positions of a growing pool; the unused layer outputs are summed."""

    def __init__(self, genotype: Genotype, channels: int, repeats: int):
        super().__init__()
        first, *layers = genotype
        self.ops = nn.ModuleList([operation(OPERATIONS[first], channels, repeats)])
        self.inputs: list[int] = [0]
        for in_a, in_b, op_a, op_b in layers:
            self.inputs += [in_a, in_b]
            self.ops.extend(operation(OPERATIONS[op], channels, repeats) for op in (op_a, op_b))
        outputs = [1, *range(4, 3 * len(layers) + 2, 3)]  # pool positions of the first output and of the sums
        self.loose = [position for position in outputs if position not in self.inputs]

    def forward(self, x: Tensor) -> Tensor:
        pool = [x, self.ops[0](x)]
        for a in range(1, len(self.ops), 2):
            sides = [self.ops[place](pool[self.inputs[place]]) for place in (a, a + 1)]
            pool += [*sides, sides[0] + sides[1]]
        return torch.stack([pool[position] for position in self.loose]).sum(0) if len(self.loose) > 1 else pool[-1]


class Block(nn.Module):
    """Two inputs through a cell and a 1x1 convolution each, summed at the size of the larger one."""

    def __init__(self, cell: Genotype, channels: int, repeats: int):
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Sequential(Cell(cell, channels, repeats), conv_bn_relu(channels, channels)) for _ in "ab"
        )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = self.sides[0](a), self.sides[1](b)
        size = largest((a, b))
        return resize(a, size) + resize(b, size)


def largest(maps: Sequence[Tensor]) -> torch.Size:
    """The (height, width) of the map with the most positions."""
    return max((x.shape[-2:] for x in maps), key=lambda size: size[0] * size[1])


class Decoder(BaseDecodeHead):
    """A decode head on taps brought to one width, with a classifier and, for training only, auxiliary ones on every block.

    Each auxiliary classifier adds `aux_weight` times its cross-entropy to the loss. In eval mode they are not run.
    """

    aux: nn.ModuleList

    def __init__(
        self, in_channels: Sequence[int], channels: int, num_classes: int, aux_weight: float = 0.15, **kwargs: Any
    ):
        settings = dict(in_index=list(range(len(in_channels))), input_transform="multiple_select", dropout_ratio=0)
        super().__init__(list(in_channels), channels, num_classes=num_classes, **{**settings, **kwargs})
        self.aux_weight = aux_weight
        self.adapters = nn.ModuleList(conv_bn_relu(width, channels) for width in in_channels)

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

    def losses(self, scores: Any, labels: Tensor) -> Tensor:
        """Cross-entropy of (B, H, W) labels.

        The decoder's own scores are brought to the labels' size; for the auxiliary ones, which weigh less and cost as much,
        the labels are brought to theirs by nearest neighbour.
        """
        own, aux = (scores[0], scores[1:]) if isinstance(scores, list) else (scores, [])
        total = self._cross_entropy(resize(own, labels.shape[-2:]), labels)
        for x in aux:
            small = F.interpolate(labels[:, None].float(), x.shape[-2:], mode="nearest")[:, 0].long()
            total = total + self.aux_weight * self._cross_entropy(x, small)
        return total

    def _cross_entropy(self, scores: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(scores.contiguous(), labels, ignore_index=self.ignore_index)

    def loss_by_feat(self, seg_logits: Any, batch_data_samples: Any) -> dict[str, Tensor]:
        """What MMSegmentation's own training loop calls."""
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        return {"loss_ce": self.losses(seg_logits, labels)}


@MODELS.register_module()
class CellDecoder(Decoder):
    """A searched decoder (Nekrasov et al., CVPR 2019): four taps in, class scores at the finest used stride out.

    `aux` puts the auxiliary classifiers on a further copy of the cell ("cell") or directly on the blocks' outputs ("conv").
    """

    def __init__(
        self,
        genotype: Genotype,
        in_channels: Sequence[int],
        channels: int,
        num_classes: int,
        repeats: int = 1,
        aux: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(in_channels, channels, num_classes, **kwargs)
        cell, blocks = genotype
        self.pairs = [tuple(pair) for pair in blocks]
        self.blocks = nn.ModuleList(Block(cell, channels, repeats) for _ in blocks)
        used = {place for pair in self.pairs for place in pair}
        self.loose = [place for place in range(len(in_channels), len(in_channels) + len(blocks)) if place not in used]
        self.merge = conv_bn_relu(channels * len(self.loose), channels)
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 3, padding=1)
        self.aux = nn.ModuleList()
        for _ in blocks if aux else ():
            body = Cell(cell, channels, repeats) if aux == "cell" else nn.Identity()
            self.aux.append(nn.Sequential(body, nn.Conv2d(channels, self.out_channels, 3, padding=1)))

    def decode(self, taps: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        pool = list(taps)
        for block, (a, b) in zip(self.blocks, self.pairs, strict=True):
            pool.append(block(pool[a], pool[b]))
        loose = [pool[place] for place in self.loose]
        size = largest(loose)
        return self.merge(F.relu(torch.cat([resize(x, size) for x in loose], 1))), pool[len(taps) :]
