"""What strategies and gates claim, with statistics, on the toy task."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors import InlineExecutor
from benchmarks.study import Study
from strategies import Strategy, best
from strategies.ppo import PPO
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.toy import ToyTask

SEEDS = range(20)


def toy(**changes) -> Benchmark:
    config = read_config(next(strategy_files("toy"))).to_dict()["benchmark"]
    return replace(Benchmark.of(config), **changes)


def search(benchmark: Benchmark, strategy: Strategy, seed: int, folder: Path) -> Study:
    folder.mkdir(parents=True)
    executor: Executor = InlineExecutor()
    with Study(benchmark, seed, folder, '{"type": "tasks.toy.ToyTask", "noise": 4.0}', executor) as study:
        strategy.search(study)
    return study


def quality(study: Study) -> float:
    """The noise-free score of what a study would return."""
    return ToyTask().score(study.space.model(best(study.trials).arch)["layers"])


@pytest.mark.slow
def test_evolution_beats_random_search_at_equal_images(tmp_path: Path) -> None:
    benchmark = toy(budget=Budget(trials=1000, images=30_000))
    evolved = [quality(search(benchmark, RegularizedEvolution(15, 5), k, tmp_path / f"e{k}")) for k in SEEDS]
    sampled = [quality(search(benchmark, RandomSearch(), k, tmp_path / f"r{k}")) for k in SEEDS]
    assert stats.wilcoxon(evolved, sampled, alternative="greater").pvalue < 0.01


@pytest.mark.slow
def test_ppo_beats_random_search_at_equal_trials(tmp_path: Path) -> None:
    benchmark = toy(budget=Budget(trials=150), gate_config=None)
    small, seeds = dict(hidden=32, layers=1, lr=5e-3, epochs=5), SEEDS[:10]
    learnt = [quality(search(benchmark, PPO(**small), k, tmp_path / f"p{k}")) for k in seeds]
    sampled = [quality(search(benchmark, RandomSearch(), k, tmp_path / f"r{k}")) for k in seeds]
    assert stats.wilcoxon(learnt, sampled, alternative="greater").pvalue < 0.01


@pytest.mark.slow
def test_the_gate_saves_images_and_the_best_is_as_good(tmp_path: Path) -> None:
    gated, free = toy(), toy(gate_config=None)
    with_gate = [search(gated, RandomSearch(), k, tmp_path / f"g{k}") for k in SEEDS]
    without = [search(free, RandomSearch(), k, tmp_path / f"f{k}") for k in SEEDS]
    saved = 1 - sum(s.cost.images for s in with_gate) / sum(s.cost.images for s in without)
    assert saved > 0.2
    lost = [quality(b) - quality(a) for a, b in zip(with_gate, without, strict=True)]
    assert stats.ttest_1samp(lost, 2.0, alternative="less").pvalue < 0.01  # less than two of a hundred points
