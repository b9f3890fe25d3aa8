"""The life of a supernet: a method is a step, every epoch a trial, a kill changes nothing, what cannot be is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from benchmarks.study import Study
from core import build
from search_spaces import SPACES
from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from strategies.supernet.one_shot import OneShot
from strategies.supernet.search import SupernetSearch
from tasks import Stage
from tasks.batch import Batch

STAGES = [dict(name="short", recipe=dict(epochs=1))]
METHODS = {
    "darts": DARTS(epochs=3, arch_lr=0.1),
    "second": DARTS(epochs=3, order=2, arch_lr=0.1),
    "ir_nas": IRNAS(epochs=3, warmup=1, arch_lr=0.1),
    "one_shot": OneShot(epochs=3, candidates=6, strategy=dict(type="RegularizedEvolution", population=3, tournament=2)),
}


class Uniform(SupernetSearch):
    """The least that a method can be: the weights of the mixture learn, the architecture does not."""

    def step(self, batches: Sequence[Batch], rng: Random) -> float:
        return self.training.learn(batches[0])

    def stages(self, stage: Stage) -> list[Stage]:
        return [stage]


def facts(study: Study) -> list[Any]:
    """Everything that must be the same again: not the seconds."""
    return [
        (t.id, t.arch.key, t.reward, [(s.name, s.metrics, s.cost.images, s.cost.pixels) for s in t.stages])
        for t in study.trials
    ]


@pytest.fixture
def supernet_study(toy_study: Any) -> Callable[..., Study]:
    """A study of the toy supernet: one stage, no gate."""
    return lambda folder, **changes: toy_study(folder, **{"stages": STAGES, "gate": None, **changes})


def test_a_method_is_a_step(supernet_study: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path) as study:
        answers = Uniform(4).search(study)
    assert [trial.id for trial in study.trials] == [0, 1, 2, 3]
    assert [answer.trial for answer in answers] == [3]
    losses = [trial.stages[0].metrics["loss"] for trial in study.trials]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("written", [False, True], ids=["before the ledger", "after it"])
@pytest.mark.parametrize("number", [0, 2])
def test_a_killed_search_ends_as_if_it_had_not_been(
    supernet_study: Any, killed: Any, tmp_path: Path, name: str, written: bool, number: int
) -> None:
    """Killed once the checkpoint of an epoch is on disk: before or after its trial is."""
    strategy = METHODS[name]
    with supernet_study(tmp_path / "whole") as study:
        answers = strategy.search(study)
    expected = facts(study)
    with supernet_study(tmp_path / "cut") as study, killed(number, written):
        strategy.search(study)
    with supernet_study(tmp_path / "cut") as study:
        assert strategy.search(study) == answers
        assert facts(study) == expected
    with supernet_study(tmp_path / "cut") as study:  # played again from its end
        assert strategy.search(study) == answers
        assert facts(study) == expected


WARM = dict(type="LinearLR", start_factor=0.5, end=3, by_epoch=False)
SGD = dict(optimizer=dict(type="SGD", lr=0.5, momentum=0.9, weight_decay=3e-4))


@pytest.mark.parametrize("number", [0, 1])
def test_a_killed_search_goes_on_with_its_optimiser_and_schedule(
    supernet_study: Any, killed: Any, tmp_path: Path, number: int
) -> None:
    schedule = [WARM, dict(type="CosineAnnealingLR", eta_min=0.1)]
    stages = [dict(name="short", recipe=dict(epochs=1, **SGD, schedule=schedule))]
    strategy = METHODS["second"]
    with supernet_study(tmp_path / "whole", stages=stages) as study:
        strategy.search(study)
    rates = strategy.training.optimization.rates(strategy.training.weights)
    assert rates == pytest.approx(
        [0.2] * len(rates)
    )  # in the last of the supernet's epochs: it has more than the stage
    with supernet_study(tmp_path / "cut", stages=stages) as cut, killed(number, False):
        strategy.search(cut)
    with supernet_study(tmp_path / "cut", stages=stages) as cut:
        strategy.search(cut)
        assert facts(cut) == facts(study)


def test_a_schedule_that_outlasts_the_supernet_is_refused(supernet_study: Any, tmp_path: Path) -> None:
    stages = [dict(name="short", recipe=dict(epochs=9, **SGD, schedule=[dict(type="MultiStepLR", milestones=[8])]))]
    with supernet_study(tmp_path, stages=stages) as study:
        Uniform(8).prepare(study)
        with pytest.raises(ValueError, match=r"stage 'short': .*'MultiStepLR' goes on to epochs 8, but there are 7"):
            Uniform(7).prepare(study)


def test_seconds_before_a_kill_are_charged(supernet_study: Any, killed: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path) as study, killed(1, False):
        Uniform(2).search(study)
    state = torch.load(tmp_path / "supernet.pth", weights_only=True)
    assert (state["epochs"], state["follows"]) == (2, 0)
    state["cost"]["seconds"] += 1000
    torch.save(state, tmp_path / "supernet.pth")
    with supernet_study(tmp_path) as study:
        Uniform(2).search(study)
    first, second = (trial.cost for trial in study.trials)
    assert first.seconds < 1000 < second.seconds
    assert first.images == second.images


def test_a_checkpoint_and_a_record_that_do_not_meet_are_refused(supernet_study: Any, tmp_path: Path) -> None:
    checkpoint, kept = tmp_path / "supernet.pth", []
    for epochs in (1, 3):
        with supernet_study(tmp_path) as study:
            Uniform(epochs).search(study)
        kept.append(checkpoint.read_bytes())

    def refused(sentence: str) -> None:
        with supernet_study(tmp_path) as study, pytest.raises(RuntimeError, match=sentence):
            Uniform(4).search(study)

    checkpoint.write_bytes(kept[0])
    refused(r"supernet\.pth holds epoch 1, and the run's record ends with epoch 3: remove the run's folder$")
    checkpoint.unlink()
    refused(r"supernet\.pth is gone: it holds epoch 0, and the run's record ends with epoch 3")
    checkpoint.write_bytes(kept[1])
    lines = (tmp_path / "events.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "events.jsonl").write_text("".join(lines[:2]))
    refused(r"supernet\.pth holds epoch 3, and the run's record ends with epoch 1")
    torch.save({**torch.load(checkpoint, weights_only=True), "epochs": 1, "follows": 7}, checkpoint)
    refused(r"supernet\.pth holds epoch 1, and the run's record ends with epoch 1")
    torch.save({**torch.load(checkpoint, weights_only=True), "identity": "another"}, checkpoint)
    refused(r"supernet\.pth is of another protocol or seed: remove the run's folder")
    checkpoint.write_bytes(kept[1][:-100])
    refused(r"supernet\.pth cannot be read \(\w+\): remove the run's folder")


def test_the_budget_ends_it(supernet_study: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path / "a", budget=dict(trials=2)) as study:
        assert [answer.trial for answer in Uniform(9).search(study)] == [1]
    epoch = study.trials[0].cost.images
    with supernet_study(tmp_path / "b", budget=dict(trials=9, images=epoch + 1)) as study:
        Uniform(9).search(study)
    assert [trial.cost.images for trial in study.trials] == [epoch, epoch]


def test_metrics_that_are_not_finite_end_it(
    supernet_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Uniform, "scores", lambda self, choices: {"score": math.nan})
    with supernet_study(tmp_path) as study, pytest.raises(FloatingPointError, match="epoch 1 has metrics"):
        Uniform(1).search(study)
    assert not (tmp_path / "supernet.pth").exists()


def test_it_says_how_long_it_is_and_what_it_needs(supernet_study: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path) as study:
        for strategy, trials in ((Uniform(4), 4), (METHODS["one_shot"], 9)):
            plan = strategy.prepare(study)
            assert plan.trials == trials
            assert "the supernet needs" in plan.note
        assert study.spent().images == 0


def test_what_has_no_supernet_is_refused(supernet_study: Any, tmp_path: Path) -> None:
    with supernet_study(tmp_path) as study:
        part = study.space.only("layer0.", study.space.sample(Random(0)))
        for space in (build(SPACES, dict(type="DecoderTemplates")), part):
            study.benchmark.space = space
            with pytest.raises(ValueError, match=r"Uniform trains a supernet: .* has no supernet"):
                Uniform(1).prepare(study)
        study.benchmark.space = build(SPACES, dict(type="MetaKernels", operations=["meta"]))
        with pytest.raises(ValueError, match="MetaKernels has a single answer: there is nothing to search"):
            Uniform(1).prepare(study)


@pytest.mark.parametrize(("higher", "gap"), [(True, -2.0), (False, 2.0)])
def test_a_gap_is_what_the_answer_loses(higher: bool, gap: float) -> None:
    search, training = DARTS(epochs=1, arch_lr=1e-2), Mock(alphas=[1], task=Mock(primary="m", higher_is_better=higher))
    training.mixture.return_value, training.shared.return_value = {"m": 1.0}, {"m": 3.0}
    training.supernet.probabilities.return_value = {"a": {"skip": 0.4, "conv": 0.6}}
    search.training = training
    scores = search.scores({})
    assert (scores["m"], scores["supernet_m"], scores["gap"]) == (3.0, 1.0, gap)


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="epochs must be at least 1, not 0"):
        Uniform(0)
