"""What tests of results share: the files of a study with made-up figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.ledger import Ledger
from benchmarks.records.record import identity_of
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost


@pytest.fixture
def answer() -> Callable[..., dict[str, Any]]:
    """One entry of `answers`, with its final score; without a trial, of a network that nobody searched."""

    def make(trial: Trial | None, score: float) -> dict[str, Any]:
        final = dict(metrics=dict(score=score), params=1_234_567, madds=89_000_000, latency_ms=3.25)
        arch = None if trial is None else trial.arch
        return dict(id=trial and trial.id, key=arch and arch.key, arch=arch and arch.as_dict(), final=final)

    return make


@pytest.fixture
def write_study() -> Callable[..., Path]:
    """Write the files of a study of toy-v2 as `Run` leaves them; unfinished without answers.

    `result` replaces entries of study.json.
    """

    def write(
        folder: Path,
        strategy: str,
        seed: int,
        trials: Sequence[Trial],
        answers: Sequence[Mapping[str, Any]] = (),
        benchmark: Mapping[str, Any] | None = None,
        **result: Any,
    ) -> Path:
        folder.mkdir(parents=True)
        protocol = {"id": "toy-v2", "space": {"type": "ToySpace"}, **(benchmark or {})}
        config = dict(name=strategy, seed=seed, protocol_hash="p", benchmark=protocol, strategy={})
        (folder / "config.json").write_text(json.dumps(config))
        ledger = Ledger(folder, identity_of(config))
        for trial in trials:
            ledger.append(trial)
        ledger.close()
        if answers:
            counts, cost = Counter(trial.status for trial in trials), sum((trial.cost for trial in trials), Cost())
            study: dict[str, Any] = dict(
                benchmark=protocol["id"], strategy=strategy, seed=seed, primary="score", higher_is_better=True,
                answers=answers, cost=dict(search=dict(images=cost.images, pixels=cost.pixels, seconds=2.0)),
                trials={status: counts[status] for status in ("done", "stopped", "failed")} | {"duplicate": 0},
                protocol_hash="p",
            )  # fmt: skip
            (folder / "study.json").write_text(json.dumps({**study, **result}))
        return folder

    return write


@pytest.fixture
def played(answer: Callable[..., dict[str, Any]], write_study: Callable[..., Path]) -> Callable[..., Path]:
    """Write a study of toy-v2 with these rewards of trials, each of 100 images, and final scores (none: it is unfinished)."""

    def play(root: Path, strategy: str, seed: int, rewards: Sequence[float], *finals: float, **more: Any) -> Path:
        trials = []
        for number, reward in enumerate(rewards):
            stages = (StageResult("short", {"score": reward}, Cost(100, 6400, 0.5)),)
            proposal = Proposal(ToySpace().sample(Random(f"{strategy}{seed}{number}")))
            measures = {"params": 1000.0 + number}
            trials.append(Trial(number, proposal, stages, "done", reward, depth=1, measures=measures))
        first = max(trials, key=lambda trial: trial.score, default=None)
        answers = [answer(None if place else first, final) for place, final in enumerate(finals)]
        return write_study(root / strategy / f"seed{seed}", strategy, seed, trials, answers, **more)

    return play
