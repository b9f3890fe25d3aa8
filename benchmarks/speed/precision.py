"""Does training in bfloat16 rank networks as training in float32 does, and is it faster?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scipy.stats import kendalltau, spearmanr

from benchmarks.benchmark import Benchmark
from tasks.rewards import computed
from tasks.trainable import Parts, Trainable

LEAST = 4  # networks: of three there are but six rankings


def precision(benchmark: Benchmark, task: Trainable, models: Sequence[Parts]) -> list[dict[str, Any]]:
    """Rank correlations (Kendall's tau-b, Spearman's rho) of the rewards after a benchmark's first stage, a row each.

    Every network is trained in float32 and in bfloat16 from one seed, and in float32 from another: what two seeds of one type
    agree on is the most to be hoped for. `seconds` are those of the processor, one type's over the other's. Raises ValueError
    for fewer than four networks.
    """
    if len(models) < LEAST:
        raise ValueError(f"a rank correlation needs {LEAST} networks or more, not {len(models)}: raise --candidates")
    stage = benchmark.stages[0]
    full, short = (replace(stage, recipe=replace(stage.recipe, bfloat16=kind)) for kind in (False, True))
    runs = {"float32": (full, 0), "bfloat16": (short, 0), "float32, another seed": (full, 1)}
    rewards: dict[str, list[float]] = {name: [] for name in runs}
    seconds = dict.fromkeys(runs, 0.0)
    task.fit(models[0], full, seed=0)  # what a first training loads does not count
    for model in models:
        costs = task.measure(model, benchmark.measures)
        for name, (one, seed) in runs.items():
            started = time.process_time()
            metrics = task.fit(model, one, seed=seed).metrics
            seconds[name] += time.process_time() - started
            rewards[name].append(computed(benchmark.reward, {**metrics, **costs}))

    def row(one: str, other: str) -> dict[str, Any]:
        tau, rho = (measure(rewards[one], rewards[other])[0] for measure in (kendalltau, spearmanr))
        ratio = seconds[other] / seconds[one]
        return {"of": one, "and": other, "networks": len(models), "tau": tau, "rho": rho, "seconds": ratio}

    first, second, third = runs
    return [row(first, second), row(first, third), row(second, third)]
