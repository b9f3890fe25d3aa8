"""What every task promises. A new task is covered by being registered and having an embedded benchmark."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import groups, read_protocol
from core import build
from tasks import TASKS, Stage, Start, Task

EMBEDDED = {}
for ids in groups().values():
    config = read_protocol(ids[0])["benchmark"]
    EMBEDDED[config["task"]["type"].rsplit(".", 1)[-1]] = config
Played = tuple[Task, Benchmark]


@pytest.fixture(params=TASKS.names(), ids=str)
def played(request: pytest.FixtureRequest, cache: Path) -> Played:
    assert request.param in EMBEDDED, "give the task an embedded benchmark that is the `default_of` its name"
    benchmark = Benchmark(EMBEDDED[request.param])
    return build(TASKS, {**benchmark.task, "cache": str(cache), "device": "cpu"}), benchmark


@pytest.fixture(params=[name for name in TASKS.names() if name != "TabularTask"], ids=str)
def trained(request: pytest.FixtureRequest, cache: Path) -> Played:
    """One that trains networks, and does not read what came of it."""
    benchmark = Benchmark(EMBEDDED[request.param])
    return build(TASKS, {**benchmark.task, "cache": str(cache), "device": "cpu"}), benchmark


def short(benchmark: Benchmark) -> Stage:
    first = benchmark.stages[0]
    recipe = replace(first.recipe, epochs=1, continued=False)
    return replace(first, view=replace(first.view, share=0.1), recipe=recipe)


def test_names_its_metrics(played: Played) -> None:
    task, benchmark = played
    assert task.primary in task.metrics
    assert set(task.errors) <= set(task.metrics)
    assert benchmark.reads() - set(benchmark.measures) <= set(task.metrics)


def test_fits_repeatably_and_counts_what_it_saw(trained: Played) -> None:
    task, benchmark = trained
    stage = short(benchmark)
    task.prepare([stage])
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    first, second = (task.fit(model, stage, seed=4) for _ in range(2))
    assert first.metrics == second.metrics
    assert set(first.metrics) == set(task.metrics)
    assert all(math.isfinite(value) for value in first.metrics.values())
    assert (first.cost.images, first.cost.pixels) == (second.cost.images, second.cost.pixels)
    assert first.cost.images > 0
    assert first.cost.seconds > 0


def test_weights_are_worth_what_their_training_was(trained: Played, tmp_path: Path) -> None:
    task, benchmark = trained
    stage, path = short(benchmark), str(tmp_path / "weights")
    task.prepare([stage])
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    fitted = task.fit(model, stage, seed=4, keep=path)
    assert fitted.inherited is None
    looked = replace(stage, recipe=replace(stage.recipe, epochs=0))
    scored = task.fit(model, looked, seed=4, start=Start(path))
    assert scored.metrics[task.primary] == fitted.metrics[task.primary]
    assert scored.cost.images <= fitted.cost.images
    assert scored.inherited is not None
    assert scored.inherited.copied > 0
    assert scored.inherited.changed == scored.inherited.new == 0


def test_preparing_again_costs_what_it_cost(played: Played) -> None:
    task, benchmark = played
    assert task.prepare(benchmark.stages) == task.prepare(benchmark.stages)


def test_stages_with_settings_that_it_does_not_know_are_refused(played: Played) -> None:
    task, benchmark = played
    with pytest.raises(ValueError, match=r"options of stage .* 'colour'"):
        task.prepare([replace(benchmark.stages[0], options=(("colour", "red"),))])


def test_the_fingerprint_is_stable(played: Played) -> None:
    assert played[0].fingerprint() == played[0].fingerprint()


def test_its_networks_take_its_input(trained: Played) -> None:
    import torch
    from torch.utils._pytree import tree_leaves

    task, benchmark = trained
    model = benchmark.space.model(benchmark.space.sample(Random(0)))
    network = task.network(model)
    assert not network.training
    with torch.no_grad():
        assert all(torch.isfinite(output).all() for output in tree_leaves(network(torch.zeros(1, *task.input_shape))))
    assert task.measure(model, ["params"]) == {"params": sum(weight.numel() for weight in network.parameters())}
