"""Gradient search of decoders on cached features: two halves of the images, and a kill that changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors.inline import InlineExecutor
from benchmarks.study import Study
from search_spaces import SPACES
from strategies.darts import DARTS, Descent
from strategies.ir_nas import IRNAS
from tasks import Cost, Stage

CONFIG = read_config(next(strategy_files("segmentation"))).to_dict()["benchmark"]
STAGE = Stage("decoder", 1, size=(32, 32), eval_size=(32, 32), copies=2, batch=6, lr=5e-3, aux=0.15, cached=True)


@pytest.fixture
def benchmark() -> Benchmark:
    """The embedded benchmark in small."""
    space = SPACES.build(dict(type="DecoderCells", channels=4))
    return replace(
        Benchmark.of(CONFIG), space=space, final_space=space, stages=(STAGE,), budget=Budget(trials=2), gate_config=None
    )


def opened(benchmark: Benchmark, folder: Path, root: Path) -> Study:
    folder.mkdir(exist_ok=True)
    data = dict(type="FolderSegmentation", root=str(root), layout="folders")
    network = dict(type="tasks.segmentation.task.SegmentationTask", encoder=dict(width=0.1))
    task = dict(**network, data=data, cache=str(folder), device="cpu")
    return Study(benchmark, 0, folder, json.dumps(task), InlineExecutor())


def record(study: Study) -> list[Any]:
    return [(trial.id, trial.arch, trial.stages[0].metrics, trial.cost.images, trial.reward) for trial in study.trials]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("strategy", [DARTS(epochs=2, arch_lr=0.1), IRNAS(epochs=2, warmup=1)], ids=["darts", "ir_nas"])
def test_a_killed_search_ends_as_if_it_had_not_been(
    benchmark: Benchmark, tmp_path: Path, folder_data: Path, monkeypatch: pytest.MonkeyPatch, strategy: DARTS
) -> None:
    """KilledError in the second epoch, whose checkpoint is on disk and whose trial is not."""
    with opened(benchmark, tmp_path / "whole", folder_data) as study:
        answer = strategy.search(study)
        expected = record(study)
    for _, arch, metrics, _, reward in expected:
        assert benchmark.space.architecture(arch.as_dict()) == arch
        assert {"mIoU", "supernet_mIoU", "skip_ratio", "alpha_entropy", "loss"} <= metrics.keys()
        assert reward == benchmark.reward(metrics)
    assert [images for _, _, _, images, _ in expected][1:] == [
        6 + 6 + 6 + 3 + 3
    ]  # both halves; one for the norms; scored twice
    whole = Study.record

    def dies(self: Study, arch: Any, metrics: dict[str, float], cost: Cost) -> None:
        if len(self.trials) == 1:
            raise KilledError
        whole(self, arch, metrics, cost)

    with opened(benchmark, tmp_path / "cut", folder_data) as study:
        monkeypatch.setattr(Study, "record", dies)
        with pytest.raises(KilledError):
            strategy.search(study)
    monkeypatch.setattr(Study, "record", whole)
    with opened(benchmark, tmp_path / "cut", folder_data) as study:
        assert strategy.search(study) == answer
        assert record(study) == expected


def test_the_halves_share_no_image(benchmark: Benchmark, tmp_path: Path, folder_data: Path) -> None:
    with opened(benchmark, tmp_path, folder_data) as study:
        descent = Descent(DARTS(epochs=1), study)
        first, second = (set(descent.task.pictures(stage).order) for stage in descent.stages)
        assert not first & second
        assert first | second == set(descent.task.pictures(STAGE).order)
        kept = [descent.task.features(stage, training=True)[0] for stage in descent.stages]
    assert kept[0].folder != kept[1].folder
    assert [len(features) for features in kept] == [6, 6]
