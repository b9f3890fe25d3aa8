"""What the files of a run hold, entry by entry. Whatever is read from one is checked against this before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from benchmarks.files import check_name, read_json
from core import parse
from core.parsing import in_a_line, shown
from search_spaces import SearchSpace
from strategies import Failure, Status
from tasks import Inherited

Choices = Mapping[str, int | float | str]
Figures = Mapping[str, float]
Line = dict[str, Any]
MOST_KNOWN = 20_000


@dataclass
class Costs:
    images: int
    pixels: int
    seconds: float

    def __post_init__(self) -> None:
        _counts(self)


@dataclass
class StageEntry:
    name: str
    metrics: Figures
    cost: Costs


@dataclass
class TrialEntry:
    """A line of trials.jsonl."""

    id: int
    key: str
    arch: Choices
    parent: int | None
    stages: tuple[StageEntry, ...]
    status: Status
    error: str | None
    reward: float | None
    failure: Failure | None
    depth: int
    objectives: tuple[float, ...] | None
    measures: Figures
    inherited: Inherited | None
    onward: bool
    asked: int | None
    note: Mapping[str, Any]

    def __post_init__(self) -> None:
        failed = self.status == "failed"
        if failed != (self.reward is None) or (self.failure is not None) > failed:
            raise ValueError(f"it is {self.status} with the reward {self.reward} and the failure {self.failure}")


@dataclass
class Opened:
    event: Literal["opened"]
    identity: str


@dataclass
class Proposed:
    event: Literal["proposed"]
    id: int
    told: int
    arch: Choices
    parent: int | None
    onward: bool
    stages: int | None
    note: Mapping[str, Any]


@dataclass
class Passed:
    event: Literal["passed"]
    id: int
    metrics: Figures
    cost: Costs
    inherited: Inherited | None


@dataclass
class Lost:
    event: Literal["failed"]
    id: int
    kind: Failure
    error: str
    cost: Costs


@dataclass
class Made:
    event: Literal["made"]
    id: int
    arch: Choices
    metrics: Figures
    measures: Figures
    cost: Costs


EVENTS: dict[Any, type] = {"opened": Opened, "proposed": Proposed, "passed": Passed, "failed": Lost, "made": Made}


@dataclass
class FinalEntry:
    metrics: Figures
    params: float | None = None
    madds: float | None = None
    latency_ms: float | None = None


@dataclass
class AnswerEntry:
    """One of the answers in study.json."""

    id: int | None
    key: str | None
    arch: Choices | None
    final: FinalEntry


@dataclass
class TrainedAnswer(AnswerEntry):
    """answer.json."""

    cost: Costs


@dataclass
class StudyCosts:
    search: Costs
    shared: Costs | None = None
    failed: Costs | None = None
    retrain: Costs | None = None


@dataclass
class Counts:
    done: int
    stopped: int
    failed: int
    duplicate: int

    def __post_init__(self) -> None:
        _counts(self)


@dataclass
class StudyEntry:
    """study.json."""

    benchmark: str
    strategy: str
    seed: int
    primary: str
    higher_is_better: bool
    answers: tuple[AnswerEntry, ...]
    cost: StudyCosts
    trials: Counts
    protocol_hash: str
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""

    def __post_init__(self) -> None:
        if not self.answers:
            raise ValueError("it has no answers")
        for place, answer in enumerate(self.answers):
            if self.primary not in answer.final.metrics:
                raise ValueError(f"answer {place} has no {self.primary!r}, which is the primary metric")


@dataclass
class ConfigEntry:
    """config.json."""

    name: str
    seed: int
    protocol_hash: str
    benchmark: Mapping[str, Any]
    strategy: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_name(self.name, "the strategy's name")
        check_name(self.benchmark.get("id"), "the benchmark's id")


def read_study(folder: Path) -> Line | None:
    """A finished study's `study.json`; None where there is none. Raises ValueError."""
    return _read_entry(folder / "study.json", StudyEntry, "the study")


def read_answer(folder: Path) -> Line | None:
    """The `answer.json` of a network that is trained; None where there is none. Raises ValueError."""
    return _read_entry(folder / "answer.json", TrainedAnswer, "the answer")


def read_config(folder: Path) -> Line | None:
    """A run's `config.json`; None where there is none. Raises ValueError."""
    return _read_entry(folder / "config.json", ConfigEntry, "the config")


def read_lines(path: Path, kind: str, check: Callable[[Any], None]) -> Iterator[Line]:
    """The objects in a file of JSON lines, but for a torn last one. Raises ValueError, naming file, line and entry."""
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if not text.endswith(b"\n"):
                break
            try:
                line = orjson.loads(text)
                check(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number} is not {kind} ({error}): restore or remove it") from None
            yield line


def whole_lines(data: bytes) -> int:
    """How many bytes come before a torn last line."""
    return data.rfind(b"\n") + 1


class TrialCheck:
    """Is a line a trial that may follow those before it? Raises ValueError."""

    def __init__(self, space: SearchSpace | None = None):
        self.space = space
        self.ids: set[int] = set()
        self.known: dict[str, Choices] = {}  # by key: choices that the space offers, as many trials repeat them

    def __call__(self, line: Any) -> None:
        trial = parse(TrialEntry, line, "the trial")
        if trial.id < 0 or trial.id in self.ids:
            raise ValueError(f"its id, {trial.id}, is below 0, or that of another line, too")
        if trial.parent is not None and trial.parent not in self.ids:
            raise ValueError(f"its parent {trial.parent} is no trial before it")
        if self.known.get(trial.key) != line["arch"]:
            check_choices(self.space, line["arch"], trial.key)
            if len(self.known) < MOST_KNOWN:
                self.known[trial.key] = line["arch"]
        self.ids.add(trial.id)


class EventCheck:
    """Is a line an event that may follow those before it? Raises ValueError.

    `checked` are choices of trials that the space is known to offer.
    """

    def __init__(self, space: SearchSpace | None = None, checked: Mapping[int, Choices] | None = None):
        self.space, self.opened, self.known, self.checked = space, False, 0, checked or {}

    def __call__(self, line: Any) -> None:
        kind = line.get("event") if isinstance(line, dict) else None
        if not isinstance(kind, str) or kind not in EVENTS:
            raise ValueError(f"its event must be one of {', '.join(EVENTS)}")
        parse(EVENTS[kind], line, f"the event {kind!r}")
        if self.opened == (kind == "opened"):
            raise ValueError(f"{kind!r} stands {'in the middle' if self.opened else 'at the start'} of the record")
        self.opened = True
        if kind in ("proposed", "made"):
            if line["id"] != self.known:
                raise ValueError(f"its id is {line['id']}, and the next one is {self.known}")
            self.known += 1
            if self.checked.get(line["id"]) != line["arch"]:
                check_choices(self.space, line["arch"])
        elif kind != "opened" and not 0 <= line["id"] < self.known:
            raise ValueError(f"trial {line['id']} was never proposed")


def check_choices(space: SearchSpace | None, choices: Choices, key: str | None = None) -> None:
    """Raise ValueError where a space does not offer these choices, or they are another network's than `key` says."""
    if space is None:
        return
    try:
        arch = space.architecture(choices)
        own = arch.key
    except Exception as error:  # an open space may raise anything for choices of another
        raise ValueError(f"its choices are none of {space}: {in_a_line(error)}") from None
    if key is not None and own != key:
        raise ValueError(f"its key is {shown(key)}, that of its choices {own}")


def _read_entry(path: Path, cls: type, what: str) -> Line | None:
    content = read_json(path)
    if content is not None:
        try:
            parse(cls, content, what)
        except ValueError as error:
            raise ValueError(f"{path} is not that of a run ({error}): remove it and run the benchmark again") from None
    return content


def _counts(entry: Any) -> None:
    for name, value in vars(entry).items():
        if value < 0:
            raise ValueError(f"{name} must not be negative, not {value}")
