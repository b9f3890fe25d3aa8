"""The append-only record of a study: what was asked and when, and what came of it."""

from __future__ import annotations

import fcntl
import json
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from benchmarks.job import Failed
from search_spaces import Architecture
from strategies import Proposal, StageResult, Trial
from tasks import Cost, Inherited, Outcome

TRIALS, EVENTS = "trials.jsonl", "events.jsonl"
Item = TypeVar("Item")
Line = dict[str, Any]


class Ledger:
    """Two files of JSON lines, held open by the one process that writes them, or, without a folder, memory alone.

    From `events.jsonl` an interrupted study is played back. It begins with the protocol that the study is played under
    (`identity`); then come proposals, before they run, what jobs gave, and trials that a strategy made itself, in the order in
    which the study learnt of them. `trials.jsonl` is what comes of that: a line for each finished trial. When a strategy hears
    of a trial, all that made it is on the disk (fsync). `ahead` are the events that are still to be played back.

    Lines that a kill tore are cut off. Raises ValueError where a line cannot be read, the files are of another protocol, or
    another process holds them, and RuntimeError where something else is played than what is recorded.
    """

    def __init__(self, folder: Path | None = None, identity: str = ""):
        self.ahead: deque[Line] = deque()
        self._told: deque[Trial] = deque()  # the lines of trials that are still to be played back
        self._files: list[IO[bytes]] = []
        if folder is None:
            return
        try:
            self._trials, self._events = self._hold(folder / TRIALS), self._hold(folder / EVENTS)
            self._told.extend(read_trials(folder / TRIALS))
            self.ahead.extend(read_events(folder / EVENTS))
            for file in self._files:
                file.truncate(_whole_lines(Path(file.name).read_bytes()))
            self._check(folder, identity)
        except BaseException:
            self.close()
            raise

    def proposed(self, number: int, told: int, proposal: Proposal) -> None:
        """A trial is about to run, proposed when `told` trials had been told."""
        if not self._files:
            return
        asked = dict(parent=proposal.parent, onward=proposal.onward, stages=proposal.stages, note=dict(proposal.note))
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
        """Record an event, or see that it is the one that is recorded. It survives the death of this process."""
        if self.ahead:
            recorded = self.ahead.popleft()
            if any(recorded.get(name) != value for name, value in event.items() if name != "note"):
                raise diverged(event["id"])
        elif self._files:
            self._events.write(_line(event))
            self._events.flush()

    def append(self, trial: Trial) -> None:
        """Record a finished trial, or see that it is the one that is recorded. It survives the loss of power."""
        if self._told:
            recorded = self._told.popleft()
            if any(getattr(recorded, name) != getattr(trial, name) for name in ("id", "arch", "status", "reward")):
                raise diverged(trial.id)
        elif self._files:
            os.fsync(self._events.fileno())
            self._trials.write(_line(_to_json(trial)))
            self._trials.flush()

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _hold(self, path: Path) -> IO[bytes]:
        file: IO[bytes] = open(path, "ab")  # noqa: SIM115 - held until close()
        self._files.append(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"{path} is being written by another process: wait for it, or stop it first") from None
        return file

    def _check(self, folder: Path, identity: str) -> None:
        head = self.ahead.popleft() if self.ahead else None
        if head is None and self._told:
            raise ValueError(f"{folder / EVENTS} is gone, without which {TRIALS} cannot go on: remove the run's folder")
        if head is None:
            self.note({"event": "opened", "identity": identity})
        elif head.get("identity") != identity:
            raise ValueError(f"{folder} holds the record of another protocol: choose another --work-dir")


def diverged(number: int) -> RuntimeError:
    return RuntimeError(
        f"trial {number} is not what the record of this study says: the code has changed since it began, "
        "so go back to that code, or choose another --work-dir"
    )


def read_trials(path: Path) -> list[Trial]:
    """The trials of a ledger in file order, without its torn last line, if there is one. Raises ValueError."""
    return _read(path, "a trial", _from_json)


def read_events(path: Path) -> list[Line]:
    """The events of a study in file order; none where there is no file. Raises ValueError."""
    return _read(path, "an event", dict) if path.is_file() else []


def _read(path: Path, kind: str, make: Callable[[Any], Item]) -> list[Item]:
    data = path.read_bytes()
    items = []
    for number, line in enumerate(data[: _whole_lines(data)].splitlines(), start=1):
        try:
            items.append(make(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path}, line {number} is not {kind} ({error}): restore the file or remove the run"
            ) from None
    return items


def _line(value: Line) -> bytes:
    return json.dumps(value, allow_nan=False, default=vars).encode() + b"\n"


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _to_json(trial: Trial) -> Line:
    proposal = trial.proposal
    return {
        "id": trial.id,
        "key": trial.arch.key,
        "arch": trial.arch.as_dict(),
        "parent": proposal.parent,
        "stages": trial.stages,
        "status": trial.status,
        "error": trial.error,
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
