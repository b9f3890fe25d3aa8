"""Backbones of inverted residuals: kernel, expansion and depth of every stage (FNA: Fang et al., ICLR 2020)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from core import Remapped, Weights, make
from search_spaces.architecture import Architecture, Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

# Of the six searched stages, at width 1. Before them come a stem and a block at stride 2, behind them a last convolution.
ENDS = (32, 16, 1280)
CHANNELS = (24, 32, 64, 96, 160, 320)
STRIDES = (2, 2, 2, 1, 2, 1)
STRIDE_16: dict[str, Any] = dict(strides=(1, 2, 2, 2, 1, 1, 1), dilations=(1, 1, 1, 1, 1, 2, 2))  # of DeepLabv3
OPERATIONS = tuple(f"k{kernel}e{expansion}" for kernel in (3, 5, 7) for expansion in (3, 6))

ACTS = ("ReLU6", "ReLU", "HSwish", "SiLU")

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


# Howard et al., ICCV 2019, tables 1 and 2: what NetAdapt left of the expansions, squeeze-excite ("s"), h-swish in the second
# half, and a last convolution that is averaged before a layer of 1280 (large) or 1024 (small) numbers.
V3_OPERATIONS = tuple(
    f"k{kernel}e{expansion}{excite}"
    for kernel in (3, 5)
    for expansion in (2.3, 2.5, 3, 3.67, 4, 4.5, 6)
    for excite in ("", "s")
)
V3_LARGE: dict[str, Any] = dict(
    layers=(2, 3, 4, 2, 3),
    channels=(24, 40, 80, 112, 160),
    strides=(1, 2, 2, 2, 1, 2),
    dilations=(1,) * 6,
    act=("ReLU",) * 3 + ("HSwish",) * 3,
    ends=(16, 16, 960),
    operations=V3_OPERATIONS,
)
V3_SMALL: dict[str, Any] = dict(
    layers=(2, 3, 2, 3),
    channels=(24, 40, 48, 96),
    strides=(2, 2, 2, 1, 2),
    dilations=(1,) * 5,
    act=("ReLU",) * 2 + ("HSwish",) * 3,
    ends=(16, 16, 576),
    first="k3e1s",
    operations=V3_OPERATIONS,
)
MOBILENET_V3_LARGE: Genotype = [
    ["k3e4", "k3e3"],
    ["k5e3s"] * 3,
    ["k3e6", "k3e2.5", "k3e2.3", "k3e2.3"],
    ["k3e6s"] * 2,
    ["k5e6s"] * 3,
]
MOBILENET_V3_SMALL: Genotype = [["k3e4.5", "k3e3.67"], ["k5e4s", "k5e6s", "k5e6s"], ["k5e3s"] * 2, ["k5e6s"] * 3]


class Operation(NamedTuple):
    """A layer: its kernel, how many times as many channels lie inside, or how many (the other is 0), and squeeze-excite."""

    kernel: int
    expansion: float
    inside: int
    excite: bool


def parsed(operation: str) -> Operation:
    """From "k5e6", "k5e2.5s" or "k5w48". Raises ValueError."""
    match = re.fullmatch(r"k(\d*[13579])(?:e(\d+(?:\.\d+)?)|w(\d+))(s?)", operation)
    if match is None or not float(match[2] or match[3]):
        how = "write kernel and expansion as in k3e6, kernel and channels as in k3w48, with squeeze-excite k3e6s"
        raise ValueError(f"there is no operation {operation!r}: {how}")
    kernel, expansion, inside, excite = match.groups()
    return Operation(int(kernel), float(expansion or 0), int(inside or 0), bool(excite))


def scaled(channels: float, width: float) -> int:
    """`channels` times `width` as a multiple of 8, never less than nine tenths of it (MobileNetV2's rule)."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels * width else rounded + 8


def module_name(operation: Choice) -> str:
    """What an operation is called in a supernet, where names have no dots."""
    return str(operation).replace(".", "_")


class MBConv(FiniteSpace):
    """Kernel (3, 5, 7) and expansion (3, 6) of every layer of six stages, and how many layers a stage has.

    A stage has at most `layers[k]` layers: all but the first may be "skip", which leaves the layer out. The first layer of
    the stages in `wide` always expands six times; of stage 4 FNA's SSDLite sees that expansion. Layers choose between
    `operations`; one that ends in an s has squeeze-excite. The other settings are those of `MBConvNet`, for networks that are
    published with others than MobileNetV2's: `EFFICIENTNET`, `V3_LARGE` and `V3_SMALL`, and `STRIDE_16` for DeepLabv3. Without
    `skip` every stage has all of its layers, as in Rana and Kim's space.

    Networks begin with what they can have of their parent's weights, or of a MobileNetV2's (`search_spaces.remap`).
    """

    version = 2

    def __init__(
        self,
        layers: Sequence[int] = (4, 4, 4, 4, 4, 1),
        width: float = 1.0,
        wide: Sequence[int] = (),
        channels: Sequence[int] = CHANNELS,
        depth: float = 1.0,
        act: str | Sequence[str] = "ReLU6",
        excite: bool = False,
        strides: Sequence[int] = (1, *STRIDES),
        dilations: Sequence[int] = (1,) * 7,
        ends: Sequence[int] = ENDS,
        first: str = "k3e1",
        operations: Sequence[str] = OPERATIONS,
        skip: bool = True,
    ):
        stages = len(channels)
        numbers = dict(channels=channels, layers=layers, strides=strides, dilations=dilations, ends=ends)
        for (name, given), count in zip(numbers.items(), (stages, stages, stages + 1, stages + 1, 3), strict=True):
            if not given or len(given) != count or min(given) < 1:
                raise ValueError(f"{name} must be {count} numbers from 1 on, not {tuple(given)}")
        if not width > 0:
            raise ValueError(f"width must be positive, not {width}")
        if not depth >= 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        acts = [act] * (stages + 1) if isinstance(act, str) else list(act)
        if len(acts) != stages + 1 or not set(acts) <= set(ACTS):
            raise ValueError(f"act must be one of {', '.join(ACTS)}, or {stages + 1} of them, not {act!r}")
        if not set(wide) <= set(range(stages)):
            raise ValueError(f"wide must name stages from 0 to {stages - 1}, not {tuple(wide)}")
        if not operations or len(set(operations)) < len(operations):
            raise ValueError(
                f"operations must be different ones such as {', '.join(OPERATIONS)}, not {tuple(operations)}"
            )
        expansions = {operation: parsed(operation).expansion for operation in (*operations, first)}
        if wide and 6 not in map(expansions.get, operations):
            raise ValueError(
                f"stages in wide begin with an expansion of 6, which none of {tuple(operations)} has: add one"
            )
        self.layers = tuple(layers)
        self.layout: dict[str, Any] = dict(layers=list(layers), wide=list(wide), operations=list(operations), skip=skip)
        self.settings: dict[str, Any] = dict(
            width=width,
            channels=list(channels),
            depth=depth,
            act=act if isinstance(act, str) else acts,
            excite=excite,
            strides=list(strides),
            dilations=list(dilations),
            ends=list(ends),
            first=first,
        )
        self.notation = f"the operations of {stages} stages of at most {self.layers} layers, without skips"
        others = (*operations, "skip") if skip else tuple(operations)
        decisions: dict[str, tuple[Choice, ...]] = {}
        for stage, most in enumerate(self.layers):
            begins = tuple(op for op in operations if stage not in wide or expansions[op] == 6)
            for layer in range(most):
                decisions[f"stage{stage}.layer{layer}"] = others if layer else begins
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"backbone": dict(type="densebench.MBConvNet", stages=self.write(choices), **self.settings)}

    def supernet(self) -> dict[str, Any]:
        if self.settings["depth"] != 1:
            raise TypeError(f"{self} has no supernet where layers are repeated: set depth to 1")
        return {"backbone": dict(type="densebench.MBConvSupernet", settings={**self.layout, **self.settings})}

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        choices: dict[str, Choice] = {}
        stages = zip(_plain(genotype, self.settings), self.layers, strict=True)
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

    def inherit(
        self, weights: Weights, fresh: Weights, parent: Architecture | None, child: Architecture | None
    ) -> Weights:
        """What is new in a child that is wider than its parent keeps its fresh weights: zeros behind a ReLU never learn.

        In a supernet, the layers of each operation take over what those of a network of this operation alone would.
        """
        from search_spaces.remap import remapped

        known = set(map(module_name, self.layout["operations"]))
        of = {name: next((part for part in name.split(".") if part in known), "") for name in fresh}
        values, sources = dict[str, Any](), dict[str, str]()
        for operation in sorted(set(of.values())):  # a network has none in its names
            alone = {name: name.replace(f".{operation}.", ".") for name in fresh if of[name] == operation}
            made = remapped(weights, {alone[name]: fresh[name] for name in alone}, rest="fresh")
            values |= {name: made[short] for name, short in alone.items()}
            sources |= {name: made.sources[short] for name, short in alone.items() if short in made.sources}
        return Remapped(values, sources)

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


def _plain(genotype: Genotype, settings: Mapping[str, Any]) -> Genotype:
    """The operations of the stages, also of rows [[inputs, outputs], ["k3_e6", ...], stride], as Rana and Kim print them.

    The fixed block's row may come first. Raises ValueError where rows have other channels or strides than the space.
    """
    if not isinstance(genotype[0][0], list | tuple):
        return genotype
    widths = (*settings["ends"][:2], *settings["channels"])
    fixed = [[list(pair), stride] for pair, stride in zip(pairwise(widths), settings["strides"], strict=True)]
    rows = [[list(pair), stride] for pair, _, stride in genotype]
    operations = [[op.replace("_", "") for op in row] for _, row, _ in genotype]
    if rows not in (fixed, fixed[1:]) or (rows == fixed and operations.pop(0) != [settings["first"]]):
        raise ValueError(f"its channels and strides are {rows}, those of the space {fixed}")
    return operations


def around(genotype: Genotype, width: float, depth: float, mbconv: Mapping[str, Any]) -> MBConv:
    """A space that holds the genotype, with other settings `mbconv`.

    Raises ValueError where one of these is none of `MBConv`, or is said already.
    """
    for name in ("width", "depth"):
        if name in mbconv:
            raise ValueError(f"mbconv cannot have a {name} of its own: leave it out")
    settings = {"layers": [len(stage) for stage in genotype], **mbconv}
    return make(MBConv, settings, "MBConv", width=width, depth=depth)
