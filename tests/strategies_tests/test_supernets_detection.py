"""Supernets of FPN and head together: gradients of both orders, and shared weights that are those of the networks derived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from strategies.supernet.darts import DARTS
from strategies.supernet.one_shot import OneShot
from strategies.supernet.search import SupernetSearch
from tasks.detection.samples import DetectionSamples

STUDY: dict[str, Any] = dict(
    id="detection-test-v1",
    task=dict(
        type="DetectionTask",
        template=dict(type="FCOS", width=8),
        data=dict(type="ScenesDetection"),
        encoder=dict(width=0.1),
    ),
    space=dict(type="FCOSDecoder", channels=8, blocks=4, layers=2),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.06, size=[64, 64], eval_size=[64, 64], copies=1),
            recipe=dict(epochs=1, batch=4, lr=5e-3),
            options=dict(cached=True),
        )
    ],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test", size=[64, 64]), recipe=dict(epochs=1)),
    reward=dict(type="NegativeSum", names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=20),
    seeds=[0],
)


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight are scored."""
    monkeypatch.setattr(DetectionSamples, "eval_size", 8)


def test_shared_weights_are_those_of_the_networks_derived(opened_study: Any, tmp_path: Path) -> None:
    """A candidate, built alone with the weights of its answer, scores as the supernet that holds this answer."""
    strategy = OneShot(epochs=1, candidates=3, strategy=dict(type="RandomSearch"))
    with opened_study(tmp_path / "run", STUDY) as study:
        (answer,) = strategy.search(study)
        candidates = study.trials[1:]
        assert len(candidates) == 3
        for trial in candidates:
            shared = strategy.training.shared(trial.arch.as_dict())
            assert trial.reward == pytest.approx(study.benchmark.reward(shared), rel=1e-4)
        assert answer.arch == max(candidates, key=lambda trial: trial.reward).arch


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_move_both_supernets(opened_study: Any, tmp_path: Path, order: int) -> None:
    strategy: SupernetSearch = DARTS(epochs=1, order=order, arch_lr=0.1)
    with opened_study(tmp_path / "run", STUDY) as study:
        strategy.prepare(study)
        (answer,) = strategy.search(study)
        assert answer.arch is not None
        assert study.space.architecture(answer.arch.as_dict()) == answer.arch
        moved = [
            name for name, shares in strategy.training.supernet.probabilities().items() if len({*shares.values()}) > 1
        ]
        assert moved == list(study.space.decisions)
        metrics = study.trials[0].stages[0].metrics
        assert {"mAP", "supernet_mAP", "gap", "skip_ratio", "alpha_entropy"} <= metrics.keys()
