"""Protocols: every one builds, unfair or unclear ones are refused in one sentence, the hash follows rules and code."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.benchmark import LARGEST_OF_STRATEGIES, Benchmark, check_bounds
from benchmarks.catalogue import benchmarks, read_protocol
from core import build
from strategies import STRATEGIES

LATE = dict(name="late", recipe=dict(epochs=1, continues=True))


@pytest.mark.parametrize("name", benchmarks())
def test_every_benchmark_and_its_strategies_are_built(name: str) -> None:
    plain = read_protocol(name)
    benchmark = Benchmark(plain["benchmark"])
    assert benchmark.id == name
    assert "random_search" in plain["strategies"]
    trains = not plain["benchmark"]["task"]["type"].endswith("TabularTask")  # a table's networks cost a training each
    assert len(plain["strategies"]) == 1 or benchmark.budget.images or not trains, "strategies are compared by images"
    for config in plain["strategies"].values():
        check_bounds(config, "the strategy", LARGEST_OF_STRATEGIES)
        build(STRATEGIES, config)


def protocol(**change: Any) -> dict[str, Any]:
    return {**read_protocol("toy")["benchmark"], **change}


def stage(name: str = "short", recipe: dict[str, Any] | None = None, **view: Any) -> dict[str, Any]:
    return dict(name=name, view=view, recipe={"epochs": 1, **(recipe or {})})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(stage=[]), "unknown entry of the benchmark 'stage': did you mean 'stages'"),
        (dict(stages=[]), "the benchmark's stages are empty: give at least one"),
        (dict(stages=0), "stages of the benchmark must be a list, not 0"),
        (dict(stages=[stage(), stage()]), "two stages are called 'short'"),
        (dict(stages=[stage(recipe=dict(continues=True))]), "stage 'short' continues, but no stage comes before it"),
        (dict(final=stage("final", dict(continues=True), eval="test")), "stage 'final' continues, but no stage"),
        (dict(stages=[stage(recipe=dict(schedule="poly")), LATE]), "stage 'short': .* must have a constant schedule"),
        (dict(stages=[stage(size=[0, 0])]), "stage 'short': size and eval_size must be at least 1x1 pixels"),
        (dict(stages=[stage(half=7)]), "stage 'short': half must be 0, 1 or None, not 7"),
        (dict(stages=[stage(recipe=dict(lr=-1))]), "stage 'short': lr must be positive, not -1"),
        (dict(stages=[stage(epochs=3)]), "unknown entry of the view of stage 'short' 'epochs'"),
        (dict(final=stage("final", eval="val")), "sees the split 'val' that the final score is taken on"),
        (dict(final=stage("final", train=["test"], eval="test")), "stage 'final' learns from the split 'test'"),
        (dict(final=dict(name="final", recipe=dict(epoch=1))), "did you mean 'epochs'"),
        (dict(seeds=0), "seeds of the benchmark must be a list, not 0"),
        (dict(seeds=["one"]), "an item of seeds of the benchmark must be a whole number, not 'one'"),
        (dict(seeds=[]), "has no seeds"),
        (dict(budget=dict(trials=0)), "at least 1 trial and 1 image, not 0 and None"),
        (dict(budget=dict(trials=1, images=0)), "at least 1 trial and 1 image, not 1 and 0"),
        (dict(budget=dict(trial=3)), "unknown entry of the budget of the benchmark 'trial': did you mean 'trials'"),
        (dict(id="../toy"), "the benchmark's id '../toy' names a folder"),
        (dict(id=""), "the benchmark's id '' names a folder"),
        (dict(id="ü" * 51), "the benchmark's id 'ü+' names a folder: use at most 100 bytes"),
        (dict(id="Cache"), "no benchmark can be called 'Cache', as the folder beside its runs is"),
        (dict(final_space=dict(type="ToySpace", layers=3)), "must have the same decisions"),
        (dict(final_space=dict(type="MBConv")), "must have the same decisions"),
        (dict(space=dict(type="ToySpac")), "unknown space 'ToySpac': did you mean 'ToySpace'"),
        (
            dict(reward=dict(type="Metric", metric="score")),
            "unknown setting of reward 'Metric' 'metric': choose one of name",
        ),
        (dict(reward=dict(type="GeometricMean", names=[])), "names must be at least one"),
        (dict(gate=dict(type="RunningMeen")), "unknown gate 'RunningMeen': did you mean 'RunningMean'"),
        (dict(objectives=dict(name=["score"])), "unknown setting of the objectives 'name': did you mean 'names'"),
        (dict(objectives={}), "the objectives cannot be built"),
    ],
)
def test_unfair_and_unclear_protocols_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        Benchmark(protocol(**change))
    assert len(str(refused.value).splitlines()) == 1


def test_a_missing_entry_is_named() -> None:
    config = protocol()
    del config["reward"]
    with pytest.raises(ValueError, match="the benchmark has no 'reward'"):
        Benchmark(config)


def test_a_stage_knows_that_the_next_one_continues_it() -> None:
    benchmark = Benchmark(protocol(stages=[stage(), LATE, stage("last")]))
    assert [one.recipe.continued for one in benchmark.stages] == [True, False, False]


def test_what_is_read_and_what_is_measured_before_the_first_stage() -> None:
    plain = Benchmark(protocol())
    assert (plain.reads(), plain.measures) == ({"score"}, ())
    gate = dict(type="AllOf", gates=[dict(type="RunningMean"), dict(type="Constraint", name="madds", at_most=1e6)])
    objectives = dict(names=["score", "params"], goals=["max", "min"])
    asked = Benchmark(protocol(gate=gate, objectives=objectives))
    assert asked.reads() == {"score", "madds", "params"}
    assert asked.measures == ("params", "madds")


def test_the_protocol_hash_follows_rules_data_and_code_but_not_places() -> None:
    def hashed(prints: tuple[str, ...] = ("data",), version: int = 1, **task: Any) -> str:
        config = protocol()
        changed = {**config, "task": {**config["task"], **task}}
        return Benchmark(changed).protocol_hash(prints, {"task": [1, 1], "space": version})

    places = dict(root="/somewhere", checkpoint="/else", teacher=dict(weights="/there"))
    assert hashed(teacher={}) == hashed(**places)
    assert hashed(teacher=dict(weights=[1.0, 2.0])) != hashed(teacher={})
    assert hashed() != hashed(noise=5.0)
    assert hashed() != hashed(("other data",))
    assert hashed() != hashed(version=2)
