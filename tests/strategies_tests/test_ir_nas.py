"""IR-NAS keeps the epoch that its criterion says."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from core import build
from strategies import STRATEGIES
from strategies.supernet.ir_nas import IRNAS
from strategies.supernet.search import Epoch, SupernetSearch

MIXTURES = [(25.0, 0.9), (21.0, 0.80), (24.0, 0.70), (23.0, 0.79)]  # PSNR and SSIM of each epoch


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (dict(), 2),  # by PSNR, after the warm-up
        (dict(criterion=dict(SSIM=1.0, PSNR=0.01)), 0),
        (dict(criterion=dict(SSIM=1.0, PSNR=0.01), since=1), 3),  # 1.02 is more than 1.01 and 0.94
        (dict(criterion=dict(SSIM=1.0), since=1), 1),
    ],
)
def test_the_answer_is_that_of_the_best_mixture_by_the_criterion(
    restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], place: int
) -> None:
    def scripted(self: SupernetSearch, study: Any) -> Epoch:
        number = len(study.trials)
        psnr, ssim = MIXTURES[number]
        metrics = {"PSNR": 20.0 + number, "SSIM": 0.5, "supernet_PSNR": psnr, "supernet_SSIM": ssim}
        return Epoch(study.space.sample(Random(number)).as_dict(), metrics)

    monkeypatch.setattr(SupernetSearch, "_epoch", scripted)
    with restoration_study(tmp_path, budget=dict(trials=4)) as study:
        (answer,) = build(STRATEGIES, dict(type="IRNAS", epochs=4, warmup=1, **settings)).search(study)
    assert (answer.arch, answer.trial) == (study.trials[place].arch, place)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(since=3), "leave keep at 'best', and give both or no since"),
        (dict(criterion=dict(PSNR=1.0), keep="last"), "leave keep at 'best'"),
        (dict(criterion=dict(PSNR=1.0), since=100), "since must be less than epochs, not 100 of 100"),
        (dict(criterion={}), "criterion weighs no metric: give one a weight other than 0, or leave it out, not {}"),
        (dict(criterion=dict(PSNR=0.0)), "criterion weighs no metric"),
        (dict(criterion=3), "criterion of strategy 'IRNAS' must be"),
        (dict(kriterion={}), "unknown setting of strategy 'IRNAS' 'kriterion': did you mean 'criterion'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(STRATEGIES, dict(type="IRNAS", **settings))


def test_a_criterion_on_what_is_not_measured_is_refused() -> None:
    study: Any = SimpleNamespace(task=SimpleNamespace(metrics=("PSNR", "SSIM", "loss")))
    with pytest.raises(ValueError, match="unknown metric of the criterion 'PSMR': did you mean 'PSNR'"):
        IRNAS(criterion=dict(PSMR=1.0)).prepare(study)
    with pytest.raises(ValueError, match="unknown metric of the criterion 'loss': choose one of PSNR, SSIM"):
        IRNAS(criterion=dict(PSNR=1.0, loss=-1.0)).prepare(study)
