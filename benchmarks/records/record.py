"""Studies as their files tell them, for whoever only reads results."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.benchmark import check_bounds, rules
from benchmarks.ledger import EVENTS, TRIALS, read_events, read_trials
from benchmarks.records.entries import read_answer, read_config, read_study, run_of
from benchmarks.records.lines import check_choices
from core import build, content_key, only_registered
from core.parsing import in_a_line
from search_spaces import SPACES, SearchSpace
from strategies import Trial
from tasks.cost import BATCH_PARTS

STATUSES = ("done", "stopped", "failed", "duplicate")


class UnbuildableError(ValueError):
    """A space is too large for any machine, or nested without end."""


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
        config = read_config(folder)
        if config is None:
            raise ValueError(f"{folder} has no config.json: restore it, or run the benchmark again")
        return cls(folder, *run_of(config), read_trials(folder / TRIALS), config, read_study(folder, config))

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.benchmark, self.strategy, self.seed

    @property
    def protocol_hash(self) -> str:
        return self.config["protocol_hash"]

    def space(self) -> SearchSpace | None:
        """Its protocol's; None where that names a class that is none of this checkout's: to read a record imports no other.

        Raises ValueError where its settings are refused, UnbuildableError where nothing could build it, OSError where its
        table is not here.
        """
        config, where = self.config["benchmark"].get("space"), f"the space of {self.folder}"
        try:
            check_bounds(config, where)
        except (ValueError, RecursionError) as error:
            raise UnbuildableError(f"{where} cannot be built: {in_a_line(error)}") from None
        try:
            if self.foreign():
                return None
            with only_registered():
                return build(SPACES, config)
        except (ValueError, OSError):
            raise
        except Exception as error:  # also a nesting so deep that it cannot be followed
            raise UnbuildableError(f"{where} cannot be built ({type(error).__name__}: {in_a_line(error)})") from None

    def foreign(self) -> list[str]:
        """The classes that its space names and this checkout does not have."""
        named = _types(self.config["benchmark"].get("space"))
        return [name for name in named if SPACES.member(name.removeprefix("densebench.")) not in SPACES.members]

    def counts(self) -> dict[str, int]:
        """How its trials ended; an evaluation that another trial had made already has cost nothing and is a duplicate."""
        ended, again = Counter(trial.status for trial in self.trials), sum(trial.repeated for trial in self.trials)
        return {**{status: ended[status] for status in STATUSES[:3]}, "duplicate": again}

    def failures(self) -> Counter[str]:
        """How many of its trials failed, by kind."""
        return Counter(trial.failure or "error" for trial in self.trials if trial.status == "failed")

    def split_batches(self) -> tuple[int, int]:
        """How many of its trials and of its final trainings went through batches in parts, for want of memory."""
        trials = sum(any(BATCH_PARTS in stage.metrics for stage in trial.stages) for trial in self.trials)
        finals = [answer["final"]["metrics"] for answer in (self.result or {}).get("answers", ())]
        return trials, sum(BATCH_PARTS in metrics for metrics in finals)

    def problems(self) -> list[str]:
        """What in this study's files contradicts itself, and copies of it, a sentence each."""
        found = [f"{copy.folder} is a copy of {self.folder}: it was counted once" for copy in self.copies]
        found += [f"{self.folder}: {sentence}" for sentence in self._foreign()]
        if self.result is not None:
            try:
                found += [f"{self.folder}: {sentence}" for sentence in self._contradictions(self.result)]
            except ValueError as error:  # an answer cannot be read
                found.append(str(error))
        return found

    def _foreign(self) -> list[str]:
        """Where events and trials are not of this protocol, or of this space."""
        identity = identity_of(self.config)
        try:
            events = read_events(self.folder / EVENTS)
            space = self.space()
            for trial in self.trials:
                check_choices(space, trial.arch.as_dict(), trial.arch.key)
        except (ValueError, OSError) as error:
            return [str(error)]
        fits = bool(events) and events[0]["identity"] == identity
        return [] if fits else [f"{EVENTS} is not of the protocol, strategy and seed that config.json holds"]

    def _contradictions(self, result: dict[str, Any]) -> list[str]:
        """Where `study.json` says something else than configuration and trials."""
        found = []
        if result["protocol_hash"] != self.protocol_hash:
            found.append("config.json and study.json are of different protocols")
        keys = {trial.id: trial.arch.key for trial in self.trials}
        if sorted(trial.id for trial in self.trials) != list(range(len(self.trials))):  # before, some may be in flight
            found.append(f"trial ids are not 0 to {len(self.trials) - 1}")
        for place, answer in enumerate(result["answers"]):
            trained = read_answer(self.folder / "answers" / str(place))
            if trained is not None and any(trained[name] != value for name, value in answer.items()):
                found.append(f"answers/{place}/answer.json says something else than study.json")
            if answer["id"] is not None and keys.get(answer["id"]) != answer["key"]:
                found.append(f"the answer {answer['key']} is not trial {answer['id']} of its ledger")
        for status, counted in self.counts().items():
            if counted != result["trials"][status]:
                found.append(f"{counted} trials are {status}, study.json says {result['trials'][status]}")
        images = sum(trial.cost.images for trial in self.trials)
        if images != result["cost"]["search"]["images"]:
            found.append(f"the trials cost {images} images, study.json says otherwise")
        return found


def _types(config: Any) -> Iterator[str]:
    """Every class that a config names."""
    if isinstance(config, Mapping) and "type" in config:
        yield str(config["type"])
    for item in config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ():
        yield from _types(item)


def identity_of(config: Mapping[str, Any]) -> str:
    """What a study's record is of, by its `config.json`: the protocol, the strategy with its settings, and the seed.

    Of weights that a final training begins with, their content counts, and not where they lie.
    """
    weights = [config["weights"]] if config.get("weights") else []
    return content_key([config["protocol_hash"], rules(config["strategy"]), config["seed"], *weights])


def read_records(folders: Iterable[Path]) -> list[Record]:
    """Every study at or below `folders`, each once.

    Of several folders with the same benchmark, strategy and seed a finished one counts before an unfinished one, the first
    before later ones. Raises ValueError where there is none, or one cannot be read.
    """
    folders, found = list(folders), dict[Path, None]()
    for folder in folders:
        ledgers = sorted(_ledgers(folder))
        if not ledgers:
            raise ValueError(f"there is no run ({TRIALS}) in {folder}: give a folder that run_benchmark.py wrote")
        found.update(dict.fromkeys(ledger.parent.resolve() for ledger in ledgers if not _just_begun(ledger)))
    if not found:
        raise ValueError(f"no run in {', '.join(map(str, folders))} has begun yet: run the benchmark first")
    groups: dict[tuple[str, str, int], list[Record]] = {}
    for record in map(Record.of, found):
        groups.setdefault(record.identity, []).append(record)
    return [_first(group) for group in groups.values()]


def _ledgers(folder: Path) -> Iterator[Path]:
    """Those at or below a folder, behind links to folders as well, which may lead round in a circle."""
    known = set[str]()
    for where, below, names in os.walk(folder, followlinks=True):
        if (place := os.path.realpath(where)) in known:
            below.clear()
            continue
        known.add(place)
        if TRIALS in names:
            yield Path(where, TRIALS)


def _just_begun(ledger: Path) -> bool:
    """Was a run killed, or is it seen, before it wrote anything down?"""
    return not (ledger.parent / "config.json").exists() and not ledger.stat().st_size


def _first(group: Sequence[Record]) -> Record:
    kept = next((record for record in group if record.result), group[0])
    kept.copies.extend(record for record in group if record is not kept)
    return kept
