"""The append-only record of a study: one JSON object a line."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from search_spaces import Architecture
from strategies import Proposal, StageResult, Trial
from tasks import Cost


class Ledger:
    """`trials.jsonl` of one study, held open by the one process that writes it.

    A line reaches the disk before the strategy hears of its trial. A last line that was torn by a kill is cut off.
    Raises ValueError where another line cannot be read, and where another process holds the file.
    """

    def __init__(self, path: Path):
        self.file: IO[bytes] = open(path, "ab")  # noqa: SIM115 - held until close()
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.file.close()
            raise ValueError(f"{path} is being written by another process: wait for it, or stop it first") from None
        self.trials = read_trials(path)
        self.file.truncate(_whole_lines(path.read_bytes()))

    def append(self, trial: Trial) -> None:
        self.file.write(json.dumps(_to_json(trial), allow_nan=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.trials.append(trial)

    def close(self) -> None:
        self.file.close()


def read_trials(path: Path) -> list[Trial]:
    """The trials of a ledger in file order, without its torn last line, if there is one."""
    data = path.read_bytes()
    trials = []
    for number, line in enumerate(data[: _whole_lines(data)].splitlines(), start=1):
        try:
            trials.append(_from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}, line {number} is not a trial ({error}): restore the file or remove the run"
            ) from None
    return trials


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _to_json(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.id,
        "key": trial.arch.key,
        "arch": trial.arch.as_dict(),
        "parent": trial.proposal.parent,
        "stages": [asdict(stage) for stage in trial.stages],
        "status": trial.status,
        "error": trial.error,
        "reward": trial.reward,
    }


def _from_json(record: dict[str, Any]) -> Trial:
    arch = Architecture(tuple(sorted(record["arch"].items())), record["key"])
    stages = tuple(StageResult(s["name"], s["metrics"], Cost(**s["cost"])) for s in record["stages"])
    proposal = Proposal(arch, record["parent"])
    return Trial(record["id"], proposal, stages, record["status"], record["reward"], record["error"])
