"""One answer to a search space: which choice was made at every decision."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Choice = int | float | str


@dataclass(frozen=True)
class Architecture:
    """A frozen, hashable mapping `decision -> choice`.

    `choices` is sorted by decision. `key` is a hash of the canonical form that the space computes: two answers that
    build the same network share a key, and compare equal. Make one with `SearchSpace.architecture`.
    """

    choices: tuple[tuple[str, Choice], ...] = field(compare=False)
    key: str

    def __getitem__(self, decision: str) -> Choice:
        return dict(self.choices)[decision]

    def as_dict(self) -> dict[str, Choice]:
        return dict(self.choices)


def content_key(value: object) -> str:
    """A short hash of the canonical JSON of `value`, the same on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def architecture_of(choices: Mapping[str, Choice], canonical: Mapping[str, Choice]) -> Architecture:
    return Architecture(tuple(sorted(choices.items())), content_key(dict(canonical)))
