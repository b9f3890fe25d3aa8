"""An open space in sixty lines: it grows, it is searched, and its layers keep their weights wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import growing_graphs
import numpy as np
import pytest
from growing_graphs import GrowingGraphs

from strategies.regularized_evolution import RegularizedEvolution


def test_it_takes_sixty_lines() -> None:
    lines = Path(growing_graphs.__file__).read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 60


def test_it_grows_without_bound() -> None:
    space, arch = GrowingGraphs(), GrowingGraphs().sample(Random(0))
    for seed in range(200):
        arch = space.mutate(arch, Random(seed))
    layers = space.model(arch)["layers"]
    assert len(layers) > 80
    assert all(layer.keys() == growing_graphs.SETTINGS.keys() for layer in layers)
    births = [name.split(".")[0] for name, _ in sorted(arch.choices, key=lambda item: str(item[1])) if "place" in name]
    assert births != sorted(births)  # new layers come anywhere


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"node0.place": 1}, "node0.place cannot be 1"),
        ({"node1.place": 0}, "every layer a place, width, kernel and act"),
        ({"node0.kernel": 2}, "node0.kernel cannot be 2"),
        ({"depth": 2}, "every layer a place, width, kernel and act"),
    ],
)
def test_what_is_no_graph_is_refused(change: dict[str, int], sentence: str) -> None:
    space = GrowingGraphs()
    with pytest.raises(ValueError, match=f"these choices make no network: .*{sentence}"):
        space.architecture({**space.sample(Random(0)).as_dict(), **change})
    with pytest.raises(ValueError, match="at least one layer"):
        space.architecture({})


def test_a_layer_keeps_its_weights_where_it_moves() -> None:
    space = GrowingGraphs()
    parent = space.sample(Random(0))
    for seed in range(20):
        parent = space.mutate(parent, Random(seed))
    births = order(parent.as_dict())
    weights = {"gains": np.arange(len(births)) + 1}
    for seed in range(40):
        child = space.mutate(parent, Random(seed))
        after = order(child.as_dict())
        taken = space.inherit(weights, {"gains": np.zeros(len(after))}, parent, child)
        assert taken["gains"] == [births.index(node) + 1 if node in births else 0 for node in after]


def order(choices: dict) -> list[str]:
    return sorted({name.split(".")[0] for name in choices}, key=lambda node: choices[f"{node}.place"])


def test_evolution_searches_it_and_goes_on_where_it_was_interrupted(toy_study, tmp_path: Path) -> None:
    """Children inherit their parents' layers; graphs of every size are proposed, measured and remembered."""

    def played(folder: str, trials: int) -> list[tuple]:
        protocol = dict(space={"type": "growing_graphs.GrowingGraphs"}, gate=None, budget=dict(trials=trials))
        with toy_study(tmp_path / folder, **protocol) as study:
            answer = RegularizedEvolution(population=10, tournament=3, inherit=True).search(study)[0]
            assert answer.arch in [trial.arch for trial in study.trials]
            return [(trial.arch, trial.reward, trial.inherited) for trial in study.trials]

    whole = played("whole", 60)
    played("interrupted", 25)
    (tmp_path / "interrupted").rename(tmp_path / "resumed")
    assert played("resumed", 60) == whole
    sizes = {len(GrowingGraphs().model(arch)["layers"]) for arch, _, _ in whole}
    assert sizes > {1, 2, 3}
    grown = [report for _, _, report in whole if report is not None]
    assert len(grown) >= 50
    assert {report.changed for report in grown} == {1}  # the tensor of all layers, put together anew
    found = [reward for _, reward, _ in whole]
    assert max(found) > max(found[:10])


def test_its_cheap_scores_are_ranked_against_the_longer_ones(tool, toy_config, tmp_path: Path) -> None:
    """From the command line: a run of the open space, and how its short stage ranks networks of every size."""
    protocol = {**toy_config, "space": {"type": "growing_graphs.GrowingGraphs"}, "gate": None}
    strategies = {"evolution": {"type": "RegularizedEvolution", "population": 10, "tournament": 3, "inherit": True}}
    config = tmp_path / "growing.py"
    config.write_text(f"benchmark = {protocol!r}\nstrategies = {strategies!r}\n")
    done = tool("run_benchmark", config, "--work-dir", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    done = tool("compare_rewards", tmp_path / "runs", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["trials"] > 40
    assert [one["signal"] for one in result["agreements"]] == ["score", "reward"]
    for one in result["agreements"]:
        assert 0.3 < one["tau"]["low"] < one["tau"]["value"] < one["tau"]["high"] <= 1
