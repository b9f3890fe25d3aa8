"""What strategies and gates claim, with statistics, on the toy task."""

from __future__ import annotations

import math
from typing import Any

import moocore
import pytest
from scipy import stats

from benchmarks.study import Study
from core import build
from search_spaces import Architecture
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, Strategy, best
from strategies.nsga2 import NSGA2
from strategies.ppo import PPO
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.successive_halving import SuccessiveHalving
from tasks.toy import formula

SEEDS = range(20)
GATE = dict(type="RunningMean", tolerance=0.3)


def search(toy_study: Any, strategy: Strategy, seed: int, **protocol: Any) -> Study:
    with toy_study(seed=seed, **protocol) as study:
        strategy.search(study)
    return study


def quality(study: Study) -> float:
    """The noise-free score of what a study would return."""
    return score(best(study.trials).arch)


def score(arch: Architecture) -> float:
    layers = ToySpace().model(arch)["layers"]
    return formula.score(layers, [math.inf] * len(layers))


def is_greater(ours: list[float], theirs: list[float]) -> bool:
    return stats.wilcoxon(ours, theirs, alternative="greater").pvalue < 0.01


@pytest.mark.slow
def test_evolution_beats_random_search_at_equal_images(toy_study) -> None:
    protocol: dict[str, Any] = dict(budget=dict(trials=1000, images=30_000))
    evolved = [quality(search(toy_study, RegularizedEvolution(15, 5), k, **protocol)) for k in SEEDS]
    sampled = [quality(search(toy_study, RandomSearch(), k, **protocol)) for k in SEEDS]
    assert is_greater(evolved, sampled)


@pytest.mark.slow
def test_ppo_beats_random_search_at_equal_trials(toy_study) -> None:
    protocol: dict[str, Any] = dict(budget=dict(trials=150), gate=None)
    small: dict[str, Any] = dict(hidden=32, layers=1, lr=1e-2, memory=10, every=10, sample=10, steps=5)
    learnt = [quality(search(toy_study, PPO(**small), k, **protocol)) for k in SEEDS[:10]]
    sampled = [quality(search(toy_study, RandomSearch(), k, **protocol)) for k in SEEDS[:10]]
    assert is_greater(learnt, sampled)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        dict(type="LocalSearch", first=True),
        dict(type="Reinforce", lr=3e-2, networks=5),
        dict(type="OptunaSampler", settings=dict(multivariate=True)),
        dict(type="Predictor"),
    ],
    ids=lambda config: config["type"],
)
def test_it_beats_random_search_at_equal_trials(toy_study, config: dict[str, Any]) -> None:
    """Where a kernel is worth less beside another one like it."""
    protocol: dict[str, Any] = dict(budget=dict(trials=100), gate=None)
    learnt = [quality(search(toy_study, build(STRATEGIES, config), k, **protocol)) for k in SEEDS[:8]]
    sampled = [quality(search(toy_study, RandomSearch(), k, **protocol)) for k in SEEDS[:8]]
    assert is_greater(learnt, sampled)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NEAT", "CoDeepNEAT"])
def test_species_beat_random_search_at_equal_trials(toy_study, name: str) -> None:
    """On the same landscape, whose layers are the modules; 20 seeds."""
    protocol: dict[str, Any] = dict(budget=dict(trials=100), gate=None)
    evolved = [quality(search(toy_study, build(STRATEGIES, dict(type=name)), k, **protocol)) for k in SEEDS]
    sampled = [quality(search(toy_study, RandomSearch(), k, **protocol)) for k in SEEDS]
    assert is_greater(evolved, sampled)


@pytest.mark.slow
def test_successive_halving_beats_random_search_at_equal_images(toy_study) -> None:
    stages = [dict(name=f"rung{k}", recipe=dict(epochs=epochs)) for k, epochs in enumerate((1, 3, 9))]
    protocol: dict[str, Any] = dict(stages=stages, gate=None, budget=dict(trials=1000, images=60_000))
    halved = [quality(search(toy_study, SuccessiveHalving(), k, **protocol)) for k in SEEDS]
    sampled = [quality(search(toy_study, RandomSearch(), k, **protocol)) for k in SEEDS]
    assert is_greater(halved, sampled)


@pytest.mark.slow
def test_nsga2_has_a_larger_hypervolume_than_random_search_at_equal_trials(toy_study) -> None:
    """Of all networks that were tried, noise-free, below the best score and above the parameters of the largest."""
    largest = [dict(width=16, kernel=5, act="relu")] * 4
    worst = (0.0, -formula.costs(largest, (3, 64, 64))["params"])
    objectives = dict(names=["score", "params"], goals=["max", "min"])
    protocol: dict[str, Any] = dict(gate=None, budget=dict(trials=200), objectives=objectives)

    def hypervolume(strategy: Strategy, seed: int) -> float:
        study = search(toy_study, strategy, seed, **protocol)
        points = [(score(trial.arch), -trial.measures["params"]) for trial in study.trials]
        return moocore.hypervolume(points, ref=worst, maximise=True)

    evolved = [hypervolume(NSGA2(), k) for k in SEEDS[:10]]
    sampled = [hypervolume(RandomSearch(), k) for k in SEEDS[:10]]
    assert is_greater(evolved, sampled)


@pytest.mark.slow
def test_the_gate_saves_images_and_the_best_is_as_good(toy_study) -> None:
    gated = [search(toy_study, RandomSearch(), k, gate=GATE) for k in SEEDS]
    free = [search(toy_study, RandomSearch(), k, gate=None) for k in SEEDS]
    saved = 1 - sum(s.cost.images for s in gated) / sum(s.cost.images for s in free)
    assert saved > 0.2
    lost = [quality(b) - quality(a) for a, b in zip(gated, free, strict=True)]
    assert stats.ttest_1samp(lost, 2.0, alternative="less").pvalue < 0.01  # less than two of a hundred points
