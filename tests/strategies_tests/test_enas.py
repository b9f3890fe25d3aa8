"""ENAS: shared weights and a controller in turns, on every task with a supernet."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from strategies.supernet.enas import ENAS

STAGES = [dict(name="short", recipe=dict(epochs=1))]


@pytest.fixture
def supernet_study(toy_study: Any) -> Any:
    return lambda folder, **changes: toy_study(folder, **{"stages": STAGES, "gate": None, **changes})


def test_the_controller_moves_while_the_weights_stand_still(supernet_study: Any, tmp_path: Path) -> None:
    strategy = ENAS(epochs=2, candidates=4, lr=1e-2)
    moved: list[tuple[bool, bool]] = []
    whole = strategy._reinforce

    def watched(batch: Any, rng: Random) -> None:
        before = [weight.detach().clone() for weight in strategy.training.weights]
        policy = [weight.detach().clone() for weight in strategy.policy.controller.parameters()]
        whole(batch, rng)
        now = strategy.policy.controller.parameters()
        moved.append(
            (
                any(not torch.equal(*pair) for pair in zip(before, strategy.training.weights, strict=True)),
                any(not torch.equal(*pair) for pair in zip(policy, now, strict=True)),
            )
        )

    strategy._reinforce = watched  # type: ignore[method-assign]
    with supernet_study(tmp_path) as study:
        strategy.search(study)
    assert not any(weights for weights, _ in moved)
    assert [policy for _, policy in moved] == [False, *[True] * (len(moved) - 1)]  # the first has no baseline


def test_it_learns_which_networks_lose_least(supernet_study: Any, tmp_path: Path) -> None:
    """Candidates that the trained controller draws score better with the shared weights than random ones."""
    strategy = ENAS(epochs=30, candidates=30, lr=2e-2)
    with supernet_study(tmp_path, budget=dict(trials=100), task=dict(type="ToyTask")) as study:
        (answer,) = strategy.search(study)
        drawn = [trial.score for trial in study.trials[30:]]
        random = [
            strategy.training.shared(study.space.sample(Random(number)).as_dict())["score"] for number in range(30)
        ]
    assert sum(drawn) / len(drawn) > sum(random) / len(random) + 5
    assert study.trials[answer.trial].score == max(drawn)


def test_segmentation(segmentation_study: Any, tmp_path: Path) -> None:
    strategy = ENAS(epochs=2, candidates=3, answers=2)
    with segmentation_study(tmp_path / "run", budget=dict(trials=5)) as study:
        strategy.prepare(study)
        answers = strategy.search(study)
    assert [trial.status for trial in study.trials] == ["done"] * 5
    assert {answer.trial for answer in answers} <= {2, 3, 4}


def test_restoration(restoration_study: Any, tmp_path: Path) -> None:
    strategy = ENAS(epochs=1, candidates=2, draws=2)
    with restoration_study(tmp_path / "run") as study:
        strategy.prepare(study)
        (answer,) = strategy.search(study)
        epoch = study.trials[0]
        assert (
            epoch.cost.images == 12 + 2 * 12 + 13 + 4
        )  # whole batches of one half, two draws on the other; norms, scores
    assert answer.trial in (1, 2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="draws and hidden must be at least 1, not 0 and 100"):
        ENAS(draws=0)
    with pytest.raises(ValueError, match="lr=0 must be positive"):
        ENAS(lr=0)
