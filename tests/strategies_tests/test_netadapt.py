"""NetAdapt: every round saves what it must, keeps the best trade, and hands its weights on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.study import Study
from strategies import Answer, Trial
from strategies.netadapt import NetAdapt, Widths
from tasks import complexity, latency
from tasks.toy import ToyTask

WIDTH = {"type": "ToySpace", "layers": 3}


def played(toy_study: Any, folder: Path, strategy: NetAdapt, **protocol: Any) -> tuple[Study, list[Answer]]:
    with toy_study(folder, gate=None, **{"space": WIDTH, "budget": dict(trials=200), **protocol}) as study:
        strategy.prepare(study)
        return study, strategy.search(study)


def madds(study: Study, trial: Trial) -> float:
    return study.task.measure(study.space.model(trial.arch), ["madds"])["madds"]


def test_each_round_saves_enough_and_goes_on_from_the_best_trade(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=0.3, delta=0.04, answers=100))
    trials = {trial.id: trial for trial in study.trials}
    path = [trials[answer.trial] for answer in reversed(answers) if answer.trial is not None]
    whole = madds(study, path[0])
    costs = [madds(study, trial) for trial in path]
    assert all(before - after >= 0.04 * whole for before, after in pairwise(costs))
    assert costs[-1] <= 0.3 * whole < costs[-2]
    assert path[0].arch.as_dict() == Widths(study, "madds").at(max).as_dict()
    for number, (parent, chosen) in enumerate(pairwise(path), start=1):
        round_ = [trial for trial in study.trials if trial.note.get("round") == number]
        assert len(round_) <= 3
        assert {trial.proposal.parent for trial in round_} == {parent.id}
        assert all(trial.inherited is not None for trial in round_)

        def trade(trial: Trial, parent: Trial = parent) -> float:
            return (trial.score - parent.score) / (madds(study, parent) - madds(study, trial))

        assert trade(chosen) == max(map(trade, round_))
        for trial in round_:
            differ = [name for name, choice in trial.arch.as_dict().items() if choice != parent.arch[name]]
            assert differ == [trial.note["width"]]
            assert madds(study, parent) - madds(study, trial) >= 0.04 * whole
    assert [answer.parent for answer in answers] == [answer.trial for answer in answers]


def test_a_round_that_the_budget_cuts_off_chooses_nothing(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=0.3, delta=0.04), budget=dict(trials=3))
    assert (len(study.trials), [answer.trial for answer in answers]) == (3, [0])


def test_answers_are_spread_over_the_rounds_the_last_first(toy_study, tmp_path: Path) -> None:
    whole = played(toy_study, tmp_path / "all", NetAdapt(target=0.3, delta=0.04, answers=100))[1]
    three = played(toy_study, tmp_path / "three", NetAdapt(target=0.3, delta=0.04, answers=3))[1]
    assert [three[0], three[-1]] == [whole[0], whole[-1]]
    assert len(three) == 3 < len(whole)


def test_a_target_may_be_a_cost(toy_study, tmp_path: Path) -> None:
    study, answers = played(toy_study, tmp_path, NetAdapt(target=900, delta=0.04, cost="params"))
    last = study.trials[answers[0].trial or 0]
    assert ToyTask().measure(study.space.model(last.arch), ["params"])["params"] <= 900


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A process that has timed nothing yet: its layers take a millisecond for each weight, to some `power`."""

    def begin(power: float) -> None:
        def times(network: nn.Module, image: torch.Tensor) -> list[float]:
            counts = [sum(one.numel() for one in layer.parameters()) for layer in latency.layers(network)]
            return [*(float(count) ** power for count in counts), 0.0]

        monkeypatch.setattr(latency, "layer_times", times)
        monkeypatch.setitem(complexity.MEASURES, "predicted_ms", latency.LatencyTable(rounds=1))

    return begin


TIMED: dict[str, Any] = dict(target=0.4, delta=0.2, cost="predicted_ms", answers=100)


def test_milliseconds_fall_by_what_each_round_must_save(toy_study, tmp_path: Path, process: Any) -> None:
    process(1.0)
    study, answers = played(toy_study, tmp_path, NetAdapt(**TIMED))
    costs = [study.task.measure(study.space.model(one.arch), ["predicted_ms"]) for one in reversed(answers) if one.arch]
    times = [cost["predicted_ms"] for cost in costs]
    assert len(times) == 4
    assert all(before - after >= 0.2 * times[0] for before, after in pairwise(times))
    assert times[-1] <= 0.4 * times[0] < times[-2]


def test_a_search_goes_on_with_the_milliseconds_that_it_measured(
    toy_study, tmp_path: Path, process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, file = Study.submit, tmp_path / "layers.pth"

    def submit(study: Study, proposal: Any) -> int:
        if study._next == 8:
            raise KeyboardInterrupt
        return whole(study, proposal)

    process(1.0)
    with monkeypatch.context() as patch:
        patch.setattr(Study, "submit", submit)
        with pytest.raises(KeyboardInterrupt):
            played(toy_study, tmp_path, NetAdapt(**TIMED))
    lines = (tmp_path / "events.jsonl").read_text()
    process(0.5)
    study = played(toy_study, tmp_path, NetAdapt(**TIMED))[0]
    assert (tmp_path / "events.jsonl").read_text().startswith(lines)
    assert len(study.trials) > 8
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(RuntimeError, match=r"layers\.pth cannot be read .*: remove the run's folder"):
        played(toy_study, tmp_path, NetAdapt(**TIMED))


def test_where_no_width_saves_enough_the_smallest_are_tried(toy_study, tmp_path: Path) -> None:
    """As long as anything is left to narrow: the target is what the narrowest network costs."""
    study, answers = played(toy_study, tmp_path, NetAdapt(target=180_224, delta=0.2, answers=100))
    path = [study.trials[answer.trial or 0] for answer in reversed(answers)]
    saved = [madds(study, before) - madds(study, after) for before, after in pairwise(path)]
    assert saved[0] >= 0.2 * madds(study, path[0]) > saved[-1]
    assert path[-1].arch == Widths(study, "madds").at(min)


def test_a_search_that_ends_above_its_target_says_so(
    toy_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neighbours must be equally wide, say: no single width can be changed."""

    def flaw(space: Any, choices: Any) -> str | None:
        return None if len({choices[name] for name in space.width_decisions}) == 1 else "not equally wide"

    monkeypatch.setattr("search_spaces.toy.space.ToySpace.flaw", flaw)
    with pytest.warns(UserWarning, match=r"NetAdapt ends at .* madds, above its target of .* madds: no narrower width"):
        study, answers = played(toy_study, tmp_path, NetAdapt(target=0.5))
    assert [answer.trial for answer in answers] == [0] == [trial.id for trial in study.trials]


@pytest.mark.parametrize(
    ("settings", "space", "sentence"),
    [
        (
            dict(target=1e-6),
            WIDTH,
            r"NetAdapt cannot come down to .* madds: the narrowest network has .*, so give it a larger target",
        ),
        ({}, {"type": "HeadCells"}, "NetAdapt narrows widths, and the space HeadCells decides none"),
        (
            dict(cost="latency_ms"),
            WIDTH,
            "cost must be 'params', 'madds', 'predicted_ms', which a resumed search repeats, not 'latency_ms'",
        ),
        (dict(delta=0), WIDTH, "delta between 0 and 1 and answers at least 1, not 0.5, 0 and 5"),
    ],
)
def test_what_cannot_be_is_refused(toy_study, tmp_path: Path, settings: Any, space: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        played(toy_study, tmp_path, NetAdapt(**settings), space=space)
