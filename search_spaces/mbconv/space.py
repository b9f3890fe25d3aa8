"""Backbones of inverted residuals: kernel, expansion and depth of every stage (FNA: Fang et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# Of the six searched stages, at width 1. Before them come a stem of 32 channels and a block of 16 at stride 2.
CHANNELS = (24, 32, 64, 96, 160, 320)
STRIDES = (2, 2, 2, 1, 2, 1)
STRIDE_16: dict[str, Any] = dict(strides=(1, 2, 2, 2, 1, 1, 1), dilations=(1, 1, 1, 1, 1, 2, 2))  # of DeepLabv3
OPERATIONS = tuple(f"k{kernel}e{expansion}" for kernel in (3, 5, 7) for expansion in (3, 6))

Genotype = Sequence[Sequence[Any]]

# Published networks: Sandler et al., CVPR 2018; Fang et al., ICLR 2020 (FNA); Rana and Kim, J. Sensor Sci. Technol. 2021,
# figure 4.
MOBILENET_V2: Genotype = [["k3e6"] * depth for depth in (2, 3, 4, 3, 3, 1)]
FNA_SSDLITE: Genotype = [
    ["k5e6"],
    ["k5e6", "k5e6", "k3e6", "k5e6"],
    ["k5e6", "k7e6", "k3e6"],
    ["k7e6", "k7e6", "k7e6", "k7e6"],
    ["k5e6", "k7e6", "k7e6"],
    ["k7e6"],
]
FNA_RETINANET: Genotype = [
    ["k3e6", "k3e6"],
    ["k7e6", "k5e6"],
    ["k3e6", "k5e6", "k7e6", "k3e6"],
    ["k5e6", "k7e6"],
    ["k7e6", "k7e6", "k7e3", "k7e6"],
    ["k7e6"],
]
FNA_DEEPLAB: Genotype = [
    ["k3e6", "k3e6"],
    ["k7e6", "k3e6", "k3e6", "k3e6"],
    ["k7e6", "k7e6", "k5e6", "k7e6", "k7e6", "k5e6"],
    ["k7e6", "k7e6", "k7e6", "k7e6"],
    ["k7e6", "k5e6"],
    ["k7e3"],
]
RANA_KIM: Genotype = [
    ["k7e6", "k5e6", "k3e6", "k3e3"],
    ["k7e6", "k3e6", "k5e6", "k7e3"],
    ["k5e6", "k3e6", "k3e3", "k3e6"],
    ["k3e6", "k7e6", "k3e6", "k7e3"],
    ["k5e6", "k7e6", "k7e3", "k5e3"],
    ["k3e6"],
]

# Tan and Le, ICML 2019: the stages of EfficientNet-B0, all of squeeze-excite and swish (torch's SiLU).
EFFICIENTNET: dict[str, Any] = dict(channels=(24, 40, 80, 112, 192, 320), act="SiLU", excite=True)
EFFICIENTNET_B0: Genotype = [
    [operation] * depth
    for operation, depth in (("k3e6", 2), ("k5e6", 2), ("k3e6", 3), ("k5e6", 3), ("k5e6", 4), ("k3e6", 1))
]


def scaled(channels: int, width: float) -> int:
    """`channels` times `width` as a multiple of 8, never less than nine tenths of it (MobileNetV2's rule)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels * width else rounded + 8


class MBConv(FiniteSpace):
    """Kernel (3, 5, 7) and expansion (3, 6) of every layer of six stages, and how many layers a stage has.

    A stage has at most `layers[k]` layers: all but the first may be "skip", which leaves the layer out. The first layer of
    the stages in `wide` always expands six times; of stage 4 FNA's SSDLite sees that expansion. `width` multiplies all
    channels but the last 1280 (see `MBConvNet`), `depth` the layers of a stage, by repeating the last; both are 1 in the
    published networks but EfficientNet's, whose other `channels`, activation and squeeze-excite are `EFFICIENTNET`. `strides`
    and `dilations` are those of the fixed block and the stages; `STRIDE_16` has those of DeepLabv3's backbones.
    """

    def __init__(
        self,
        layers: Sequence[int] = (4, 4, 4, 4, 4, 1),
        width: float = 1.0,
        wide: Sequence[int] = (),
        channels: Sequence[int] = CHANNELS,
        depth: float = 1.0,
        act: Literal["ReLU6", "SiLU"] = "ReLU6",
        excite: bool = False,
        strides: Sequence[int] = (1, *STRIDES),
        dilations: Sequence[int] = (1,) * 7,
    ):
        if len(layers) != len(CHANNELS) or min(layers) < 1:
            raise ValueError(f"layers must be {len(CHANNELS)} numbers from 1 on, not {tuple(layers)}")
        if not width > 0:
            raise ValueError(f"width must be positive, not {width}")
        if not depth >= 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        if act not in ("ReLU6", "SiLU"):
            raise ValueError(f"act must be 'ReLU6' or 'SiLU', not {act!r}")
        if len(channels) != len(CHANNELS) or min(channels) < 1:
            raise ValueError(f"channels must be {len(CHANNELS)} numbers from 1 on, not {tuple(channels)}")
        if not set(wide) <= set(range(len(CHANNELS))):
            raise ValueError(f"wide must name stages from 0 to {len(CHANNELS) - 1}, not {tuple(wide)}")
        for name, given in (("strides", strides), ("dilations", dilations)):
            if len(given) != len(CHANNELS) + 1 or min(given) < 1:
                raise ValueError(f"{name} must be {len(CHANNELS) + 1} numbers from 1 on, not {tuple(given)}")
        self.layers = tuple(layers)
        self.settings: dict[str, Any] = dict(width=width, channels=list(channels), depth=depth, act=act, excite=excite)
        self.settings |= dict(strides=list(strides), dilations=list(dilations))
        self.notation = f"the operations of {len(layers)} stages of at most {self.layers} layers, without skips"
        decisions: dict[str, tuple[Choice, ...]] = {}
        for stage, most in enumerate(self.layers):
            first = tuple(op for op in OPERATIONS if stage not in wide or op.endswith("e6"))
            for layer in range(most):
                decisions[f"stage{stage}.layer{layer}"] = (*OPERATIONS, "skip") if layer else first
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"backbone": dict(type="densebench.MBConvNet", stages=self.write(choices), **self.settings)}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        choices: dict[str, Choice] = {}
        plain = _plain(genotype, self.settings["channels"], self.settings["strides"])
        stages = zip(plain, self.layers, strict=True)
        for stage, (operations, depth) in enumerate(stages):
            padded = [*operations, *["skip"] * (depth - len(operations))]
            choices |= {f"stage{stage}.layer{layer}": op for layer, op in enumerate(padded)}
        return choices

    def write(self, choices: Choices) -> list[list[str]]:
        """The published notation."""
        return [[op for op in stage if op != "skip"] for stage in self._stages(choices)]

    def canonical(self, choices: Choices) -> Choices:
        """A skip is an absent layer wherever it stands: skips move to the end of their stage."""
        return {
            f"stage{stage}.layer{layer}": operation
            for stage, operations in enumerate(self._stages(choices))
            for layer, operation in enumerate(sorted(operations, key=lambda op: op == "skip"))
        }

    def wiring(self, choices: Choices) -> Graph:
        graph = Graph()
        for stage, operations in enumerate(self.write(choices)):
            last, group = tuple[str, ...](), f"stage {stage}, stride {self.settings['strides'][stage + 1]}"
            for layer, operation in enumerate(operations):
                last = (graph.add(f"stage{stage}.layer{layer}", operation, group, last),)
        return graph

    def _stages(self, choices: Choices) -> list[list[str]]:
        return [
            [str(choices[f"stage{stage}.layer{layer}"]) for layer in range(depth)]
            for stage, depth in enumerate(self.layers)
        ]


def _plain(genotype: Genotype, channels: Sequence[int], strides: Sequence[int]) -> Genotype:
    """The operations of the stages, also of rows [[inputs, outputs], ["k3_e6", ...], stride], as Rana and Kim print them.

    The fixed block's row may come first. Raises ValueError where rows have other channels or strides than the space.
    """
    if not isinstance(genotype[0][0], list | tuple):
        return genotype
    widths = (32, 16, *channels)
    fixed = [[list(pair), stride] for pair, stride in zip(pairwise(widths), strides, strict=True)]
    rows = [[list(pair), stride] for pair, _, stride in genotype]
    if rows not in (fixed, fixed[1:]) or (rows == fixed and list(genotype[0][1]) != ["k3_e1"]):
        raise ValueError(f"its channels and strides are {rows}, those of the space {fixed}")
    return [[op.replace("_", "") for op in operations] for _, operations, _ in genotype[-len(CHANNELS) :]]
