"""Published tables: their known numbers, and which networks are equal."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, spearmanr

from benchmarks.analysis.audit import share
from benchmarks.analysis.ranking import kendall, spearman
from benchmarks.analysis.table_sources import CELL, EDGES, SOURCES, cell_form, nas_bench_201
from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from core.table import table


def column(name: str, metric: str) -> np.ndarray:
    return table(name).metric("val", metric)[:, 0, 0].astype(float)


def test_known_numbers_of_transnas() -> None:
    best = table("transnas-cell").choices(int(column("transnas-cell", "segmentsemantic").argmax()))
    assert [CELL.index(op) for op in best.values()] == [3, 1, 3, 0, 2, 2]
    values = {metric: column("transnas-cell", metric) for metric in table("transnas-cell").schema.metrics}
    assert values["segmentsemantic"].max() == pytest.approx(94.613, abs=5e-4)
    assert np.median(values["segmentsemantic"]) == pytest.approx(94.181, abs=5e-4)
    pairs = {("segmentsemantic", "normal"): 0.80, ("segmentsemantic", "class_object"): 0.64}
    pairs |= {("segmentsemantic", "autoencoder"): 0.06, ("normal", "autoencoder"): 0.26}
    for (one, other), known in pairs.items():
        assert spearmanr(values[one], values[other]).statistic == pytest.approx(known, abs=5e-3)


def test_known_numbers_of_nas_bench_macro() -> None:
    macro = table("nas-bench-macro")
    runs = macro.metric("val", "accuracy")[:, :, 0].astype(float)
    means = runs.mean(axis=1)
    best = macro.choices(int(means.argmax()))
    assert "".join(map(str, best.values())) in ("22212220", "22212202")  # which are one network
    assert len(macro.groups) == 3969
    assert all(np.ptp(runs[rows], axis=0).max() == 0 for rows in macro.groups.values())
    assert (means.max(), means.mean()) == (pytest.approx(93.127, abs=5e-4), pytest.approx(90.25, abs=5e-3))
    assert np.median(runs.std(axis=1, ddof=1)) == pytest.approx(0.172, abs=5e-4)
    assert kendalltau(runs[:, 0], runs[:, 1]).statistic == pytest.approx(0.882, abs=5e-4)
    for cost, known in (("madds", 0.748), ("params", 0.318)):
        assert spearmanr(means, macro.column(cost)).statistic == pytest.approx(known, abs=5e-4)


@pytest.mark.parametrize("name", ["transnas-cell", "transnas-macro", "nas-bench-macro"])
def test_shipped_tables_are_their_sources(shared: Any, tmp_path: Path, name: str) -> None:
    made = SOURCES[name](shared("tables") / f"{name.replace('-', '_')}.csv.gz", tmp_path / name)
    assert made.fingerprint == table(name).fingerprint


def graph(ops: tuple[str, ...], reduces: bool) -> nx.MultiDiGraph:
    """The operations that the output needs; edges carry how often one is summed."""
    sums: list[list[Any]] = [["input"]]
    drawn = nx.MultiDiGraph()
    drawn.add_node("input", op="input")
    drawn.add_node("output", op="output")
    for node in range(1, 4):
        terms: list[Any] = []
        for edge, ((source, target), op) in enumerate(zip(EDGES, ops, strict=True)):
            if target != node or op == "none" or not sums[source]:
                continue
            if op == "skip" and not (reduces and source == 0):
                terms += sums[source]
                continue
            drawn.add_node(edge, op=op)
            drawn.add_edges_from((term, edge) for term in sums[source])
            terms.append(edge)
        sums.append(terms)
    drawn.add_edges_from((term, "output") for term in sums[-1])
    return drawn.subgraph(nx.ancestors(drawn, "output") | {"output", "input"})


@pytest.mark.parametrize(("reduces", "different"), [(True, 1376), (False, 1011)])
def test_equal_forms_are_isomorphic_networks(reduces: bool, different: int) -> None:
    groups: dict[Any, list[nx.MultiDiGraph]] = {}
    for ops in product(CELL, repeat=6):
        groups.setdefault(cell_form(ops, reduces), []).append(graph(ops, reduces))
    same = nx.algorithms.isomorphism.categorical_node_match("op", None)
    assert len(groups) == different
    assert all(
        nx.is_isomorphic(members[0], one, node_match=same) for members in groups.values() for one in members[1:5]
    )
    alike: dict[Any, list[nx.MultiDiGraph]] = {}
    for members in groups.values():
        first = members[0]
        key = sorted((str(first.nodes[node]["op"]), first.in_degree(node), first.out_degree(node)) for node in first)
        alike.setdefault(tuple(key), []).append(first)
    for several in alike.values():
        for place, one in enumerate(several):
            assert not any(nx.is_isomorphic(one, other, node_match=same) for other in several[:place])


def test_pickles_that_name_anything_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cifar10.pkl").write_bytes(pickle.dumps(Path("x")))
    with pytest.raises(ValueError, match="only plain data is read"):
        nas_bench_201(tmp_path, tmp_path / "out")


PROXIES = {
    "segmentsemantic": {"flops": (0.71, 0.52), "params": (0.69, 0.51), "jacov": (0.78, 0.60), "snip": (0.67, 0.49)},
    "normal": {"flops": (0.67, 0.49), "params": (0.66, 0.48), "jacov": (0.75, 0.57), "snip": (0.51, 0.35)},
    "autoencoder": {"flops": (-0.10, -0.07), "params": (-0.09, -0.07), "jacov": (0.17, 0.11), "snip": (-0.32, -0.25)},
}
NWOT = {"segmentsemantic": (0.54, 0.38), "normal": (0.60, 0.43), "autoencoder": (-0.04, -0.03)}


@pytest.mark.parametrize("task", PROXIES)
def test_known_correlations_of_zero_cost_scores(shared: Any, task: str) -> None:
    """Spearman's and Kendall's, by the statistics of audits, of the scores that NAS-Bench-Suite-Zero has published."""
    read = pd.read_csv(shared("tables") / "transnas_cell_proxies.csv.gz")
    rows = read[read["task"] == task]
    everything = np.arange(len(rows))[None]
    for name, known in {**PROXIES[task], "nwot": NWOT[task]}.items():
        score, metric = rows[name].to_numpy(), rows["metric"].to_numpy()
        found = spearman(score, metric, everything)[0], kendall(score, metric, everything)[0]
        assert tuple(np.round(found, 2)) == known, name


def test_the_table_of_our_own_decoders_is_of_its_protocol_and_whole() -> None:
    found, benchmark = table("micro-segmentation"), Benchmark(read_protocol("micro-segmentation-v1")["benchmark"])
    assert found.decisions == benchmark.space.decisions  # type: ignore[attr-defined]
    assert found.schema.epochs == tuple(range(1, benchmark.stages[-1].recipe.epochs + 1))
    assert (len(found), len(found.groups), found.schema.runs) == (576, 576, 3)
    test = found.metric("test", "mIoU")
    assert np.isfinite(test).all()
    assert np.isfinite(found.metric("val", "mIoU")).all()
    assert np.isfinite(found.metric("final", "mIoU")[::5, 0, -1]).all()
    last = test[..., -1]
    assert share(last, np.arange(576)[None])[0] == pytest.approx(0.881, abs=5e-4)
    assert max(found.means("test", "mIoU").values()) == pytest.approx(43.614, abs=5e-4)
    assert [round(kendalltau(last[:, a], last[:, b]).statistic, 2) for a, b in ((0, 1), (0, 2), (1, 2))] == [
        0.55,
        0.58,
        0.61,
    ]
