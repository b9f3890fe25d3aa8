"""Local search."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from strategies.local_search import LocalSearch
from tasks import Cost
from tasks.toy import formula


def play(first: bool, trials: int, seed: int = 0) -> list[tuple[Proposal, float]]:
    """Ask and tell in turns, scored by the formula."""
    space, search, told = ToySpace(2), LocalSearch(first), []
    search.start(space, seed)
    for number in range(trials):
        proposal = search.ask(Random(number + 1000 * seed))
        assert proposal is not None
        score = formula.score(space.model(proposal.arch)["layers"], [40.0] * 2)
        search.tell(Trial(number, proposal, (StageResult("one", {"score": score}, Cost()),), "done", score, depth=1))
        told.append((proposal, score))
    return told


def apart(one: Proposal, other: Proposal) -> int:
    return sum(one.arch[name] != other.arch[name] for name in dict(one.arch.choices))


def test_all_neighbours_are_tried_then_the_best_is_next() -> None:
    told = play(False, 40)
    count = len(ToySpace(2).neighbours(told[0][0].arch))
    ring = told[1 : 1 + count]
    assert count == 2 * (3 + 2 + 2)
    assert {apart(told[0][0], one) for one, _ in ring} == {1}
    best = max(ring, key=lambda pair: pair[1])[0]
    assert all(apart(best, one) == 1 for one, _ in told[1 + count : 5 + count])


def test_hill_climbing_moves_at_once() -> None:
    told = play(True, 30)
    centre, score = told[0]
    for proposal, found in told[1:12]:
        assert apart(centre, proposal) == 1
        if found > score:
            centre, score = proposal, found


@pytest.mark.parametrize("first", [False, True])
def test_it_ends_at_the_best_of_all_and_begins_again(first: bool) -> None:
    told = play(first, 200)
    assert max(score for _, score in told) == pytest.approx(100.0)
    assert len({proposal.arch.key for proposal, _ in told}) > 0.9 * len(told)
    assert any(apart(one, other) > 1 for (one, _), (other, _) in pairwise(told[40:]))


def test_it_waits_for_its_neighbours() -> None:
    search = LocalSearch()
    search.start(ToySpace(1), 0)
    assert search.ask(Random(0)) is not None
    assert search.ask(Random(0)) is None


def test_a_space_without_an_end_is_refused() -> None:
    class Open:
        space: Any = object()

    with pytest.raises(ValueError, match="use a finite space"):
        LocalSearch().prepare(Open())  # type: ignore[arg-type]
