"""What every space promises. A new space is covered by being registered."""

from __future__ import annotations

import json
from random import Random

import pytest

from benchmarks.benchmark import CONFIGS, Benchmark, read_config, strategy_files
from benchmarks.job import build_task
from search_spaces import SPACES, Architecture, SearchSpace

SPACES.import_from_location()


@pytest.fixture(params=SPACES.module_dict, ids=str)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return SPACES.module_dict[request.param]()


def test_samples_are_legal_and_repeatable(space: SearchSpace) -> None:
    for seed in range(20):
        arch = space.sample(Random(seed))
        assert arch == space.sample(Random(seed))
        assert space.architecture(arch.as_dict()) == arch


def test_architectures_survive_json(space: SearchSpace) -> None:
    arch = space.sample(Random(0))
    again = space.architecture(json.loads(json.dumps(arch.as_dict())))
    assert (again.key, again.choices) == (arch.key, arch.choices)


def test_a_mutation_changes_one_decision(space: SearchSpace) -> None:
    arch = space.sample(Random(0))
    for seed in range(20):
        child = space.mutate(arch, Random(seed))
        assert sum(child[name] != arch[name] for name in space.decisions) == 1


def test_only_holds_the_rest(space: SearchSpace) -> None:
    rest = space.sample(Random(0))
    prefix = next(iter(space.decisions))
    part = space.only(prefix, rest)
    for seed in range(10):
        arch = part.mutate(part.sample(Random(seed)), Random(seed))
        assert all(arch[name] == rest[name] for name in space.decisions if not name.startswith(prefix))
        assert space.architecture(arch.as_dict()) == arch
    assert part.size < space.size


def test_models_are_plain_data(space: SearchSpace) -> None:
    model = space.model(space.sample(Random(0)))
    assert json.loads(json.dumps(model)) == model


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda name, choices: {**choices, name: "no such choice"}, "cannot be 'no such choice'"),
        (lambda name, choices: {key: value for key, value in choices.items() if key != name}, "has no choice"),
        (lambda name, choices: {**choices, name + "x": 1}, "did you mean"),
    ],
)
def test_illegal_choices_are_refused_by_name(space: SearchSpace, change, sentence: str) -> None:
    name = next(iter(space.decisions))
    with pytest.raises(ValueError, match=sentence):
        space.architecture(change(name, space.sample(Random(0)).as_dict()))


def test_a_space_has_a_supernet_or_says_so(space: SearchSpace) -> None:
    if type(space).supernet is SearchSpace.supernet:
        with pytest.raises(TypeError, match="has no supernet"):
            space.supernet()
    else:
        assert json.loads(json.dumps(space.supernet())) == space.supernet()


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in CONFIGS.glob("*/protocol.py")))
def test_every_benchmark_builds_and_runs_what_its_space_samples(folder: str, cache, folder_data) -> None:
    import torch
    from torch.utils._pytree import tree_leaves

    config = read_config(next(strategy_files(folder))).to_dict()["benchmark"]
    task = dict(config["task"])
    if "root" in task.get("data", {}):  # a benchmark on data from outside: only its network counts here
        kind = task["type"].rsplit(".", 1)[-1]
        if kind == "RestorationTask":
            task["data"] = {"type": "ScenesImages", "gray": config["space"].get("in_channels", 1) == 1}
            task.setdefault("degradation", {"type": "RainStreaks"})
        elif kind == "SegmentationTask":
            task["data"] = {**task["data"], "root": str(folder_data)}
        else:
            task["data"] = {"type": "ScenesDetection"}
        if "encoder" in task:
            task["encoder"] = {"width": task["encoder"].get("width", 1.0)}
    task = build_task(json.dumps({**task, "cache": str(cache), "device": "cpu"}))
    benchmark = Benchmark.of(config)
    for seed in range(2):
        arch: Architecture = benchmark.space.sample(Random(seed))
        with torch.no_grad():
            outputs = tree_leaves(
                task.network(benchmark.space.model(arch))(torch.zeros(1, task.input_shape[0], 64, 64))
            )
        assert all(len(output) == 1 and torch.isfinite(output).all() for output in outputs)
