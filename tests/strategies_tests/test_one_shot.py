"""One-shot search: sampled paths, then candidates that cost only their scoring, on every task with a supernet."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.study import Study
from search_spaces.toy.space import ToySpace
from strategies.supernet.one_shot import OneShot

INNER = dict(type="RegularizedEvolution", population=4, tournament=2)
STAGES = [dict(name="short", recipe=dict(epochs=1))]


def facts(study: Study) -> list[Any]:
    return [(t.id, t.arch.key, t.reward, t.proposal.parent, t.cost.images, t.cost.pixels) for t in study.trials]


@pytest.fixture
def supernet_study(toy_study: Any) -> Any:
    return lambda folder, **changes: toy_study(folder, **{"stages": STAGES, "gate": None, **changes})


def test_candidates_are_scored_with_the_weights_of_the_last_epoch(supernet_study: Any, tmp_path: Path) -> None:
    strategy = OneShot(epochs=3, candidates=20, answers=3, strategy=INNER)
    with supernet_study(tmp_path, task=dict(type="ToyTask")) as study:
        answers = strategy.search(study)
        epochs, candidates = study.trials[:3], study.trials[3:]
        assert len(candidates) == 20
        assert {trial.stages[0].name for trial in epochs} == {"supernet"}
        for trial in candidates:
            assert (trial.proposal.parent, trial.proposal.stages, trial.proposal.onward) == (2, 0, False)
            assert trial.reward == pytest.approx(strategy.training.shared(trial.arch.as_dict())["score"])
    rewards = sorted({trial.arch.key: trial.reward for trial in candidates}.values(), reverse=True)
    assert [study.trials[answer.trial].reward for answer in answers] == rewards[:3]
    assert len({answer.arch.key for answer in answers}) == 3


def test_a_search_that_is_killed_among_its_candidates_goes_on(
    supernet_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = OneShot(epochs=2, candidates=9, strategy=INNER)
    with supernet_study(tmp_path / "whole") as study:
        answers = strategy.search(study)
    expected, whole = facts(study), Study.submit

    def dies(self: Study, proposal: Any) -> int:
        if len(self.trials) == 6:
            raise KeyboardInterrupt
        return whole(self, proposal)

    with supernet_study(tmp_path / "cut") as study, monkeypatch.context() as patch:
        patch.setattr(Study, "submit", dies)
        with pytest.raises(KeyboardInterrupt):
            strategy.search(study)
    with supernet_study(tmp_path / "cut") as study:
        assert strategy.search(study) == answers
        assert facts(study) == expected
    assert [path.name for path in (tmp_path / "cut/weights").iterdir()] == ["00001-1.pth"]


def test_paths_are_uniform_and_of_seed_and_epoch_alone(
    supernet_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    whole = OneShot.favoured

    def noted(self: OneShot, rng: Random) -> Any:
        seen.append(whole(self, rng))
        return seen[-1]

    monkeypatch.setattr(OneShot, "favoured", noted)
    paths = []
    for number, seed in enumerate((0, 0, 1)):
        with supernet_study(tmp_path / str(number), seed=seed, budget=dict(trials=40)) as study:
            OneShot(epochs=40, candidates=1).search(study)
        paths.append(list(seen))
        seen.clear()
    assert paths[0] == paths[1] != paths[2]
    kernels = [path["layer0.kernel"] for path in paths[0]]
    assert all(kernels.count(kernel) > len(kernels) / 5 for kernel in (1, 3, 5))


def test_a_budget_that_ends_with_the_epochs_leaves_the_best_of_theirs(supernet_study: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path, budget=dict(trials=3)) as study:
        (answer,) = OneShot(epochs=3, candidates=5).search(study)
    assert study.trials[answer.trial].reward == max(trial.reward for trial in study.trials)


def test_restoration(restoration_study: Any, tmp_path: Path) -> None:
    """25 or 26 images an epoch, as a last one alone is left out; all of them renew the norms; 4 are scored."""
    strategy = OneShot(epochs=2, candidates=4, strategy=INNER)
    with restoration_study(tmp_path, budget=dict(trials=6)) as study:
        assert strategy.prepare(study).trials == 6
        (answer,) = strategy.search(study)
        assert [trial.cost.images for trial in study.trials[:2]] == [26 + 26 + 4] * 2
        assert "supernet_PSNR" not in study.trials[0].stages[0].metrics
        assert all(not alpha.any() for alpha in strategy.training.alphas)
        candidates = [trial for trial in study.trials[2:] if trial.cost.images]
        for trial in candidates:
            assert trial.cost.images == 26 + 4
            shared = strategy.training.shared(trial.arch.as_dict())
            assert trial.reward == pytest.approx(shared["PSNR"], abs=0.5)  # norms are renewed from other batches
    assert answer.trial in range(2, 6)


def test_segmentation(segmentation_study: Any, tmp_path: Path) -> None:
    strategy = OneShot(epochs=2, candidates=3, strategy=INNER)
    with segmentation_study(tmp_path / "run", budget=dict(trials=5)) as study:
        strategy.prepare(study)
        (answer,) = strategy.search(study)
    assert [trial.status for trial in study.trials] == ["done"] * 5
    assert answer.trial in range(2, 5)


def test_what_does_not_fit_is_refused(supernet_study: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="answers must be 1 to candidates, not 4 of 3"):
        OneShot(candidates=3, answers=4)
    with pytest.raises(ValueError, match=r"did you mean 'RandomSearch'"):
        OneShot(strategy=dict(type="RandomSerch"))
    choices = ToySpace().sample(Random(0)).as_dict()
    fixed = OneShot(epochs=2, strategy=dict(type="Baseline", choices=choices))
    with (
        supernet_study(tmp_path) as study,
        pytest.raises(ValueError, match="and Baseline proposes nothing: name one that searches"),
    ):
        fixed.prepare(study)


def test_weights_of_a_supernet_are_left_once(supernet_study: Any, tmp_path: Path) -> None:
    strategy = OneShot(epochs=3, candidates=4, strategy=INNER)
    with supernet_study(tmp_path) as study:
        strategy.search(study)
    left = torch.load(tmp_path / "weights/00002-1.pth", weights_only=True)
    assert left.keys() == strategy.training.shareable.keys()
    assert not (tmp_path / "shared.pth").exists()
