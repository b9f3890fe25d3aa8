"""Tasks whose networks go wrong: every one, or those whose first layer has kernel 5."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from core import Inherit
from tasks.cost import Inherited
from tasks.stage import Stage
from tasks.task import Parts, Start
from tasks.toy import ToyTask

TOO_MUCH = 6 << 30  # bytes, of which none is touched


def nap() -> int:
    """The process that it runs in, a moment later."""
    time.sleep(0.2)
    return os.getpid()


class Sound(ToyTask):
    """Goes wrong with no network; with the kernel that others go wrong with, it calls `fault` before."""

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        figures, inherited = super().train_and_score(model, stage, seed, start, keep, adopt)
        return (self.fault(figures) if model["layers"][0]["kernel"] == 5 else figures), inherited

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        return figures


class NotFinite(Sound):
    """Scores NaN."""

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        return dict.fromkeys(figures, math.nan)


class Raising(Sound):
    """Raises."""

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        raise RuntimeError("this network is broken")


class Deadly(Sound):
    """Kills the process that it is in."""

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGKILL)
        return figures


class Hanging(Sound):
    """Waits for ever."""

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        threading.Event().wait()
        return figures


class Hungry(Sound):
    """Asks for memory that a limit may not give."""

    def fault(self, figures: dict[str, float]) -> dict[str, float]:
        return figures if len(np.empty(TOO_MUCH, dtype=np.uint8)) else {}


class Broken(ToyTask):
    """Fails with every network."""

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        raise RuntimeError("nothing works today")


class Slow(ToyTask):
    """Takes `pause` seconds for every score, and writes down in the folder `pids` which process it runs in."""

    def __init__(self, pids: str, pause: float = 0.02, **settings: Any):
        super().__init__(**settings)
        self.pids, self.pause = Path(pids), pause

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        (self.pids / str(os.getpid())).touch()
        time.sleep(self.pause)
        return super().train_and_score(model, stage, seed, start, keep, adopt)

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        time.sleep(self.pause)
        return super().score(network, stage)
