"""However one network is spelled, its key and its config are the same."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from growing_graphs import GrowingGraphs

from core.table import table
from search_spaces import SPACES, SearchSpace
from search_spaces.decoder_cells.space import BLOCKS, LAYERS, swapped
from search_spaces.genomes.genes import read, write
from search_spaces.mbconv.scaled import ScaledMBConv

Spelling = dict[str, Any]


def exchange(choices: Spelling, a: str, b: str) -> None:
    """Let two names with these beginnings exchange their choices."""
    for name in [name for name in choices if name.startswith(a)]:
        other = b + name.removeprefix(a)
        choices[name], choices[other] = choices[other], choices[name]


def toy(choices: Spelling, rng: Random) -> Spelling:
    return dict(sorted(choices.items(), key=lambda _: rng.random()))


def decoder_cells(choices: Spelling, rng: Random) -> Spelling:
    layers, blocks = ([rng.random() < 0.5 for _ in range(count)] for count in (LAYERS, BLOCKS))
    return swapped(choices, layers, blocks)


def decoder_templates(choices: Spelling, rng: Random) -> Spelling:
    """Number the templates otherwise, and exchange the sides of those that no layer repeats."""
    layers = [name.removesuffix(".template") for name in choices if name.endswith(".template")]
    for place in range(3):
        used = [layer for layer in layers if choices[f"{layer}.template"] == place]
        if rng.random() < 0.5 and all(choices[f"{layer}.repeats"] == 1 for layer in used):
            for one in (f"template{place}", *used):
                exchange(choices, f"{one}.a", f"{one}.b")
    order = rng.sample(range(3), 3)
    renamed = {name: f"template{order[int(name[8])]}{name[9:]}" for name in choices if name.startswith("template")}
    numbers = {f"{layer}.template": order[choices[f"{layer}.template"]] for layer in layers}
    return {renamed.get(name, name): choice for name, choice in choices.items()} | numbers


def fpn_cells(choices: Spelling, rng: Random) -> Spelling:
    for block in range(7):
        if choices[f"fpn.block{block}.join"] == "sum" and rng.random() < 0.5:
            exchange(choices, f"fpn.block{block}.a", f"fpn.block{block}.b")
    return choices


def head_cells(choices: Spelling, rng: Random) -> Spelling:
    """Move a skip behind its neighbour; where it passes the split, that counts one layer more or less."""
    for layer in range(5):
        names = [f"head.layer{layer}", f"head.layer{layer + 1}"]
        if choices[names[0]] == "skip" and choices["head.split"] != layer + 1:
            exchange(choices, *names)
    return choices


def fcos_decoder(choices: Spelling, rng: Random) -> Spelling:
    return head_cells(fpn_cells(choices, rng), rng)


def mbconv(choices: Spelling, rng: Random) -> Spelling:
    for stage in range(6):
        names = [name for name in choices if name.startswith(f"stage{stage}.") and not name.endswith("layer0")]
        layers = [choices[name] for name in names if choices[name] != "skip"]
        places = sorted(rng.sample(range(len(names)), len(layers)))
        choices |= dict.fromkeys(names, "skip") | {names[k]: op for k, op in zip(places, layers, strict=True)}
    return choices


def scaled_mbconv(choices: Spelling, rng: Random) -> Spelling:
    """Another depth or width that rounds to the same layers or channels, if there is one."""
    space = ScaledMBConv()
    arch = space.architecture(choices)
    equal = [one.as_dict() for one in space.neighbours(arch) if one == arch]
    return rng.choice(equal or [choices])


def restoration_cells(choices: Spelling, rng: Random) -> Spelling:
    for side in sorted({name.rsplit(".", 1)[0] for name in choices if name.endswith(".a.op")}):
        node = side.removesuffix(".a")
        if rng.random() < 0.5:
            exchange(choices, f"{node}.a", f"{node}.b")
        if choices[f"{node}.a.op"] == "none":
            choices[f"{node}.a.input"] = rng.choice((0, 1))
    return choices


def nasnet_cells(choices: Spelling, rng: Random) -> Spelling:
    for node in sorted({name.rsplit(".", 2)[0] for name in choices}):
        if rng.random() < 0.5:
            exchange(choices, f"{node}.a", f"{node}.b")
    return choices


def layer_graph(choices: Spelling, rng: Random) -> Spelling:
    """Other names for layers, in another order, and terms of sums in another order."""
    names = dict(
        zip(choices, rng.sample([f"layer{number}" for number in range(len(choices))], len(choices)), strict=True)
    )
    renamed = {}
    for name, text in choices.items():
        kind, sources, *rest = text.split()
        read = [names.get(source, source) for source in sources.split(",")]
        read = rng.sample(read, len(read)) if kind == "add" else read
        renamed[names[name]] = " ".join([kind, ",".join(read), *rest])
    return toy(renamed, rng)


def deep_neat(choices: Spelling, rng: Random) -> Spelling:
    """Other innovation numbers, and genes that are of no use: an edge that is off, and a node that leads nowhere."""
    genes = read(choices)
    nodes = [mark for mark in genes if mark.startswith("node")]
    numbers = {int(mark[4:]): number for mark, number in zip(nodes, rng.sample(range(2, 99), len(nodes)), strict=True)}
    renamed = {0: 0, 1: 1, **numbers}
    spelled = {f"node{renamed[int(mark[4:])]}": genes[mark] for mark in nodes}
    edges = [genes[mark] for mark in genes if mark.startswith("edge")]
    for number, edge in zip(rng.sample(range(99), len(edges)), edges, strict=True):
        spelled[f"edge{number}"] = {**edge, **{end: renamed[int(edge[end])] for end in ("source", "target")}}
    if rng.random() < 0.5 and len(nodes) < 32:
        spelled |= {"node99": genes[nodes[0]], "edge99": {"source": 0, "target": 99, "enabled": 1}}
    return write(spelled)


def growing_graphs(choices: Spelling, rng: Random) -> Spelling:
    nodes = sorted({name.split(".")[0] for name in choices})
    renamed = dict(zip(nodes, rng.sample(nodes, len(nodes)), strict=True))
    return {f"{renamed[name.split('.')[0]]}.{name.split('.')[1]}": choice for name, choice in choices.items()}


def table_rows(choices: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Another cell that is the same network, if there is one."""
    cells = table("transnas-cell")
    row = cells.row(choices)
    rows = next(rows for rows in cells.groups.values() if row in rows)
    return cells.choices(rng.choice(rows))


SPELLINGS: dict[str, Callable[[Spelling, Random], Spelling]] = {
    "ToySpace": toy,
    "Subset": head_cells,
    "TableSpace": table_rows,
    "DecoderCells": decoder_cells,
    "DecoderTemplates": decoder_templates,
    "FPNCells": fpn_cells,
    "HeadCells": head_cells,
    "FCOSDecoder": fcos_decoder,
    "MBConv": mbconv,
    "ScaledMBConv": scaled_mbconv,
    "MBConvWidths": toy,
    "MetaKernels": toy,
    "RestorationCells": restoration_cells,
    "NASNetCells": nasnet_cells,
    "LayerGraph": layer_graph,
    "DeepNEAT": deep_neat,
    "GrowingGraphs": growing_graphs,
}


@pytest.mark.parametrize("name", [*SPACES.names(), "GrowingGraphs"])
def test_spellings_of_one_network_have_one_key_and_one_config(name: str) -> None:
    settings = {"TableSpace": dict(table="transnas-cell"), "Subset": dict(space=dict(type="HeadCells"), choices={})}
    settings["LayerGraph"] = dict(start="mobilenet", most_params=1e5, most_layers=30)
    space: SearchSpace = GrowingGraphs() if name == "GrowingGraphs" else SPACES.get(name)(**settings.get(name, {}))
    arch, different = space.sample(Random(0)), 0
    for seed in range(100):
        arch = space.mutate(arch, Random(seed))
        other = space.architecture(SPELLINGS[name](arch.as_dict(), Random(seed)))
        different += other.choices != arch.choices
        assert other == arch
        assert (hash(other), other.key) == (hash(arch), arch.key)
        assert space.model(other) == space.model(arch)
    assert different > 20 or name in ("ToySpace", "MBConvWidths", "MetaKernels")
