"""A stranger's strategy: a file of at most 25 lines beside this checkout, named in a config."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import build
from strategies import STRATEGIES

FILE = '''"""Hill climbing: mutate the best trial so far."""

from random import Random

from strategies import AskTell, Proposal, Trial


class HillClimbing(AskTell):
    def start(self, space, seed):
        super().start(space, seed)
        self.best: Trial | None = None

    def ask(self, rng: Random) -> Proposal:
        if self.best is None:
            return Proposal(self.space.sample(rng))
        return Proposal(self.space.mutate(self.best.arch, rng))

    def tell(self, trial: Trial) -> None:
        if self.best is None or trial.score > self.best.score:
            self.best = trial
'''


class KilledError(Exception):
    """Stands for `kill -9`."""


def test_it_searches_and_goes_on_after_a_kill(toy_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(FILE.splitlines()) <= 25
    (tmp_path / "hill_climbing.py").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    strategy = build(STRATEGIES, dict(type="hill_climbing.HillClimbing"))
    with toy_study(gate=None) as whole:
        (answer,) = strategy.search(whole)
    assert len(whole.trials) == 60
    assert whole.trials[answer.trial].score > max(trial.score for trial in whole.trials[:5])

    def watch(study) -> None:
        if len(study.trials) == 30:
            raise KilledError

    with toy_study(tmp_path / "run", gate=None) as study:
        study.watch = watch
        with pytest.raises(KilledError):
            strategy.search(study)
    with toy_study(tmp_path / "run", gate=None) as study:
        assert strategy.search(study) == [answer]
