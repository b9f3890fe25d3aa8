"""What a search answers, trained by the final stage, measured and written down."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.export.stock import model_config
from benchmarks.files import write
from benchmarks.records.entries import read_answer
from benchmarks.running.devices import run_together
from benchmarks.running.illustration import illustrate
from benchmarks.running.job import Begin, Failed, Job, build_task, plain, run
from benchmarks.running.store import Store
from strategies import Answer
from tasks import Cost
from tasks.rewards import COSTS


def finish(
    benchmark: Benchmark,
    task: str,
    answers: Sequence[Answer],
    folder: Path,
    seed: int,
    executor: Executor,
    devices: int = 1,
    begins: Sequence[Begin | None] = (),
) -> tuple[list[dict[str, Any]], Cost]:
    """Every answer's record, and what their trainings cost.

    Each leaves `answers/<place>/` with `final.pth`, the network's config `model.py`, `network.json` (the parts of the model and
    what the answer changes of the task) and, once it is done, `answer.json`, so that a kill costs the answer under way and no
    other. `task` is the final task's config as JSON, `devices` how many train a network together, `begins` the weights that
    they start with, if any do.
    """
    records = [
        _finish(benchmark, task, answer, place, folder, seed, executor, devices, begin)
        for place, (answer, begin) in enumerate(zip_longest(answers, begins))
    ]
    costs = [Cost(**record.pop("cost")) for record in records]
    return records, sum(costs, Cost())


def _finish(
    benchmark: Benchmark,
    task: str,
    answer: Answer,
    place: int,
    folder: Path,
    seed: int,
    executor: Executor,
    devices: int,
    begin: Begin | None,
) -> dict[str, Any]:
    home = folder / "answers" / str(place)
    key = None if answer.arch is None else answer.arch.key
    record = read_answer(home)
    if record:
        if (record["id"], record["key"]) != (answer.trial, key):
            raise ValueError(
                f"{home / 'answer.json'} is of trial {record['id']} ({record['key']}), and the search answers with "
                f"{answer.trial} ({key}): remove the folder {home}"
            )
        return record
    home.mkdir(parents=True, exist_ok=True)
    if answer.task:
        task = json.dumps({**json.loads(task), **answer.task})
    arch = answer.arch
    model = dict(answer.model or {}) if arch is None else benchmark.final_space.model(arch)
    choices = None if arch is None else arch.as_dict()
    space = json.dumps(benchmark.final_space_config)
    keep = f"answers/{place}/final.pth"
    more: dict[str, Any] = dict(begin=begin, keep=keep, store=Store(str(folder)), imports=benchmark.imports)
    job = Job(task, space, model, choices, benchmark.final, seed, **more)
    way = run if devices == 1 else partial(run_together, devices=devices)
    outcome = executor.submit(way, job).result()
    if isinstance(outcome, Failed):
        raise RuntimeError(f"the final training of {folder} failed: {outcome.error}")
    built = build_task(task)
    measured = plain(built.measure(model, COSTS))
    costs = {name: cost for name, cost in measured.items() if math.isfinite(cost)}  # a table may lack one
    final = {"metrics": outcome.metrics, **costs}
    record = {"id": answer.trial, "key": key, "arch": choices, "final": final, "cost": asdict(outcome.cost)}
    write(home / "model.py", model_config(built.config(model)))
    illustrate(built, model, built.seen(model, benchmark.final), home)
    write(home / "network.json", json.dumps({"task": answer.task or {}, "model": model}, indent=2) + "\n")
    write(home / "answer.json", json.dumps(record, indent=2, allow_nan=False) + "\n")
    return record
