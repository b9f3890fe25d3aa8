"""The append-only record of a study: what was asked and when, and what came of it."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from benchmarks.files import append, held, there
from benchmarks.records.entries import Line
from benchmarks.records.lines import EventCheck, TrialCheck, check_given, read_lines, whole_lines
from benchmarks.running.job import Failed
from core.parsing import recordable
from search_spaces import Architecture, SearchSpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost, Inherited, Outcome

TRIALS, EVENTS = "trials.jsonl", "events.jsonl"
MUCH = 16 << 20  # bytes of a record, among whose objects a search for garbage, now or later, takes a third of the time


class DivergedError(RuntimeError):
    """Something else is played than what is recorded."""


class Ledger:
    """Two files of JSON lines, held open by the one process that writes them, or, without a folder, memory alone.

    From `events.jsonl` an interrupted study is played back. It begins with the protocol that the study is played under
    (`identity`); then come proposals, before they run, what jobs gave, and trials that a strategy made itself, in the order in
    which the study learnt of them. `trials.jsonl` is what comes of that: a line for each finished trial. When a strategy hears
    of a trial, all that made it is on the disk (fsync). `ahead` are the events that are still to be played back.

    Lines that a kill tore are cut off. Raises ValueError where a line cannot be read, holds choices that `space` does not
    offer, or the files are of another protocol, InUseError where another process holds them, and DivergedError where something
    else is played than what is recorded.
    """

    def __init__(self, folder: Path | None = None, identity: str = "", space: SearchSpace | None = None):
        self.ahead: deque[Line] = deque()
        self._told: deque[Trial] = deque()  # the lines of trials that are still to be played back
        self._files: list[FileIO] = []
        self._space = space
        if folder is None:
            return
        try:
            for name in (TRIALS, EVENTS):
                self._files.append(held(folder / name))
            self._trials, self._events = self._files
            told, events = read_record(folder, space)
            forget_record()  # what is played back is let go
            self._told.extend(told)
            self.ahead.extend(events)
            del told, events
            for file in self._files:
                file.truncate(whole_lines(Path(file.name).read_bytes()))
            self._check(folder, identity)
        except BaseException:
            self.close()
            raise

    def proposed(self, number: int, told: int, proposal: Proposal) -> None:
        """A trial is about to run, proposed when `told` trials had been told."""
        if not self._files:
            return
        asked = dict(parent=proposal.parent, onward=proposal.onward, stages=proposal.stages, note={**proposal.note})
        self.note({"event": "proposed", "id": number, "told": told, "arch": proposal.arch.as_dict(), **asked})

    def gave(self, number: int, outcome: Outcome | Failed) -> None:
        """The job of a trial has come to an end."""
        if not self._files:
            return
        self.note({"event": "failed" if isinstance(outcome, Failed) else "passed", "id": number, **vars(outcome)})

    def outcome(self) -> tuple[int, Outcome | Failed]:
        """From the record: the trial whose job comes to an end next, and what it gives."""
        line = self.take("passed", "failed")
        if line is None:
            raise diverged(self.ahead[0]["id"])
        cost = Cost(**line["cost"])
        if line["event"] == "failed":
            return line["id"], Failed(line["kind"], line["error"], cost)
        return line["id"], Outcome(line["metrics"], cost, line["inherited"] and Inherited(**line["inherited"]))

    def take(self, *kinds: str) -> Line | None:
        """From the record: the next event, if it is of one of these kinds."""
        return self.ahead.popleft() if self.ahead and self.ahead[0]["event"] in kinds else None

    def note(self, event: Line) -> None:
        """Record an event, or see that it is the one that is recorded. It survives the death of this process.

        Raises ValueError, before anything is written, for what a strategy gives and could not be read again.
        """
        if self.ahead:
            recorded = self.ahead.popleft()
            if recorded != event and any(
                recorded.get(name) != value for name, value in event.items() if name != "note"
            ):
                raise diverged(event["id"])
        elif self._files:
            if event["event"] in ("proposed", "made"):
                check_given(event, self._space)
            append(self._events, event)

    def append(self, trial: Trial) -> None:
        """Record a finished trial, or see that it is the one that is recorded. It survives the loss of power."""
        if self._told:
            recorded = self._told.popleft()
            same = (
                recorded.arch.choices == trial.arch.choices or recorded.arch == trial.arch
            )  # a key is a hash to be made
            if not same or _facts(trial) != _facts(recorded):
                raise diverged(trial.id)
        elif self._files:
            os.fsync(self._events.fileno())
            append(self._trials, _to_json(trial))

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _check(self, folder: Path, identity: str) -> None:
        if not self.ahead and self._told:
            raise ValueError(f"{folder / EVENTS} is gone, without which {TRIALS} cannot go on: remove the run's folder")
        check_identity(folder, self.ahead, identity)
        if self.ahead:
            self.ahead.popleft()
        else:
            self.note({"event": "opened", "identity": identity})


def _facts(trial: Trial) -> tuple[Any, ...]:
    """What a trial comes to whenever it is played: not how long it took."""
    stages = [(stage.name, stage.metrics, stage.cost.images, stage.cost.pixels) for stage in trial.stages]
    return trial.id, trial.status, trial.reward, stages


def diverged(number: int) -> DivergedError:
    return DivergedError(
        f"trial {number} is not what the record of this study says: the code, or its files, have changed since it began, "
        "so go back to those, or choose another --work-dir"
    )


def check_identity(folder: Path, events: Sequence[Line], identity: str) -> None:
    """Raise ValueError where events are of another protocol."""
    if events and events[0]["identity"] != identity:
        raise ValueError(f"{folder / EVENTS} holds the record of another protocol: choose another --work-dir")


def read_trials(path: Path, space: SearchSpace | None = None) -> list[Trial]:
    """The trials of a ledger in file order, without its torn last line, if there is one. Raises ValueError."""
    return [_from_json(line) for line in read_lines(path, "a trial", TrialCheck(space))]


def read_events(path: Path, space: SearchSpace | None = None, trials: Sequence[Trial] = ()) -> list[Line]:
    """The events of a study in file order; none where there is no file. Raises ValueError.

    `trials` are those of its ledger, whose choices need not be checked again.
    """
    check = EventCheck(space, {trial.id: trial.arch.as_dict() for trial in trials})
    return list(read_lines(path, "an event", check)) if there(path) else []


def read_record(folder: Path, space: SearchSpace | None) -> tuple[list[Trial], list[Line]]:
    """Trials and events of a study, neither where there is no file. Raises ValueError.

    The same files are read once, be they checked before the study is opened.
    """
    return _read_once(folder, space, *(_stamp(folder / name) for name in (TRIALS, EVENTS)))


def forget_record() -> None:
    """Give back the memory of the record that was read last."""
    _read_once.cache_clear()


@lru_cache(maxsize=1)
def _read_once(folder: Path, space: SearchSpace | None, *stamps: Any) -> tuple[list[Trial], list[Line]]:
    much = sum(stamp[1] for stamp in stamps if stamp) > MUCH
    if much:
        gc.disable()
    try:
        trials = read_trials(folder / TRIALS, space) if there(folder / TRIALS) else []
        return trials, read_events(folder / EVENTS, space, trials)
    finally:
        if much:
            gc.freeze()
            gc.enable()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What is another number where a file has changed."""
    if not there(path):
        return None
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _to_json(trial: Trial) -> Line:
    proposal = trial.proposal
    return {
        "id": trial.id,
        "key": trial.arch.key,
        "arch": trial.arch.as_dict(),
        "parent": proposal.parent,
        "stages": trial.stages,
        "status": trial.status,
        "error": trial.error and recordable(trial.error),
        "reward": trial.reward,
        "failure": trial.failure,
        "depth": trial.depth,
        "objectives": trial.objectives,
        "measures": dict(trial.measures),
        "inherited": trial.inherited,
        "onward": proposal.onward,
        "asked": proposal.stages,
        "note": dict(proposal.note),
    }


def _from_json(line: Line) -> Trial:
    arch = Architecture.recorded(line["arch"], line["key"])
    objectives, inherited = line["objectives"], line["inherited"]
    return Trial(
        line["id"],
        Proposal(arch, line["parent"], line["onward"], line["asked"], line["note"]),
        tuple(StageResult(s["name"], s["metrics"], Cost(**s["cost"])) for s in line["stages"]),
        line["status"],
        line["reward"],
        line["error"],
        line["failure"],
        line["depth"],
        objectives and tuple(objectives),
        line["measures"],
        inherited and Inherited(**inherited),
    )
