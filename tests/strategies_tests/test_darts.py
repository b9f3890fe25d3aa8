"""Gradient search in a study: legal trials, honest cost, a kill that changes nothing, both orders, a frozen warm-up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors.inline import InlineExecutor
from benchmarks.study import Study
from search_spaces import SPACES
from strategies.darts import DARTS, Descent
from strategies.ir_nas import IRNAS
from tasks import Cost

CONFIG = read_config(next(strategy_files("restoration"))).to_dict()["benchmark"]


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    """The embedded benchmark in small: 26 training images in crops of 16x16, a narrow space, half of the loss SSIM's."""
    whole = Benchmark.of(CONFIG)
    space = SPACES.build(dict(type="RestorationCells", nodes=1, layers=2, channels=2, stem=4))
    stage = replace(whole.stages[0], share=0.1, size=(16, 16), batch=4)
    return replace(whole, space=space, final_space=space, stages=(stage,), budget=Budget(trials=3))


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score four images instead of 64."""
    from tasks.restoration.pictures import RestorationPictures

    monkeypatch.setattr(RestorationPictures, "eval_size", 4)


def opened(benchmark: Benchmark, folder: Path) -> Study:
    folder.mkdir(exist_ok=True)
    task = json.dumps({**benchmark.task, "cache": str(folder), "device": "cpu"})
    return Study(benchmark, 0, folder, task, InlineExecutor())


def record(study: Study) -> list[Any]:
    return [(trial.id, trial.arch.key, trial.stages[0].metrics, trial.cost.images) for trial in study.trials]


@pytest.mark.parametrize("strategy", [DARTS(epochs=3, order=2), IRNAS(epochs=3, warmup=1)], ids=["second", "ir_nas"])
def test_every_epoch_is_a_trial_and_does_it_again(benchmark: Benchmark, tmp_path: Path, strategy: DARTS) -> None:
    records = []
    for name in "ab":
        with opened(benchmark, tmp_path / name) as study:
            answer = strategy.search(study)
            records.append(record(study))
    assert records[0] == records[1]
    assert len(records[0]) == 3
    assert answer.key in [key for _, key, _, _ in records[0]]
    for _, _, metrics, images in records[0]:
        assert metrics["gap"] == metrics["supernet_PSNR"] - metrics["PSNR"]
        assert {"PSNR", "supernet_PSNR", "skip_ratio", "alpha_entropy", "loss"} <= metrics.keys()
        assert images >= 12 + 8  # three batches of one half of the images, and four scored twice


def test_the_warm_up_leaves_the_architecture_alone(benchmark: Benchmark, tmp_path: Path) -> None:
    with opened(benchmark, tmp_path) as study:
        descent = Descent(IRNAS(epochs=2, warmup=1), study)
        before = [alpha.detach().clone() for alpha in descent.alphas]
        _, _, first = descent.epoch()
        assert all(torch.equal(alpha, value) for alpha, value in zip(descent.alphas, before, strict=True))
        _, _, second = descent.epoch()
        assert not all(torch.equal(alpha, value) for alpha, value in zip(descent.alphas, before, strict=True))
    assert second.images > first.images


def test_the_answer_is_the_last_one_or_that_of_the_best_mixture(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, mixtures = benchmark.space, [25.0, 21.0, 24.0, 23.0]  # the first is of the warm-up

    class Scripted:
        def __init__(self, strategy: DARTS, study: Study):
            self.study = study

        def epoch(self) -> Any:
            number = len(self.study.trials)
            metrics = {"PSNR": 20.0 + number, "SSIM": 0.5, "supernet_PSNR": mixtures[number]}
            return space.sample(Random(number)), metrics, Cost(1, 1, 1.0)

    monkeypatch.setattr("strategies.darts.Descent", Scripted)
    benchmark = replace(benchmark, budget=Budget(trials=4))
    for keep, place in (("last", 3), ("best", 2)):
        with opened(benchmark, tmp_path / keep) as study:
            assert DARTS(epochs=4, warmup=1, keep=keep).search(study) == study.trials[place].arch


class KilledError(Exception):
    pass


@pytest.mark.parametrize("written", [False, True], ids=["before the ledger", "after it"])
def test_a_killed_search_ends_as_if_it_had_not_been(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """KilledError in the second epoch, once its checkpoint is on disk: before or after its trial is."""
    strategy = DARTS(epochs=3, arch_lr=0.1)
    with opened(benchmark, tmp_path / "whole") as study:
        answer = strategy.search(study)
        expected = record(study)
    whole = Study.record

    def dies(self: Study, arch: Any, metrics: dict[str, float], cost: Cost) -> None:
        if len(self.trials) == 1:
            if written:
                whole(self, arch, metrics, cost)
            raise KilledError
        whole(self, arch, metrics, cost)

    with opened(benchmark, tmp_path / "cut") as study:
        monkeypatch.setattr(Study, "record", dies)
        with pytest.raises(KilledError):
            strategy.search(study)
    monkeypatch.setattr(Study, "record", whole)
    with opened(benchmark, tmp_path / "cut") as study:
        assert strategy.search(study) == answer
        assert record(study) == expected


def test_a_collapse_is_said_aloud(benchmark: Benchmark, tmp_path: Path) -> None:
    with opened(benchmark, tmp_path) as study:
        descent = Descent(DARTS(epochs=1), study)
        skip = benchmark.space.operations.index("skip")  # type: ignore[attr-defined]
        with torch.no_grad():
            descent.alphas[0][..., skip] = 5.0
        with pytest.warns(UserWarning, match="skips lead in 100% of their places"):
            _, metrics, _ = descent.epoch()
    assert metrics["skip_ratio"] == 1.0


def test_the_budget_ends_it(benchmark: Benchmark, tmp_path: Path) -> None:
    short = replace(benchmark, budget=Budget(trials=100, images=40))
    with opened(short, tmp_path) as study:
        DARTS(epochs=50).search(study)
        assert 40 <= study.cost.images < 120


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(epochs=0), "at least 1"),
        (dict(epochs=5, warmup=5), "warmup less"),
        (dict(order=3), "order must be 1 or 2"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        DARTS(**settings)
