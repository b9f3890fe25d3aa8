"""All networks of `RestorationCells` at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture import Choice, Choices
from search_spaces.mixing import total
from search_spaces.ops import operation
from search_spaces.restoration_cells.network import INNER, Frame, activate, scaler, tail
from search_spaces.restoration_cells.space import RestorationCells, reachable
from search_spaces.restoration_cells.widths import arrivals, best_path, last_narrow
from search_spaces.supernet import Distributions, Supernet

Scores = tuple[Tensor, Tensor]  # of the operations (layers, edges, operations), of the moves (layers, widths, widths)


def mixed(parts: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The sum of maps, each by its share."""
    return total(share * x for share, x in parts)


def edge(node: int, source: int) -> int:
    """The place of a node's input among all inputs of all nodes; node i has 2 + i."""
    return node * (node + 3) // 2 + source


class MixedCell(nn.Module):
    """A cell whose nodes sum all operations on all their inputs, each by its weight; "none" has one, and adds nothing."""

    def __init__(self, nodes: int, operations: tuple[str, ...], channels: int):
        super().__init__()
        self.nodes, self.operations = nodes, operations
        style = replace(INNER, affine=False)
        self.ops = nn.ModuleDict(
            {
                f"{place}_{name}": operation(name, channels, style)
                for place in range(edge(nodes, 0))
                for name in operations
                if name != "none"
            }
        )

    def forward(self, older: Tensor, old: Tensor, weights: Tensor) -> Tensor:
        """`weights` is (edges, operations); what weighs nothing is not run."""
        pool, shares = [older, old], weights.tolist()
        for node in range(self.nodes):
            terms = [
                weights[edge(node, source), index] * self.ops[f"{edge(node, source)}_{name}"](x)
                for source, x in enumerate(pool)
                for index, name in enumerate(self.operations)
                if name != "none" and shares[edge(node, source)][index]
            ]
            pool.append(total(terms) if terms else torch.zeros_like(old))
        return torch.cat(pool[2:], 1)


class RestorationSupernet(Supernet):
    """Per layer a cell at every width that it can have, and 1x1 routers between the widths (HiNAS, CVPR 2020).

    `settings` are those of the `RestorationCells`.

    `alphas` (cells, edges, operations) and `betas` (layers, from width, to width) go through a softmax; a move by more than one
    width has no share. A cell's input from the layer before is the sum of what its widths send, weighted by `betas`: one
    cell for all ways in, or, if the settings say `per_path`, a pass of the cell for each.

    The input from two layers before is weighted by both moves, the decoder's inputs by the probabilities of the paths that
    would put them there. (In the authors' supernet the former is the sum of the layer before, and the decoder sees all ends
    side by side.) So, with all weight on one answer, this is that answer's network; widths that no path reaches are not run.
    No BN is affine.
    """

    def __init__(self, settings: Mapping[str, Any]):
        super().__init__()
        self.space = space = RestorationCells(**settings)
        count, nodes, stem = len(space.widths), space.nodes, space.frame["stem"]
        self.frame = Frame(narrow=nodes * space.widths[0], **space.frame, affine=False)
        self.cells, self.near, self.far = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for layer in range(space.layers):
            for width in reachable(layer, count):
                channels = space.widths[width]
                self.cells[f"{layer}_{width}"] = MixedCell(nodes, space.operations, channels)
                for routers, back in ((self.near, 1), (self.far, 2)):
                    for start in self._starts(layer, width, back):
                        inputs = nodes * space.widths[start] if layer >= back else stem
                        routers[f"{layer}_{start}_{width}"] = scaler(inputs, channels, affine=False)
        ends = reachable(space.layers - 1, count)
        self.tails = nn.ModuleDict(
            {str(end): tail(nodes * space.widths[end], stem, space.aspp, affine=False) for end in ends}
        )
        self.alphas = nn.Parameter(torch.zeros(space.cells, edge(nodes, 0), len(space.operations)))
        self.betas = nn.Parameter(torch.zeros(space.layers, count, count))

    def _starts(self, layer: int, width: int, back: int) -> list[int]:
        """The widths that a path may have had `back` layers before it is at `width` in `layer`; the stem's is 0."""
        starts = reachable(layer - back, len(self.space.widths)) if layer >= back else [0]
        return [start for start in starts if abs(start - width) <= back]

    def architecture_parameters(self) -> list[nn.Parameter]:
        return [self.alphas, self.betas]

    def scores(self) -> Scores:
        """The softmax of `alphas`, one for each layer, and of `betas`."""
        ops = self.alphas.softmax(-1).expand(self.space.layers, -1, -1)
        near = torch.ones_like(self.betas).tril(1).triu(-1).bool()
        return ops, self.betas.masked_fill(~near, -torch.inf).softmax(-1)

    def weigh(self, choices: Choices) -> Scores:
        cells, path = self.space.write(choices)
        ops, moves = torch.zeros_like(self.alphas), torch.zeros_like(self.betas)
        for cell, terms in enumerate(cells):
            for place, (name, source) in enumerate(terms):
                ops[cell, edge(place // 2, source), self.space.operations.index(name)] += 1
        for layer, (start, end) in enumerate(zip([0, *path], path, strict=False)):
            moves[layer, start, end] = 1
        return ops.expand(self.space.layers, -1, -1), moves

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, in_channels, H, W) in and out, as in `RestorationNet`."""
        ops, moves = self.alone or self.scores()
        first, second = self.frame.stem(x)
        older, old, narrow = {0: activate(first)}, {0: activate(second)}, []
        reached = arrivals(moves.detach()).tolist()
        before = torch.eye(moves.shape[1], device=moves.device, dtype=moves.dtype)
        for layer, step in enumerate(moves):
            twice, new = before @ step, {}
            for width in (width for width, chance in enumerate(reached[layer]) if chance):
                cell = partial(self.cells[f"{layer}_{width}"], weights=ops[layer])
                far = mixed(self._ways(layer, width, 2, older, twice))
                ways = self._ways(layer, width, 1, old, step)
                if self.space.per_path:
                    new[width] = mixed((share, cell(far, near)) for share, near in ways)
                else:
                    new[width] = cell(far, mixed(ways))
            narrow.append(new.get(0))
            older, old, before = old, {width: activate(y) for width, y in new.items()}, step
        ends, visits = arrivals(moves)[-1], last_narrow(moves)
        deep = total(ends[end] * self.tails[str(end)](y) for end, y in old.items())
        stem = 1 - visits.sum()
        early = [stem * self.frame.reduce(second)] if stem else []
        early += [chance * y for chance, y in zip(visits, narrow, strict=False) if y is not None]
        return self.frame.finish(x, total(early), deep)

    def _ways(
        self, layer: int, width: int, back: int, maps: Mapping[int, Tensor], moves: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """What a cell gets from the layer `back` layers before, its `maps` by width: shares of `moves`, and routed maps."""
        routers = self.near if back == 1 else self.far
        for start in self._starts(layer, width, back):
            if start in maps:
                yield moves[start, width], routers[f"{layer}_{start}_{width}"](maps[start])

    def discretise(self) -> dict[str, Choice]:
        """Each node's two inputs with the largest weight of an operation other than "none", and the path of `best_path`.

        Of equal weights the earlier input and the earlier operation win.
        """
        ops, moves = self.scores()
        names = [name for name in self.space.operations if name != "none"]
        real = ops.detach()[..., [self.space.operations.index(name) for name in names]].tolist()
        choices: dict[str, Choice] = {}
        for cell in range(self.space.cells):
            for node in range(self.space.nodes):
                inputs = [real[cell][edge(node, source)] for source in range(2 + node)]
                best = sorted(range(2 + node), key=lambda source: -max(inputs[source]))[:2]
                for side, source in zip("ab", sorted(best), strict=True):
                    name = names[inputs[source].index(max(inputs[source]))]
                    choices[f"cell{cell}.node{node}.{side}.input"] = source
                    choices[f"cell{cell}.node{node}.{side}.op"] = name
        return choices | {f"layer{layer}.width": width for layer, width in enumerate(best_path(moves))}

    def distributions(self) -> Distributions:
        """`cell0.node1.from2`: the operations on an input; `layer1.width`: where the paths are in a layer."""
        ops, moves = self.scores()
        result: dict[str, dict[Choice, Tensor]] = {}
        for cell in range(self.space.cells):
            for node in range(self.space.nodes):
                for source in range(2 + node):
                    shares = zip(self.space.operations, ops[cell][edge(node, source)], strict=True)
                    result[f"cell{cell}.node{node}.from{source}"] = dict(shares)
        for layer, places in enumerate(arrivals(moves)):
            result[f"layer{layer}.width"] = {width: places[width] for width in reachable(layer, len(places))}
        return result

    def derive(self, choices: Choices) -> dict[str, Tensor]:
        cells, path = self.space.write(self.space.canonical(choices))
        origins = {"frame": "frame", "tail": f"tails.{path[-1]}"}
        for layer, width in enumerate(path):
            start, before = [0, 0, *path][layer + 1], [0, 0, *path][layer]
            origins[f"near.{layer}"] = f"near.{layer}_{start}_{width}"
            origins[f"far.{layer}"] = f"far.{layer}_{before}_{width}"
            for place, (name, source) in enumerate(cells[0 if self.space.shared else layer]):
                origins[f"cells.{layer}.ops.{place}"] = f"cells.{layer}_{width}.ops.{edge(place // 2, source)}_{name}"
        return self.renamed(origins)
