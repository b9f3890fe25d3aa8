"""Gradient search: passes and draws of both orders, a frozen warm-up, which epoch is the answer, a collapse said aloud."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from strategies.supernet.search import Epoch, SupernetSearch


def facts(study: Any) -> list[Any]:
    return [(trial.id, trial.arch.key, trial.stages[0].metrics, trial.cost.images) for trial in study.trials]


@pytest.mark.parametrize(
    ("strategy", "passes"),
    [(DARTS(epochs=2), [2, 2]), (DARTS(epochs=2, order=2), [5, 5]), (IRNAS(epochs=2, warmup=1), [1, 2])],
    ids=["first", "second", "ir_nas"],
)
def test_every_epoch_is_a_trial_of_so_many_passes_and_does_it_again(
    restoration_study: Any, tmp_path: Path, strategy: DARTS, passes: list[int]
) -> None:
    """An epoch passes its half of the images, 13 less the last that would be alone, through the network that often.

    One more pass renews the norms (of all 13), and 4 images are scored twice: by the mixture and by the answer.
    """
    records = []
    for name in "ab":
        with restoration_study(tmp_path / name) as study:
            (answer,) = strategy.search(study)
        records.append(facts(study))
    assert records[0] == records[1]
    assert answer.arch in [trial.arch for trial in study.trials]
    assert [images for *_, images in records[0]] == [12 * count + 13 + 2 * 4 for count in passes]
    for *_, metrics, _ in records[0]:
        assert metrics["gap"] == metrics["supernet_PSNR"] - metrics["PSNR"]
        assert {"PSNR", "supernet_PSNR", "skip_ratio", "alpha_entropy", "loss"} <= metrics.keys()


def begun(strategy: DARTS, study: Any, monkeypatch: pytest.MonkeyPatch) -> DARTS:
    """A search that has not gone through an epoch yet."""
    with monkeypatch.context() as patch:
        patch.setattr(type(study), "wants", lambda self: False)
        strategy.train(study)
    return strategy


def test_the_warm_up_leaves_the_architecture_alone(
    restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with restoration_study(tmp_path) as study:
        strategy = begun(IRNAS(epochs=2, warmup=1), study, monkeypatch)
        alphas = strategy.training.alphas
        before = [alpha.detach().clone() for alpha in alphas]
        strategy._epoch(study)
        assert all(torch.equal(alpha, value) for alpha, value in zip(alphas, before, strict=True))
        strategy._epoch(study)
        assert not all(torch.equal(alpha, value) for alpha, value in zip(alphas, before, strict=True))


@pytest.mark.parametrize(("keep", "place"), [("last", 3), ("best", 2)])
def test_the_answer_is_the_last_one_or_that_of_the_best_mixture(
    restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, place: int
) -> None:
    mixtures = [25.0, 21.0, 24.0, 23.0]  # the first is of the warm-up

    def scripted(self: SupernetSearch, study: Any) -> Epoch:
        number = len(study.trials)
        metrics = {"PSNR": 20.0 + number, "SSIM": 0.5, "supernet_PSNR": mixtures[number]}
        return Epoch(study.space.sample(Random(number)).as_dict(), metrics)

    monkeypatch.setattr(SupernetSearch, "_epoch", scripted)
    with restoration_study(tmp_path, budget=dict(trials=4)) as study:
        (answer,) = DARTS(epochs=4, warmup=1, keep=keep).search(study)
    assert (answer.arch, answer.trial) == (study.trials[place].arch, place)


def test_a_collapse_is_said_aloud(restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with restoration_study(tmp_path) as study:
        strategy = begun(DARTS(epochs=1), study, monkeypatch)
        skip = study.space.operations.index("skip")
        with torch.no_grad():
            strategy.training.alphas[0][..., skip] = 5.0
        with pytest.warns(UserWarning, match="epoch 1: skips lead in 100% of their places"):
            epoch = strategy._epoch(study)
    assert epoch.metrics["skip_ratio"] == 1.0


def test_ir_nas_is_darts_with_other_defaults() -> None:
    settings = ("epochs", "warmup", "order", "arch_lr", "arch_decay", "keep")
    assert [getattr(IRNAS(), name) for name in settings] == [100, 20, 1, 1e-3, 1e-3, "best"]
    assert [getattr(IRNAS(epochs=5, warmup=1), name) for name in settings] == [5, 1, 1, 1e-3, 1e-3, "best"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(epochs=0), "at least 1"),
        (dict(epochs=5, warmup=5), "warmup must be less than epochs"),
        (dict(order=3), "order must be 1 or 2"),
        (dict(keep="first"), "keep 'last' or 'best'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        DARTS(**settings)
