"""Trainings whose batches do not fit into memory."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.torture.command import finish, trials
from benchmarks.torture.fault import Settings, hold
from tasks.cost import BATCH_PARTS

BATCH = 8
PARTS = {
    8: 1,
    4: 2,
    2: 4,
    1: None,
}  # in how many parts a batch goes through that fits with so many images; None: it fails
PROTOCOL: dict[str, Any] = dict(
    id="bounded-v1",
    task=dict(
        type="RestorationTask",
        data=dict(type="ScenesImages"),
        degradation=dict(type="Noise", sigma=30.0),
        input_size=[32, 32],
    ),
    space=dict(type="benchmarks.torture.bounded.Bounds"),
    stages=[dict(name="short", view=dict(share=0.1, size=[16, 16], copies=1), recipe=dict(epochs=1, batch=BATCH))],
    final=dict(name="final", view=dict(eval="test", share=0.1, size=[16, 16]), recipe=dict(epochs=1, batch=BATCH)),
    reward=dict(type="Metric", name="PSNR"),
    budget=dict(trials=10),
    seeds=[0],
)


def out_of_memory(settings: Settings) -> str:
    work = settings.room("out_of_memory")
    config = work / "bounded.json"
    config.write_text(json.dumps(dict(benchmark=PROTOCOL, strategies=dict(random_search=dict(type="RandomSearch")))))
    finish(config, "--work-dir", work, "--quiet")
    seen = dict.fromkeys(PARTS, 0)
    for trial in trials(work / "bounded-v1/random_search/seed0"):
        most, stages = trial["arch"]["most"], trial["stages"]
        seen[most] += 1
        if PARTS[most] is None:
            hold(trial["failure"] == "out_of_memory", f"trial {trial['id']} is {trial['status']}, {trial['failure']}")
        else:
            parts = stages[0]["metrics"].get(BATCH_PARTS, 1)
            hold(parts == PARTS[most], f"trial {trial['id']} says that its batches went through in {parts} parts")
    hold(all(seen.values()), f"of networks by what fits there were {seen}")
    return f"{seen[8]} trials as ever, {seen[4]} in halves, {seen[2]} in quarters, {seen[1]} failed: out_of_memory"
