"""Plays a study of slow toy trials with two process workers: `python kill_driver.py FOLDER STRATEGY`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.benchmark import Benchmark  # noqa: E402
from benchmarks.executors import ProcessExecutor  # noqa: E402
from benchmarks.study import Study  # noqa: E402
from core import build  # noqa: E402
from strategies import STRATEGIES  # noqa: E402


def main(folder: Path, strategy: str) -> None:
    pids = folder / "pids"
    pids.mkdir(parents=True, exist_ok=True)
    stage = dict(name="short", recipe=dict(epochs=1))
    benchmark = Benchmark(
        dict(
            id="kill-v1",
            task=dict(type="benchmarks.torture.candidates.Slow", noise=4.0, pids=str(pids)),
            space=dict(type="ToySpace"),
            stages=[stage, dict(name="long", recipe=dict(epochs=4))],
            final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=8)),
            gate=dict(type="RunningMean", tolerance=0.3),
            reward=dict(type="Metric", name="score"),
            budget=dict(trials=400),
            seeds=[0],
        )
    )
    with ProcessExecutor(2) as pool, Study(benchmark, 0, json.dumps(benchmark.task), pool, 2, folder) as study:
        build(STRATEGIES, dict(type=strategy)).search(study)
    (folder / "finished").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
