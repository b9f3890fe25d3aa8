"""A study that was interrupted goes on as if it had not been, with one worker and with several."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.executors import VirtualExecutor
from benchmarks.ledger import Ledger, read_events, read_trials
from core import build
from strategies import STRATEGIES, Proposal, Strategy, Trial

STRATEGY_CONFIGS: dict[str, dict[str, Any]] = {
    "random": dict(type="RandomSearch"),
    "evolution": dict(type="RegularizedEvolution", population=6, tournament=3),
    "inheriting evolution": dict(type="RegularizedEvolution", population=6, tournament=3, inherit=True),
    "halving": dict(type="SuccessiveHalving", eta=2),
}
SMALL: dict[str, Any] = dict(budget=dict(trials=16), space=dict(type="ToySpace", layers=2))


class KilledError(BaseException):
    pass


class Shuffled(VirtualExecutor):
    """Runs jobs at submission, but hands their results out one at a time, in an order drawn from `rng`."""

    def __init__(self, rng: Random):
        self.rng, self.jobs, self.results = rng, [], {}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append(args[0])
        self.results[future] = fn(*args, **kwargs)
        return future

    def advance(self) -> None:
        future = self.rng.choice(list(self.results))
        future.set_result(self.results.pop(future))


def facts(trials: list[Trial]) -> list[Any]:
    return [
        (t.id, t.arch.key, t.proposal.parent, t.status, t.reward, t.depth, [(s.name, s.metrics) for s in t.stages])
        for t in trials
    ]


def strategy(name: str) -> Strategy:
    return build(STRATEGIES, STRATEGY_CONFIGS[name])


@pytest.mark.parametrize("name", STRATEGY_CONFIGS)
def test_killed_after_any_line_it_ends_as_if_it_had_not_been(
    toy_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with toy_study(tmp_path / "whole", **SMALL) as whole:
        answers = strategy(name).search(whole)
    writes, note, append = 0, Ledger.note, Ledger.append
    lines = len(whole.trials) + len(read_events(tmp_path / "whole/events.jsonl")) - 1

    def counted(write: Any) -> Any:
        def dies(self: Ledger, *args: Any) -> None:
            nonlocal writes
            write(self, *args)
            writes -= 1
            if not writes:
                raise KilledError

        return dies

    for line in range(1, lines + 1):
        folder = tmp_path / f"killed{line}"
        with monkeypatch.context() as patched, toy_study(folder, **SMALL) as study:
            writes = line
            patched.setattr(Ledger, "note", counted(note))
            patched.setattr(Ledger, "append", counted(append))
            with pytest.raises(KilledError):
                strategy(name).search(study)
        with toy_study(folder, **SMALL) as study:
            assert strategy(name).search(study) == answers
        assert facts(study.trials) == facts(whole.trials) == facts(read_trials(folder / "trials.jsonl"))
        assert study.cost.images == whole.cost.images


@pytest.mark.parametrize("name", STRATEGY_CONFIGS)
@pytest.mark.parametrize("seed", range(4))
def test_with_several_workers_exactly_what_was_in_flight_is_submitted_again(
    toy_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, seed: int
) -> None:
    """Killed five times, each before a line is written; the same jobs with the same seeds go on, none else is made twice."""
    rng, jobs = Random(seed), []

    def dying(write: Any) -> Any:
        def dies(self: Ledger, *args: Any) -> None:
            nonlocal left
            left -= not self.ahead
            if left < 0:
                raise KilledError
            write(self, *args)

        return dies

    for attempt in range(6):
        left = rng.randrange(3, 12) if attempt < 5 else 10_000
        with monkeypatch.context() as patched:
            executor = Shuffled(rng)
            with toy_study(tmp_path, workers=3, executor=executor, **SMALL) as study:
                patched.setattr(Ledger, "note", dying(Ledger.note))
                patched.setattr(Ledger, "append", dying(Ledger.append))
                with suppress(KilledError):
                    strategy(name).search(study)
        again = [job for job in executor.jobs if any(job == other for other in jobs)]
        assert len(again) <= study.workers
        jobs += [job for job in executor.jobs if job not in again]
    trials = read_trials(tmp_path / "trials.jsonl")
    assert sorted(trial.id for trial in trials) == list(range(16))
    with toy_study(tmp_path, workers=3, **SMALL) as study:  # every proposal is what is asked for, given what was told
        strategy(name).search(study)
    assert facts(study.trials) == facts(trials)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_line_is_cut_off(toy_study, tmp_path: Path, cut: int) -> None:
    with toy_study(tmp_path / "whole", **SMALL) as whole:
        strategy("evolution").search(whole)
    for name in ("trials.jsonl", "events.jsonl"):
        folder = tmp_path / name
        shutil.copytree(tmp_path / "whole", folder)
        for file in ("trials.jsonl", "events.jsonl"):
            lines = (tmp_path / "whole" / file).read_bytes().splitlines(keepends=True)
            (folder / file).write_bytes(b"".join(lines[:-1]) + lines[-1][: -cut if file == name else None])
        if name == "events.jsonl":  # what was proposed last had not run, then
            lines = (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)
            (folder / "trials.jsonl").write_bytes(b"".join(lines[:-1]))
        with toy_study(folder, **SMALL) as study:
            strategy("evolution").search(study)
        assert facts(study.trials) == facts(whole.trials)


def test_another_strategy_on_the_same_record_is_refused(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path, **SMALL) as study:
        strategy("random").search(study)
    with (
        toy_study(tmp_path, seed=1, **SMALL) as study,
        pytest.raises(RuntimeError, match="trial 0 is not what the record"),
    ):
        strategy("random").search(study)


def test_proposals_tell_when_they_were_made(toy_study, tmp_path: Path) -> None:
    with toy_study(tmp_path, **SMALL) as study:
        strategy("random").search(study)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "opened"
    assert [event["told"] for event in events if event["event"] == "proposed"] == list(range(16))


def test_collecting_with_nothing_in_flight_gives_nothing_also_in_a_replay(toy_study, tmp_path: Path) -> None:
    for _ in range(2):
        with toy_study(tmp_path, **SMALL) as study:
            for _ in range(3):
                assert study.collect() is None
                study.submit(Proposal(study.space.sample(study.rng())))
                assert study.collect() is not None
