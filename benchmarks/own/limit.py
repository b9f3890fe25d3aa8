"""What a network may cost at most, as a command line says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core import did_you_mean
from tasks.rewards import COSTS

UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
NAMES = {"params": "params", "madds": "madds", "latency": "latency_ms"}


def told(cost: float) -> str:
    """A number of parameters or multiplications; milliseconds that are few to three digits."""
    return f"{cost:,.0f}" if cost >= 100 else f"{cost:.3g}"


@dataclass(frozen=True)
class Limit:
    """`name` is one of COSTS; latencies are in milliseconds."""

    name: str
    most: float

    @classmethod
    def of(cls, text: str) -> Limit:
        """From params=500k, madds=1G or latency=20ms. Raises ValueError."""
        name, _, value = text.partition("=")
        if name not in NAMES:
            raise ValueError(did_you_mean("cost in --limit", name, NAMES))
        found = re.fullmatch(r"(\d+\.?\d*|\.\d+)([kmg]?)(ms)?", value.lower())
        if found is None or bool(found[3]) != (name == "latency") or not float(found[1]):
            raise ValueError(f"--limit {text}: write it as params=500k, madds=1G or latency=20ms")
        return cls(NAMES[name], float(found[1]) * UNITS[found[2]])

    def __str__(self) -> str:
        assert self.name in COSTS
        return f"{self.name} of at most {told(self.most)}"
