"""Tasks that go wrong in ways that only a process can show."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from tasks.toy import ToyTask


def nap() -> int:
    """The process that it runs in, a moment later."""
    time.sleep(0.2)
    return os.getpid()


class Broken(ToyTask):
    """Fails with every network."""

    def train_and_score(self, model, stage, seed, start, keep, adopt):
        raise RuntimeError("nothing works today")


class Deadly(ToyTask):
    """Kills the process that trains a network whose first layer has kernel 5."""

    def train_and_score(self, model, stage, seed, start, keep, adopt):
        if model["layers"][0]["kernel"] == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train_and_score(model, stage, seed, start, keep, adopt)


class Hanging(ToyTask):
    """Waits for ever with a network whose first layer has kernel 5."""

    def train_and_score(self, model, stage, seed, start, keep, adopt):
        if model["layers"][0]["kernel"] == 5:
            threading.Event().wait()
        return super().train_and_score(model, stage, seed, start, keep, adopt)


class Slow(ToyTask):
    """Takes twenty milliseconds, and writes down the process that it runs in."""

    def __init__(self, pids: str, **settings):
        super().__init__(**settings)
        self.pids = Path(pids)

    def train_and_score(self, model, stage, seed, start, keep, adopt):
        (self.pids / str(os.getpid())).touch()
        time.sleep(0.02)
        return super().train_and_score(model, stage, seed, start, keep, adopt)
