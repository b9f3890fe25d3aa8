"""All backbones of `MBConv` at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choice, Choices
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import MBConv, module_name
from search_spaces.supernet import ChoiceSupernet, Shares


class MixedLayer(nn.ModuleDict):
    """The operations that a layer may be, by name, each counted by its share; what has none is not run."""

    def __init__(self, operations: Mapping[str, nn.Module]):
        super().__init__({module_name(operation): module for operation, module in operations.items()})
        self.shares: Shares = {}

    def forward(self, x: Tensor) -> Tensor:
        return self._total({name: self[module_name(name)](x) for name in self.shares})

    def tapped(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The expanded map, and the output, of operations that expand alike."""
        layers: Any = self
        made = {name: layers[module_name(name)].tapped(x) for name in self.shares}
        expanded, output = ({name: maps[place] for name, maps in made.items()} for place in (0, 1))
        return self._total(expanded), self._total(output)

    def _total(self, maps: Mapping[str, Tensor]) -> Tensor:
        if len(maps) == 1:  # no copy of it
            return next(iter(maps.values()))
        return reduce(torch.add, [self.shares[name] * x for name, x in maps.items()])


class MBConvSupernet(MBConvNet, ChoiceSupernet):
    """One softmax for the operations of every layer of an `MBConv` with these `settings` (FNA: Fang et al., ICLR 2020).

    Every operation of a layer has weights of its own. What weighs nothing is not run. With all weight on one answer, this is
    that answer's network, except that no BN is affine; a skipped layer is the last of its stage, wherever it was chosen.

    Taps are those of `MBConvNet`. Raises ValueError for one with a plus where the operations of its layer expand differently.
    """

    def __init__(self, settings: Mapping[str, Any], taps: Sequence[str] = ("4", "8", "16", "32")):
        self.space = space = MBConv(**settings)
        names = dict.fromkeys(str(op) for options in space.decisions.values() for op in options if op != "skip")
        deepest = [str(2 * math.prod(space.settings["strides"]))]
        uniform = {
            op: MBConvNet([[op] * depth for depth in space.layers], taps=deepest, **space.settings) for op in names
        }
        super().__init__([[next(iter(names))] * depth for depth in space.layers], taps=taps, **space.settings)
        for decision, place in self._places().items():
            options = map(str, space.decisions[decision])
            made = {op: nn.Identity() if op == "skip" else uniform[op].get_submodule(place) for op in options}
            self.set_submodule(place, MixedLayer(made))
        self._check_taps()
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.affine, norm.weight, norm.bias = False, None, None  # type: ignore[assignment]
        self.offer(space.decisions)

    def _check_taps(self) -> None:
        stride = 2 * self.strides[0]
        for stage, step in enumerate(self.strides[1:]):
            first: Any = self.get_submodule(f"layer{stage + 2}.0")
            if step > 1 and f"{stride}+" in self.taps and len({op.conv[0].out_channels for op in first.values()}) > 1:
                raise ValueError(
                    f"the tap '{stride}+' is what the first layer of stage {stage} expands to, in different ways here: "
                    f"set the space's `wide` to [{stage}]"
                )
            stride *= step

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W) in, the maps of the taps out, as in `MBConvNet`."""
        places, shares = self._places(), self.shares()
        layers: list[Any] = [self.get_submodule(place) for place in places.values()]
        for name, layer in zip(places, layers, strict=True):
            layer.shares = shares[name]
        maps = super().forward(x)
        for layer in layers:
            layer.shares = {}
        return maps

    def weigh(self, choices: Choices) -> Mapping[str, Shares]:
        return super().weigh(self.space.canonical(choices))

    def operations(self) -> Mapping[str, Mapping[Choice, str]]:
        return {
            name: {op: f"{place}.{module_name(op)}" for op in self.decisions[name]}
            for name, place in self._places().items()
        }

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        kept = self.space.canonical(choices)
        origins = {name: name for name in ("conv1", "layer1", "conv2")}
        return self.renamed(
            origins | {place: f"{place}.{module_name(kept[name])}" for name, place in self._places().items()}
        )

    def _places(self) -> dict[str, str]:
        """The module of every decision that the taps depend on."""
        return {
            f"stage{stage}.layer{layer}": f"layer{stage + 2}.{layer}"
            for stage, depth in enumerate(self.space.layers[: len(self.strides) - 1])
            for layer in range(depth)
        }
