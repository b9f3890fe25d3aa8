"""How wide a backbone of inverted residuals is, layer by layer: what NetAdapt (Yang et al., ECCV 2018) narrows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from core import Weights
from search_spaces.architecture import Architecture, Choice, Choices
from search_spaces.graph import Graph
from search_spaces.mbconv.space import MOBILENET_V2, Genotype, around, parsed, scaled
from search_spaces.space import FiniteSpace


class MBConvWidths(FiniteSpace):
    """The widths of the network `start`, none of them larger: inside every layer, and between the layers of every stage.

    A stage has one width between its layers ("stage0.outside"), so that its residuals stay, and each layer one behind its
    expansion ("stage0.layer1.inside"). Widths are multiples of `divisor`, or those of `start`, the operations of the stages;
    `width` and others, `mbconv`, are settings of `MBConv`. Raises ValueError for a layer of the start that expands nothing.
    """

    def __init__(
        self,
        start: Genotype = MOBILENET_V2,
        width: float = 1.0,
        divisor: int = 8,
        mbconv: Mapping[str, Any] | None = None,
    ):
        if divisor < 8 or divisor % 8:
            raise ValueError(f"divisor must be a multiple of 8, not {divisor}")
        whole = around(start, width, 1.0, mbconv or {})
        self.start = whole.write(whole.read(start).as_dict())
        self.width, self.settings = width, whole.settings
        decisions: dict[str, tuple[Choice, ...]] = {}
        inputs = scaled(whole.settings["ends"][1], width)
        for stage, (operations, full) in enumerate(zip(self.start, whole.settings["channels"], strict=True)):
            outside = scaled(full, width)
            decisions[f"stage{stage}.outside"] = (*range(divisor, outside, divisor), outside)
            for layer, operation in enumerate(operations):
                one = parsed(operation)
                if one.expansion == 1:
                    raise ValueError(
                        f"{operation!r} in start expands nothing that could be narrowed: expand, as k3e6 does"
                    )
                inside = one.inside or scaled(inputs, one.expansion)
                decisions[f"stage{stage}.layer{layer}.inside"] = (*range(divisor, inside, divisor), inside)
                inputs = outside
        self.decisions = decisions

    @property
    def width_decisions(self) -> Collection[str]:
        return self.decisions.keys()

    def parts(self, choices: Choices) -> dict[str, Any]:
        outside = [int(choices[f"stage{stage}.outside"]) / self.width for stage in range(len(self.start))]
        stages = self._operations(choices)
        return {"backbone": dict(type="densebench.MBConvNet", stages=stages, **self.settings | {"channels": outside})}

    def inherit(
        self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture | None
    ) -> Weights:
        """The channels with the largest weights stay, those of MobileNetV2 that come first."""
        from search_spaces.remap import remapped

        return remapped(weights, fresh, "l1" if parent else "first", rest="fresh")

    def wiring(self, choices: Choices) -> Graph:
        graph, last = Graph(), tuple[str, ...]()
        for stage, operations in enumerate(self._operations(choices)):
            group = (
                f"stage {stage}, stride {self.settings['strides'][stage + 1]}, {choices[f'stage{stage}.outside']} wide"
            )
            for layer, operation in enumerate(operations):
                last = (graph.add(f"stage{stage}.layer{layer}", operation, group, last),)
        return graph

    def _operations(self, choices: Choices) -> list[list[str]]:
        return [
            [
                f"k{parsed(operation).kernel}w{choices[f'stage{stage}.layer{layer}.inside']}{'s' * parsed(operation).excite}"
                for layer, operation in enumerate(operations)
            ]
            for stage, operations in enumerate(self.start)
        ]
