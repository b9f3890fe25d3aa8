"""Tasks that go wrong in ways that only a process can show."""

from __future__ import annotations

import os

from tasks.toy import ToyTask


class Broken(ToyTask):
    """Fails with every network."""

    def fit(self, model, stage, *, seed, init=None, weights=None):
        raise RuntimeError("nothing works today")


class Deadly(ToyTask):
    """Kills the process that trains a network whose first layer has kernel 5."""

    def fit(self, model, stage, *, seed, init=None, weights=None):
        if model["layers"][0]["kernel"] == 5:
            os._exit(9)
        return super().fit(model, stage, seed=seed)
