"""Every benchmark's task builds and runs the networks that its space samples."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves

from benchmarks.catalogue import benchmarks, read_protocol
from core import build, content_key
from search_spaces import SPACES
from strategies import STRATEGIES
from strategies.baseline import Baseline
from tasks import TASKS

EMBEDDED = {
    "SegmentationTask": {"type": "ScenesSegmentation"},
    "DepthTask": {"type": "ScenesDepth"},
    "DetectionTask": {"type": "ScenesDetection"},
    "RestorationTask": {"type": "ScenesImages"},
    "ClassificationTask": {"type": "ScenesClassification"},
    "KeypointTask": {"type": "FiguresKeypoints"},
}


def on_embedded_data(task: dict[str, Any], space: dict[str, Any]) -> dict[str, Any]:
    """The task of a benchmark, where it is on data from outside on others: only its networks count here."""
    data = task.get("data", {})
    if "root" not in data.get("data", data):
        return task
    kind = task["type"].rsplit(".", 1)[-1]
    task = {**task, "data": EMBEDDED[kind]}
    if kind == "RestorationTask":
        data = {**EMBEDDED[kind], "gray": space.get("in_channels", 1) == 1}
        return {"degradation": {"type": "RainStreaks"}, **task, "data": data}
    own = {name: value for name, value in task.items() if name != "teacher"}
    return {**own, "encoder": {"width": task.get("encoder", {}).get("width", 1.0)}}


def played(name: str) -> list[Any]:
    """What decides the networks of a benchmark here, and its strategies."""
    protocol = read_protocol(name)
    benchmark = protocol["benchmark"]
    task = on_embedded_data(dict(benchmark["task"]), benchmark["space"])
    return [task, benchmark["space"], protocol["strategies"]]


def first_of_each(what: dict[str, list[Any]]) -> list[str]:
    """Of names that stand for the same, the first."""
    return list({content_key(one): name for name, one in reversed(what.items())}.values())[::-1]


PLAYED = {name: played(name) for name in benchmarks()}
# A table has results of networks, and none itself.
NETWORKS = {
    name: [task, space] for name, (task, space, _) in PLAYED.items() if not task["type"].endswith("TabularTask")
}


@pytest.mark.parametrize("name", first_of_each(NETWORKS))
def test_every_benchmark_builds_and_runs_what_its_space_samples(name: str, cache: Path) -> None:
    protocol = read_protocol(name)["benchmark"]
    settings = on_embedded_data(dict(protocol["task"]), protocol["space"])
    task, space = build(TASKS, settings, cache=str(cache), device="cpu"), build(SPACES, protocol["space"])
    for seed in range(2):
        network = task.network(space.model(space.sample(Random(seed))))
        with torch.no_grad():
            outputs = tree_leaves(network(torch.zeros(1, task.input_shape[0], 64, 64)))
        assert all(len(output) == 1 and torch.isfinite(output).all() for output in outputs)


@pytest.mark.parametrize("name", first_of_each(PLAYED))
def test_every_benchmark_builds_the_networks_that_it_compares_with(name: str, cache: Path) -> None:
    protocol = read_protocol(name)
    settings = on_embedded_data(dict(protocol["benchmark"]["task"]), protocol["benchmark"]["space"])
    task = build(TASKS, settings, cache=str(cache), device="cpu")
    for strategy in (build(STRATEGIES, config) for config in protocol["strategies"].values()):
        if isinstance(strategy, Baseline):
            text = json.dumps({**settings, "cache": str(cache), "device": "cpu"})
            space = build(SPACES, protocol["benchmark"]["space"])
            strategy.prepare(SimpleNamespace(task=task, task_config=text, space=space))  # type: ignore[arg-type]
