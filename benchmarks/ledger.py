"""The append-only record of a study: what was asked and when, and what came of it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, TypeVar

from search_spaces import Architecture
from strategies import Proposal, StageResult, Trial
from tasks import Cost, Inherited

TRIALS, EVENTS = "trials.jsonl", "events.jsonl"
Item = TypeVar("Item")
Line = dict[str, Any]


class Ledger:
    """Two files of JSON lines, held open by the one process that writes them, or, without a folder, memory alone.

    `trials.jsonl` has a line for each finished trial, which is on the disk (fsync) before the strategy hears of it.
    `events.jsonl` begins with the protocol that the study is played under (`identity`); then come proposals before they run
    and what trials in flight have behind them, each with the number of trials `told` by then. Lines that a kill tore are cut
    off. Raises ValueError where a line cannot be read, the files are of another protocol, or another process holds them.
    """

    def __init__(self, folder: Path | None = None, identity: str = ""):
        self.trials: list[Trial] = []
        self.events: list[Line] = []
        self._files: list[IO[bytes]] = []
        if folder is None:
            return
        try:
            self._trials = self._hold(folder / TRIALS)
            self._events = self._hold(folder / EVENTS)
            self.trials, self.events = read_trials(folder / TRIALS), read_events(folder / EVENTS)
            for file in self._files:
                file.truncate(_whole_lines(Path(file.name).read_bytes()))
            self._check(folder, identity)
        except BaseException:
            self.close()
            raise

    @property
    def durable(self) -> bool:
        return bool(self._files)

    def note(self, event: Line) -> None:
        """Record an event; it survives the death of this process."""
        if self._files:
            self._events.write(json.dumps(event, allow_nan=False).encode() + b"\n")
            self._events.flush()

    def append(self, trial: Trial) -> None:
        """Record a finished trial; it survives the loss of power."""
        if self._files:
            self._trials.write(json.dumps(_to_json(trial), allow_nan=False).encode() + b"\n")
            self._trials.flush()
            os.fsync(self._trials.fileno())

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
        head = self.events.pop(0) if self.events else None
        if head is None and self.trials:
            raise ValueError(f"{folder / EVENTS} is gone, without which {TRIALS} cannot go on: remove the run's folder")
        if head is None:
            self.note({"event": "opened", "identity": identity})
        elif head.get("identity") != identity:
            raise ValueError(f"{folder} holds the record of another protocol: choose another --work-dir")


def proposed(number: int, told: int, proposal: Proposal) -> Line:
    """The event of a proposal that is about to run."""
    arch, note = proposal.arch.as_dict(), dict(proposal.note)
    asked = dict(arch=arch, parent=proposal.parent, onward=proposal.onward, stages=proposal.stages, note=note)
    return {"event": "proposed", "id": number, "told": told, **asked}


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


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _to_json(trial: Trial) -> Line:
    proposal = trial.proposal
    return {
        "id": trial.id,
        "key": trial.arch.key,
        "arch": trial.arch.as_dict(),
        "parent": proposal.parent,
        "stages": [asdict(stage) for stage in trial.stages],
        "status": trial.status,
        "error": trial.error,
        "reward": trial.reward,
        "failure": trial.failure,
        "depth": trial.depth,
        "objectives": trial.objectives,
        "measures": dict(trial.measures),
        "inherited": trial.inherited and asdict(trial.inherited),
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
