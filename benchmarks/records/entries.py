"""What the files of a run hold, entry by entry. Whatever is read from one is checked against this before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.files import check_name, read_json
from core import parse
from core.parsing import in_a_line
from strategies import Failure, Status
from tasks import Inherited

Choices = Mapping[str, int | float | str]
Figures = Mapping[str, float]
Line = dict[str, Any]


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
    """config.json; `threads` are those that trainings began with, None where nobody chose them."""

    name: str
    seed: int
    protocol_hash: str
    benchmark: Mapping[str, Any]
    strategy: Mapping[str, Any]
    weights: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "the strategy's name")
        check_name(self.benchmark.get("id"), "the benchmark's id")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be at least 1, not {self.threads}")


def read_study(folder: Path, config: Mapping[str, Any] | None = None) -> Line | None:
    """A finished study's `study.json`; None where there is none. Raises ValueError, also where `config` is another run's."""
    path = folder / "study.json"
    result = _read_entry(path, StudyEntry, "the study")
    if result is not None and config is not None:
        said, is_of = (result["benchmark"], result["strategy"], result["seed"]), run_of(config)
        if said != is_of:
            raise ValueError(f"{path} is of {titled(*said)}, and not of {titled(*is_of)}: remove it")
    return result


def run_of(config: Mapping[str, Any]) -> tuple[str, str, int]:
    """Whose a `config.json` is: benchmark, strategy and seed."""
    return config["benchmark"]["id"], config["name"], config["seed"]


def titled(benchmark: str, strategy: str, seed: int) -> str:
    """A run in a sentence."""
    return in_a_line(f"{benchmark}, {strategy}, seed {seed}")


def read_answer(folder: Path) -> Line | None:
    """The `answer.json` of a network that is trained; None where there is none. Raises ValueError."""
    return _read_entry(folder / "answer.json", TrainedAnswer, "the answer")


def read_config(folder: Path) -> Line | None:
    """A run's `config.json`; None where there is none. Raises ValueError."""
    return _read_entry(folder / "config.json", ConfigEntry, "the config")


def _read_entry(path: Path, cls: type, what: str) -> Line | None:
    content = read_json(path)
    if content is not None:
        try:
            parse(cls, content, what)
        except ValueError as error:
            raise ValueError(f"{path} is not that of a run ({error}): remove it and run the benchmark again") from None
    return content


def _counts(entry: Any) -> None:
    if min(vars(entry).values()) < 0:
        name, value = next((name, value) for name, value in vars(entry).items() if value < 0)
        raise ValueError(f"{name} must not be negative, not {value}")
