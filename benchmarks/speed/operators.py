"""Where the time of a training step goes, by operator of torch, and which operators fell back to a slow path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from torch.profiler import ProfilerActivity, profile

from tasks import Stage
from tasks.task import Parts
from tasks.trainable import Trainable
from tasks.training import step_on

SLOW = ("slow_conv", "thnn_conv")  # in the names of torch's own convolutions, which it takes where oneDNN has none
SHOWN = 12  # operators, the most expensive ones, and every slow one


def operators(task: Trainable, stage: Stage, models: Sequence[Parts], repeat: int) -> list[dict[str, Any]]:
    """A row for each operator that takes much of the steps of these networks, the most expensive first.

    Calls and milliseconds of the processor are a step's, without what is called by the operator; shares are of the whole step.
    `path` says "slow" of a convolution that is computed without oneDNN. Every network takes `repeat` steps behind one that
    warms up.
    """
    calls, spent = Counter[str](), Counter[str]()
    for model in models:
        network, batch = task.begin(model, stage, seed=0), next(task.batches(stage, 0, 0))
        step = step_on(task, stage, network, batch)
        step()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            for _ in range(repeat):
                step()
        for one in seen.key_averages():
            calls[one.key] += one.count
            spent[one.key] += one.self_cpu_time_total
    steps, whole = len(models) * repeat, sum(spent.values())
    first = [name for name, _ in spent.most_common(SHOWN)]
    shown = dict.fromkeys([*first, *(name for name in spent if is_slow(name))])
    return [
        {
            "operator": name.removeprefix("aten::"),
            "calls": calls[name] / steps,
            "ms": spent[name] / steps / 1e3,
            "share": spent[name] / whole,
            "path": "slow" if is_slow(name) else "",
        }
        for name in shown
    ]


def is_slow(name: str) -> bool:
    return any(part in name for part in SLOW)
