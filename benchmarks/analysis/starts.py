"""What inherited weights are worth: a network before its training and behind it, from several starts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.benchmark import Benchmark
from benchmarks.study import only_scored
from core import Weights, matching
from tasks import Start, Task


@dataclass(frozen=True)
class Started:
    """The metrics of a child before and behind the first stage, and, by tensor, what it took over from its parent."""

    start: str
    before: dict[str, float]
    behind: dict[str, float]
    tensors: dict[str, str] = field(default_factory=dict)


def starts(benchmark: Benchmark, task: Task, seed: int) -> Iterator[Started]:
    """A mutant of a random network that begins anew, with its parent's weights by name and shape, or by the space's rule.

    The parent goes through the first stage first; "anew" includes the task's encoder. Where the encoder's weights go into a
    backbone that is searched, the child also begins from "scratch", without them. Batch norms of a child that is only scored
    are given statistics of its own, where it has weights of a parent.
    """
    from tasks.encoder_task import EncoderTask
    from tasks.weights import changes

    space, stage, rng = benchmark.space, benchmark.stages[0], Random(seed)
    parent = space.sample(rng)
    child = space.mutate(parent, rng)
    adopt = [partial(space.inherit, parent=None, child=one) for one in (parent, child)]
    pretrained = isinstance(task, EncoderTask) and task.encoder.has_weights and "backbone" in space.model(child)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "parent.pth"))
        task.fit(space.model(parent), stage, seed=seed, keep=path, adopt=adopt[0])
        rules = {
            "by name and shape": matching,
            "by the space's rule": partial(space.inherit, parent=parent, child=child),
        }
        for name in (*(["scratch"] if pretrained else []), "anew", *rules):
            tensors: dict[str, str] = {}

            def rule(weights: Weights, fresh: Weights, name: str = name, told: dict[str, str] = tensors) -> Weights:
                made = rules[name](weights, fresh)
                told.update(changes(weights, fresh, made))
                return made

            start = Start(path, rule) if name in rules else None
            own = fresh_copies if name == "scratch" else adopt[1]
            before, behind = (
                task.fit(space.model(child), one, seed=seed, start=start, adopt=own).metrics
                for one in (only_scored(stage), stage)
            )
            yield Started(name, before, behind, tensors)


def fresh_copies(weights: Weights, fresh: Weights) -> Weights:
    """Nothing of the old weights; copies, as a rule that gives the fresh ones themselves is taken to fit nothing."""
    return {name: value.clone() for name, value in fresh.items()}
