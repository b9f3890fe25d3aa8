"""What the final training of an answer left to be looked at: `answers/<place>/report.json` and the pictures beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.files import read_json
from benchmarks.records.record import Record
from core import parse
from tasks.files import content

EXAMPLES = 6  # of an answer that are shown
LARGEST = 16 << 20  # bytes of a picture that a page holds
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Confusion:
    """How many items of each class (rows) were taken for which (columns)."""

    classes: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if [len(row) for row in self.counts] != [len(self.classes)] * len(self.classes):
            raise ValueError("its counts must be a row and a column a class")


@dataclass(frozen=True)
class Example:
    """A picture of the final split: files by what they show, and how well it was done."""

    name: str
    files: Mapping[str, str]
    score: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """`report.json`: figures of every epoch of the final training, the confusion of classes, and examples."""

    curve: tuple[Mapping[str, float | None], ...] = ()
    confusion: Confusion | None = None
    examples: tuple[Example, ...] = ()


class Chosen(NamedTuple):
    """The first answer of one of a strategy's studies, with its figures and, where there is one, its report."""

    record: Record
    answer: dict[str, Any]
    report: Report
    home: Path


def chosen(group: list[Record]) -> Chosen | None:
    """The best by the primary metric of the first answers of a strategy's finished studies. Raises ValueError."""
    finished = [(record, record.result) for record in group if record.result]
    if not finished:
        return None
    sign = 1 if finished[0][1]["higher_is_better"] else -1
    record, result = max(finished, key=lambda one: sign * one[1]["answers"][0]["final"]["metrics"][one[1]["primary"]])
    home = record.folder / "answers" / "0"
    return Chosen(record, result["answers"][0], read_report(home), home)


def read_report(home: Path) -> Report:
    """An answer's report, empty where there is none; entries that are not known here are left out. Raises ValueError."""
    path = home / "report.json"
    content = read_json(path) or {}
    try:
        return parse(Report, _known(Report, content), "the report")
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}): remove it, or train the answer again") from None


def _known(cls: type, content: Any) -> Any:
    """Without what another version may have added."""
    if not isinstance(content, Mapping):
        return content
    kept = {name: value for name, value in content.items() if name in cls.__dataclass_fields__}  # type: ignore[attr-defined]
    if isinstance(kept.get("examples"), list):
        kept["examples"] = [_known(Example, one) for one in kept["examples"]]
    if "confusion" in kept:
        kept["confusion"] = _known(Confusion, kept["confusion"])
    return kept


def picture(home: Path, file: str) -> str | None:
    """A picture as a data URI; None where it is not there. Raises ValueError where it is none, or lies elsewhere."""
    path = (home / file).resolve()
    if not path.is_relative_to(home.resolve()):
        raise ValueError(f"{home / 'report.json'} names {file!r}, which leaves the answer's folder: remove it")
    if not path.is_file():
        return None
    data = content(path, LARGEST)
    if not data.startswith(PNG):
        raise ValueError(f"{path} is no PNG: remove it, or train the answer again")
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
