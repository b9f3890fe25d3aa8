"""All backbones of `MetaKernels` at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choices
from search_spaces.meta_kernel.kernels import SIZES, centred, convolved, spread
from search_spaces.meta_kernel.network import MetaKernelNet, depthwise, edges, first_step, operation
from search_spaces.meta_kernel.space import CONVOLUTIONS, MetaKernels
from search_spaces.nasnet_cells.network import TAPS
from search_spaces.ops import conv
from search_spaces.supernet import ChoiceSupernet, Shares


class MixedEdge(nn.Module):
    """All `operations` on one map, each counted by its share.

    Those that convolve are a single convolution, however many have a share: by additivity their filters, mixed, are one kernel.
    The meta-kernel is made of the filters of `sep3`, `sep5` and `sep7`; the 1x1 convolution serves all.
    """

    def __init__(self, operations: Sequence[str], inputs: int, outputs: int, stride: int):
        super().__init__()
        convolve = [name for name in operations if name in CONVOLUTIONS]
        single = [f"sep{size}" for size in SIZES] if "meta" in convolve else []
        names = dict.fromkeys([*single, *(name for name in convolve if name != "meta")])
        self.stride = stride
        self.filters = nn.ParameterDict({name: depthwise(name, inputs, stride).weight for name in names})
        if single:
            self.mixing = nn.Parameter(torch.zeros(len(single)))
        self.conv = conv(inputs, outputs) if convolve else nn.Identity()
        self.norm = nn.BatchNorm2d(outputs, affine=False) if convolve else nn.Identity()
        others = [name for name in operations if name not in CONVOLUTIONS]
        self.others = nn.ModuleDict({name: operation(name, inputs, outputs, stride, affine=False) for name in others})

    def forward(self, x: Tensor, shares: Shares) -> Tensor:
        convolving = {name: share for name, share in shares.items() if name in CONVOLUTIONS}
        terms = [share * self.others[str(name)](x) for name, share in shares.items() if name not in convolving]
        if convolving:  # BN would lose their share of the whole: it counts behind it
            whole = sum(convolving.values())
            kernel = self._kernel({name: share / whole for name, share in convolving.items()})
            terms.append(whole * self.norm(self.conv(convolved(x.relu(), kernel, self.stride))))
        return reduce(torch.add, terms)

    def _kernel(self, shares: Shares) -> Tensor:
        """The one that the filters with a share come to."""
        terms = [share * self._filter(str(name)) for name, share in shares.items() if name != "meta"]
        if "meta" in shares:
            single = [self.filters[f"sep{size}"] for size in SIZES]
            terms += [shares["meta"] * share * one for share, one in zip(self.mixing.softmax(0), single, strict=True)]
        return centred(terms)

    def _filter(self, name: str) -> Tensor:
        return spread(self.filters[name], 2) if name == "dil3" else self.filters[name]

    def origins(self, name: str) -> dict[str, str]:
        """What the tensors of an operation are called here."""
        if name not in CONVOLUTIONS:
            return {"": f"others.{name}."}
        apart = {f"1.filters.{place}": f"filters.sep{size}" for place, size in enumerate(SIZES)}
        kernel = {**apart, "1.mixing": "mixing"} if name == "meta" else {"1.weight": f"filters.{name}"}
        return {**kernel, "2.": "conv.", "3.": "norm."}


class MetaKernelSupernet(MetaKernelNet, ChoiceSupernet):
    """One softmax for every decision of a `MetaKernels` with these `settings`.

    Time and memory hardly grow with the operations that convolve (see `MixedEdge`). What weighs nothing is not run. With all
    weight on one answer, this is that answer's network, except that no BN is affine.
    """

    def __init__(self, settings: Mapping[str, Any], taps: Sequence[str] = TAPS):
        self.space = space = MetaKernels(**settings)
        super().__init__(space.everywhere("skip"), taps=taps, **space.outer)
        self.stem = first_step(space.outer["channels"], affine=False)
        self.layers = nn.ModuleList(
            nn.ModuleList(MixedEdge(space.operations, *edge) for edge in of)
            for of in edges(**space.outer)[: max(self.ends)]
        )
        self.offer(space.decisions)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W) in, the maps of the taps out, as in `MetaKernelNet`."""
        shares = self.shares()
        layers: Any = zip(self.layers, self.space.layers, strict=False)
        runs = [
            [partial(edge, shares=shares[name]) for edge, name in zip(of, names, strict=True)] for of, names in layers
        ]
        return self.through(self.stem(x), runs)

    def kernels(self) -> list[nn.Parameter]:
        return [one for edge in self.modules() if isinstance(edge, MixedEdge) for one in edge.filters.values()]

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        origins, weights = {"stem.": "stem."}, self.state_dict()
        for layer, names in enumerate(self.space.layers[: len(self.layers)]):
            for place, name in enumerate(names):
                edge = f"layers.{layer}.{place}"
                found = self.get_submodule(edge).origins(str(choices[name]))  # type: ignore[operator]
                origins |= {f"{edge}.{there}": f"{edge}.{here}" for there, here in found.items()}
        return {
            there + name.removeprefix(here): value
            for there, here in origins.items()
            for name, value in weights.items()
            if name.startswith(here)
        }
