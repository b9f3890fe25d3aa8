"""Studies as their files tell them, for whoever only reads results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.files import read_json
from benchmarks.ledger import TRIALS, read_trials
from strategies import Trial
from tasks import Cost

STATUSES = ("done", "stopped", "failed", "duplicate")


@dataclass(frozen=True)
class Record:
    """One study: whose it is, its trials, its `config.json`, and its `study.json` (`result`, None where it is not finished).

    `copies` are other folders that hold the same benchmark, strategy and seed: they do not count.
    """

    folder: Path
    benchmark: str
    strategy: str
    seed: int
    trials: list[Trial]
    config: dict[str, Any]
    result: dict[str, Any] | None = None
    copies: list[Record] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Record:
        """Read a run's folder. Raises ValueError where it cannot be read."""
        config, result = read_json(folder / "config.json"), read_json(folder / "study.json")
        if config is None:
            raise ValueError(f"{folder} has no config.json: restore it, or run the benchmark again")
        try:
            who = (config["benchmark"]["id"], config["name"], config["seed"])
            _ = config["protocol_hash"]
        except (KeyError, TypeError):
            raise ValueError(f"{folder / 'config.json'} is not that of a run: restore it, or run it again") from None
        return cls(folder, *who, read_trials(folder / TRIALS), config, result)

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.benchmark, self.strategy, self.seed

    @property
    def protocol_hash(self) -> str:
        return self.config["protocol_hash"]

    def counts(self) -> dict[str, int]:
        """How its trials ended; an evaluation that another trial had made already has cost nothing and is a duplicate."""
        counted = {status: sum(trial.status == status for trial in self.trials) for status in STATUSES[:3]}
        return {**counted, "duplicate": sum(bool(trial.stages) and trial.cost == Cost() for trial in self.trials)}

    def problems(self) -> list[str]:
        """What in this study's files contradicts itself, and copies of it, a sentence each."""
        found = [f"{copy.folder} is a copy of {self.folder}: it was counted once" for copy in self.copies]
        ids = [trial.id for trial in self.trials]
        if sorted(ids) != list(range(len(ids))):
            found.append(f"{self.folder}: trial ids are not 0 to {len(ids) - 1}")
        if self.result is not None:
            found += [f"{self.folder}: {sentence}" for sentence in self._contradictions(self.result)]
        return found

    def _contradictions(self, result: dict[str, Any]) -> list[str]:
        """Where `study.json` says something else than configuration and trials."""
        found = []
        said = (result["benchmark"], result["strategy"], result["seed"])
        if said != self.identity:
            found.append(f"config.json is of {self.identity}, study.json of {said}")
        if result["protocol_hash"] != self.protocol_hash:
            found.append("config.json and study.json are of different protocols")
        keys = {trial.id: trial.arch.key for trial in self.trials}
        for answer in result["answers"]:
            if answer["id"] is not None and keys.get(answer["id"]) != answer["key"]:
                found.append(f"the answer {answer['key']} is not trial {answer['id']} of its ledger")
        for status, counted in self.counts().items():
            if counted != result["trials"][status]:
                found.append(f"{counted} trials are {status}, study.json says {result['trials'][status]}")
        images = sum(trial.cost.images for trial in self.trials)
        if images != result["cost"]["search"]["images"]:
            found.append(f"the trials cost {images} images, study.json says otherwise")
        return found


def read_records(folders: Iterable[Path]) -> list[Record]:
    """Every study at or below `folders`, each once.

    Of several folders with the same benchmark, strategy and seed a finished one counts before an unfinished one, the first
    before later ones. Raises ValueError where there is none, or one cannot be read.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        ledgers = sorted(folder.rglob(TRIALS))
        if not ledgers:
            raise ValueError(f"there is no run ({TRIALS}) in {folder}: give a folder that run_benchmark.py wrote")
        found.update(dict.fromkeys(ledger.parent.resolve() for ledger in ledgers))
    groups: dict[tuple[str, str, int], list[Record]] = {}
    for record in map(Record.of, found):
        groups.setdefault(record.identity, []).append(record)
    return [_first(group) for group in groups.values()]


def _first(group: Sequence[Record]) -> Record:
    kept = next((record for record in group if record.result), group[0])
    kept.copies.extend(record for record in group if record is not kept)
    return kept
