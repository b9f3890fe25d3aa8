"""A network that a run has found and trained, with all that is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.benchmark import Benchmark
from benchmarks.files import read_json
from benchmarks.records.entries import read_answer, read_config
from benchmarks.running.job import build_task
from tasks import Stage
from tasks.deployment import Deployable
from tasks.weights import load_checked


@dataclass(frozen=True)
class Found:
    """Answer `place` of the finished run in `folder`: its task, the parts of its model and its record.

    What it runs are the classes that the run's configuration names: take home what you, or somebody you trust, has searched.
    """

    folder: Path
    place: int
    config: dict[str, Any]
    task: Any
    parts: dict[str, Any]
    record: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, place: int = 0, device: str = "cpu") -> Found:
        """Raises ValueError where there is no such answer, or its task has no networks to take home."""
        home = folder / "answers" / str(place)
        config, record, network = read_config(folder), read_answer(home), read_json(home / "network.json")
        if config is None or record is None or network is None:
            raise ValueError(
                f"{folder} holds no finished answer {place}: give the folder of a run, runs/<benchmark>/<strategy>/seed<k>"
            )
        cache = str(folder.resolve().parents[2] / "cache")
        task = build_task(
            json.dumps({**config["benchmark"]["task"], **network["task"], "cache": cache, "device": device})
        )
        if not isinstance(task, Deployable):
            raise ValueError(f"{type(task).__name__} of {folder} has no networks that could be taken home")
        return cls(folder, place, config, task, network["model"], record)

    @property
    def benchmark(self) -> Benchmark:
        return Benchmark(self.config["benchmark"])

    @property
    def stage(self) -> Stage:
        """The final training, as the network went through it."""
        return self.task.seen(self.parts, self.benchmark.final)

    @property
    def name(self) -> str:
        """What a reader calls it: benchmark, strategy, seed and, of several answers, which."""
        which = f", answer {self.place}" if self.place else ""
        return f"{self.benchmark.id}, {self.config['name']}, seed {self.config['seed']}{which}"

    def network(self) -> nn.Module:
        """As it is deployed, with the weights of its final training. Raises ValueError where its file is damaged."""
        path = self.folder / "answers" / str(self.place) / "final.pth"
        try:
            return self.task.finished(self.parts, load_checked(path))
        except (ValueError, FileNotFoundError) as error:
            raise ValueError(f"the weights {path} cannot be used: {error}") from None
