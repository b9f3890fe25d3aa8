"""Progressive shrinking: from the largest network to all, and a front that keeps its weights."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.running.answers import finish
from search_spaces.toy.space import ToySpace
from strategies.supernet.progressive_shrinking import Opened, ProgressiveShrinking, by_size

STAGES = [dict(name="short", recipe=dict(epochs=1))]
OBJECTIVES = dict(names=["score", "params"], goals=["max", "min"])


def cost(arch: Any) -> float:
    return sum(float(arch[f"layer{k}.width"]) * float(arch[f"layer{k}.kernel"]) ** 2 for k in range(2))


def test_choices_are_ordered_by_what_they_cost() -> None:
    orders = by_size(space := ToySpace(layers=2), cost)
    widths, kernels = space.decisions["layer0.width"], space.decisions["layer1.kernel"]
    assert orders["layer0.width"] == [[width] for width in sorted(widths, reverse=True)]
    assert orders["layer1.kernel"] == [[kernel] for kernel in sorted(kernels, reverse=True)]
    assert orders["layer1.act"] == [list(space.decisions["layer1.act"])]  # they cost the same: open from the start


def test_what_makes_no_network_comes_last() -> None:
    class Picky(ToySpace):
        def flaw(self, choices: Any) -> str | None:
            return "too wide" if choices["layer0.width"] == max(self.decisions["layer0.width"]) else None

    orders = by_size(space := Picky(layers=2), cost)
    widest = max(space.decisions["layer0.width"])
    assert orders["layer0.width"][-1] == [widest]
    first = Opened(space, orders, 0.0)
    assert first.decisions["layer0.width"] == (sorted(space.decisions["layer0.width"])[-2],)
    assert first.sample(Random(0))["layer1.width"] == max(space.decisions["layer1.width"])


def test_phases_open_more_and_more(toy_study: Any, tmp_path: Path) -> None:
    strategy = ProgressiveShrinking(epochs=8, candidates=6, phases=4, answers=2)
    seen: list[dict[str, Any]] = []
    with toy_study(tmp_path, stages=STAGES, gate=None) as study:
        strategy.prepare(study)
        whole = strategy.favoured

        def favoured(rng: Random) -> Any:
            choices = whole(rng)
            seen.append({"epoch": strategy.training.epochs, **choices})
            return choices

        strategy.favoured = favoured  # type: ignore[method-assign]
        strategy.search(study)
    widths = [{one["layer0.width"] for one in seen if one["epoch"] // 2 == phase} for phase in range(4)]
    assert widths[0] == {max(ToySpace().decisions["layer0.width"])}
    assert len(widths[0]) <= len(widths[1]) <= len(widths[2]) <= len(widths[3])
    assert [len(one.decisions["layer0.width"]) for one in strategy.opened] == [1, 2, 3, 4]
    assert strategy.opened[-1].decisions.keys() == study.space.decisions.keys()
    assert all(
        set(strategy.opened[-1].decisions[name]) == set(study.space.decisions[name]) for name in study.space.decisions
    )


def test_with_objectives_it_answers_with_a_front_that_begins_with_the_shared_weights(
    toy_study: Any, tmp_path: Path
) -> None:
    strategy = ProgressiveShrinking(epochs=4, candidates=40, answers=4)
    with toy_study(tmp_path, stages=STAGES, gate=None, objectives=OBJECTIVES) as study:
        strategy.prepare(study)
        answers = strategy.search(study)
        trials = [study.trials[answer.trial] for answer in answers]
        begins = [study.begin(study.trials[answer.parent]) for answer in answers]
    assert 1 < len(answers) <= 4
    scores = [trial.objectives for trial in trials]
    assert scores == sorted(scores, reverse=True)  # better ones have more parameters
    assert [score[1] for score in scores] == sorted(score[1] for score in scores)
    assert {answer.parent for answer in answers} == {3}
    assert {begin.rule for begin in begins} == {"derive"}
    assert all((tmp_path / begin.handle).is_file() for begin in begins)


@pytest.mark.exhaustive
def test_a_final_training_begins_with_these_weights(segmentation_study: Any, tmp_path: Path) -> None:
    """Without an epoch of its own the final network has the kernels of the supernet, and the score that they have there."""
    strategy = ProgressiveShrinking(epochs=2, candidates=2, answers=1, phases=2)
    final = dict(name="final", view=dict(eval="test", size=[32, 32]), recipe=dict(epochs=0))
    with segmentation_study(tmp_path / "run", budget=dict(trials=4), final=final) as study:
        strategy.prepare(study)
        (answer,) = strategy.search(study)
        begins = [study.begin(study.trials[answer.parent or 0])]
        finish(study.benchmark, study.task_config, [answer], study.folder, 0, study.executor, begins=begins)
    folder = tmp_path / "run"
    trained = torch.load(folder / "answers/0/final.pth", weights_only=True)
    shared = torch.load(folder / begins[0].handle, weights_only=True)
    known = {tuple(value.flatten().tolist()) for value in shared.values() if value.dim() == 4}
    kernels = [value for name, value in trained.items() if value.dim() == 4 and not name.startswith("backbone")]
    assert kernels
    assert all(tuple(value.flatten().tolist()) in known for value in kernels)


def test_a_protocol_that_builds_others_in_the_end_is_refused(toy_config: Any, tool: Any, tmp_path: Path) -> None:
    strategies = dict(
        random_search=dict(type="RandomSearch"),
        shrinking=dict(type="ProgressiveShrinking", epochs=4, candidates=2, answers=1),
    )
    other = dict(type="Subset", space=dict(type="ToySpace"), choices={})
    config = dict(benchmark={**toy_config, "final_space": other}, strategies=strategies)
    (tmp_path / "mine.json").write_text(json.dumps(config))
    told = tool("run_benchmark", tmp_path / "mine.json", "--strategy", "shrinking", "--work-dir", tmp_path / "runs")
    assert told.returncode == 2
    assert "hands its weights on to the final training" in told.stderr
    assert not (tmp_path / "runs/toy-test-v1").exists()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="phases must be 2 to epochs, not 9 of 4"):
        ProgressiveShrinking(epochs=4, phases=9)
