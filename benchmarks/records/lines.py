"""Files of JSON lines, and what may follow what in those of a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from benchmarks.files import LARGEST, there
from benchmarks.records.entries import EVENTS, Choices, Line, TrialEntry
from core import parse
from core.parsing import in_a_line, shown
from search_spaces import SearchSpace

MOST_KNOWN = 20_000  # choices of different networks that are remembered


def read_lines(path: Path, kind: str, check: Callable[[Any], None]) -> Iterator[Line]:
    """The objects in a file of JSON lines, but for a torn last one. Raises ValueError, naming file, line and entry."""
    there(path)
    with path.open("rb") as file:
        for number, text in enumerate(iter(partial(file.readline, LARGEST), b""), start=1):
            if not text.endswith(b"\n"):
                if len(text) == LARGEST:
                    raise ValueError(f"{path}, line {number} has more than {LARGEST >> 20} MiB: restore or remove it")
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
        self.known: set[tuple[Any, ...]] = set()  # keys with choices that the space offers, as many trials repeat them

    def __call__(self, line: Any) -> None:
        trial = parse(TrialEntry, line, "the trial")
        if trial.id < 0 or trial.id in self.ids:
            raise ValueError(f"its id, {trial.id}, is below 0, or that of another line, too")
        if trial.parent is not None and trial.parent not in self.ids:
            raise ValueError(f"its parent {trial.parent} is no trial before it")
        network = (trial.key, *line["arch"].items())
        if network not in self.known:
            check_choices(self.space, line["arch"], trial.key)
            if len(self.known) < MOST_KNOWN:
                self.known.add(network)
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


def check_given(event: Line, space: SearchSpace | None) -> None:
    """Raise ValueError where what a strategy proposes, or has made itself, could not be read again."""
    try:
        text = json.dumps(event, ensure_ascii=False).encode()
        parse(EVENTS[event["event"]], json.loads(text), "the trial")
        check_choices(space, event["arch"])
        json.dumps(event, allow_nan=False)
    except (TypeError, ValueError) as error:
        why = f"trial {event['id']} cannot be recorded ({in_a_line(error)})"
        raise ValueError(f"{why}: let the strategy give a network of its space, and plain JSON") from None


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
