"""Several networks of one search: which, in which order, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core import build
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, Answer, Plan, Proposal, Trial
from strategies.shortlist import Shortlist, ranking, spread

RANDOM = dict(type="RandomSearch")


def trial(number: int, reward: float | None, depth: int = 2, network: int | None = None) -> Trial:
    proposal = Proposal(ToySpace().sample(Random(number if network is None else network)))
    if reward is None:
        return Trial(number, proposal, (), "failed", failure="error", depth=depth)
    return Trial(number, proposal, (), "done", reward, depth=depth)


def test_different_networks_of_the_deepest_trials_are_ranked() -> None:
    trials = [
        trial(0, 9.0, depth=1),  # it was stopped early
        trial(1, 3.0),
        trial(2, 5.0),
        trial(3, 4.0, network=1),  # the network of trial 1, better this time
        trial(4, None),
        trial(5, 5.0),
        trial(6, 1.0),
        trial(7, 5.0, network=2),
    ]
    assert [one.id for one in ranking(trials)] == [2, 5, 3, 6]
    with pytest.raises(RuntimeError, match="all 1 trials failed"):
        ranking(trials[4:5])


@pytest.mark.parametrize(
    ("count", "places"),
    [(1, [0]), (2, [0, 10]), (3, [0, 5, 10]), (6, [0, 2, 4, 6, 8, 10]), (11, list(range(11))), (20, list(range(11)))],
)
def test_spread_is_even_with_both_ends(count: int, places: list[int]) -> None:
    assert [one.id for one in spread([trial(number, 1.0) for number in range(11)], count)] == places


def test_one_trial_is_spread_over_itself() -> None:
    assert [one.id for one in spread([trial(0, 1.0)], 3)] == [0]


@pytest.mark.parametrize("pick", ["best", "spread"])
def test_the_search_is_the_inner_one_and_the_answers_are_picked(toy_study, pick: Any) -> None:
    evolution = dict(type="RegularizedEvolution", population=4, tournament=2)
    with toy_study() as alone:
        (first,) = build(STRATEGIES, evolution).search(alone)
    with toy_study() as one:
        answers = Shortlist(evolution, 4, pick).search(one)
    assert [made.proposal for made in one.trials] == [made.proposal for made in alone.trials]
    ranked = ranking(one.trials)
    last = len(ranked) - 1
    places = range(4) if pick == "best" else [0, round(last / 3), round(2 * last / 3), last]
    assert answers == [Answer.of(ranked[place]) for place in places]
    assert answers[0] == first
    assert len({answer.arch for answer in answers}) == 4


def test_every_answer_is_trained_on_the_target(tool, toy_config: dict[str, Any], tmp_path: Path) -> None:
    shortlist = dict(type="Shortlist", strategy=RANDOM, count=3, pick="spread")
    config = tmp_path / "shortlist.py"
    config.write_text(f"benchmark = {toy_config}\nstrategies = {dict(shortlist=shortlist)}\n")
    done = tool("run_benchmark", config, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    (study,) = tmp_path.rglob("study.json")
    answers = json.loads(study.read_text())["answers"]
    assert len({answer["key"] for answer in answers}) == 3
    assert len({answer["final"]["metrics"]["score"] for answer in answers}) == 3
    assert all((study.parent / f"answers/{place}/final.pth").exists() for place in range(3))


def test_what_can_be_no_shortlist_is_refused(toy_study) -> None:
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        Shortlist(RANDOM, 0)
    with pytest.raises(ValueError, match="did you mean 'RandomSearch'"):
        Shortlist(dict(type="RandomSerch"))
    with pytest.raises(ValueError, match="must be one of 'best', 'spread', not 'worst'"):
        build(STRATEGIES, dict(type="Shortlist", strategy=RANDOM, pick="worst"))
    model = {"layers": [dict(width=4, kernel=3, act="relu")]}
    with toy_study() as one, pytest.raises(ValueError, match="Baseline makes 0 trials, of which no 2 can be answered"):
        Shortlist(dict(type="Baseline", model=model), 2).prepare(one)
    with toy_study() as one:
        assert Shortlist(RANDOM).prepare(one) == Plan()
