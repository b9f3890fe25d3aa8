"""Asynchronous successive halving, against algorithm 2 of the paper written out."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from types import SimpleNamespace

import pytest

from search_spaces.toy.space import ToySpace
from strategies import Proposal, Status, Trial, best, next_stage
from strategies.successive_halving import Hyperband, SuccessiveHalving

SPACE = ToySpace()


def started(stages: int = 2, eta: int = 3) -> SuccessiveHalving:
    strategy = SuccessiveHalving(eta)
    strategy.stages = stages
    strategy.start(SPACE, 0)
    return strategy


def candidate(number: int, reward: float | None, status: Status = "done", seed: int | None = None) -> Trial:
    """One that went through the first stage."""
    arch = SPACE.sample(Random(number if seed is None else seed))
    return Trial(number, Proposal(arch, stages=1), (), status, reward, depth=1)


def promotion(strategy: SuccessiveHalving) -> int | None:
    """The trial that is promoted now; None: a new candidate goes through the first stage."""
    proposal = strategy.ask(Random(0))
    assert proposal.stages == 1
    assert proposal.onward == (proposal.parent is not None)
    return proposal.parent


def test_one_of_three_is_promoted_once() -> None:
    strategy = started()
    asked = []
    for number, reward in enumerate((1.0, 3.0, 2.0, 2.5, 0.0, 9.0)):
        asked.append(promotion(strategy))
        strategy.tell(candidate(number, reward))
    assert asked == [None, None, None, 1, None, None]
    assert promotion(strategy) == 5  # of six, the best two are 5 and 1
    assert promotion(strategy) is None


def published(rungs: list[dict[int, float]], promoted: list[set[int]], eta: int) -> int | None:
    """Algorithm 2, get_job: the trial to promote."""
    for rung, gone in reversed(list(zip(rungs, promoted, strict=True))):
        ranked = sorted(rung, key=lambda number: (-rung[number], number))
        for number in ranked[: len(rung) // eta]:
            if number not in gone:
                gone.add(number)
                return number
    return None


@pytest.mark.parametrize(("eta", "stages"), [(2, 2), (3, 3), (4, 4)])
def test_it_is_the_published_algorithm_with_four_workers(eta: int, stages: int) -> None:
    strategy, rng = started(stages, eta), Random(0)
    rungs: list[dict[int, float]] = [{} for _ in range(stages - 1)]
    promoted: list[set[int]] = [set() for _ in range(stages - 1)]
    trials, flying = dict[int, Trial](), list[Trial]()
    for number in range(600):
        proposal = strategy.ask(Random(number))
        assert proposal.parent == published(rungs, promoted, eta)
        depth = 1 if proposal.parent is None else trials[proposal.parent].depth + 1
        flying.append(Trial(number, proposal, (), "done", round(rng.gauss(0, 1), 1), depth=depth))
        while len(flying) == 4 or (flying and rng.random() < 0.3):
            done = flying.pop(rng.randrange(len(flying)))
            trials[done.id] = done
            if done.depth < stages and done.arch not in {trials[one].arch for one in rungs[done.depth - 1]}:
                rungs[done.depth - 1][done.id] = done.score
            strategy.tell(done)
    counts = [sum(trial.depth == depth + 1 for trial in trials.values()) for depth in range(stages)]
    for more, fewer in pairwise(counts):
        assert fewer == pytest.approx(more / eta, rel=0.3)
    assert best(list(trials.values())).depth == stages


def test_the_deepest_rung_goes_first() -> None:
    strategy = started(stages=3, eta=2)
    for number, reward in enumerate((1.0, 2.0, 3.0, 4.0)):
        strategy.tell(candidate(number, reward))
    for number, of in ((4, 3), (5, 2)):
        assert promotion(strategy) == of
        parent = candidate(of, 0.0)
        strategy.tell(Trial(number, next_stage(parent), (), "done", float(number), depth=2))
    for number in (6, 7):
        strategy.tell(candidate(number, 10.0 + number))
    assert promotion(strategy) == 5
    assert promotion(strategy) == 7


def test_who_was_stopped_failed_or_is_known_is_not_promoted() -> None:
    strategy = started(eta=2)
    for one in (
        candidate(0, 9.0, "stopped"),
        candidate(1, None, "failed"),
        candidate(2, 8.0),
        candidate(3, 8.0, seed=2),  # the same network once more
        candidate(4, 1.0),
        candidate(5, 1.0),
    ):
        strategy.tell(one)
    assert promotion(strategy) == 2
    assert promotion(strategy) is None


def test_a_promotion_that_fails_is_not_repeated() -> None:
    strategy = started(eta=2)
    strategy.tell(candidate(0, 2.0))
    strategy.tell(candidate(1, 1.0))
    proposal = strategy.ask(Random(0))
    assert proposal.parent == 0
    strategy.tell(Trial(2, proposal, (), "failed", failure="error", depth=1))
    assert promotion(strategy) is None


def test_weights_are_kept_as_long_as_a_trial_may_be_promoted() -> None:
    strategy = started(eta=2)
    strategy.tell(candidate(0, 2.0))
    strategy.tell(candidate(1, 1.0))
    assert set(strategy.keeps) == {0, 1}
    proposal = strategy.ask(Random(0))
    assert set(strategy.keeps) == {1}
    strategy.tell(Trial(2, proposal, (), "done", 5.0, depth=2))  # nobody goes further than the last stage
    assert set(strategy.keeps) == {1}


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 stages"):
        SuccessiveHalving().prepare(SimpleNamespace(stages=[None]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="eta must be at least 2, not 1"):
        SuccessiveHalving(1)


def test_hyperband_begins_with_the_numbers_of_its_paper() -> None:
    """JMLR 2018, table 1: with R = 81 and eta = 3 its brackets begin with 81, 34, 15, 8 and 5 candidates."""
    strategy = Hyperband(eta=3)
    strategy.stages = 5
    strategy.start(SPACE, 0)
    assert strategy.shares() == [81, 34, 15, 8, 5]
    begun = [strategy.ask(Random(number)) for number in range(143)]  # none is told, so none is promoted
    assert [sum(proposal.stages == count for proposal in begun) for count in range(1, 6)] == [81, 34, 15, 8, 5]
    assert {proposal.note.get("bracket", 0) for proposal in begun if proposal.stages == 3} == {2}


def test_hyperband_promotes_within_a_bracket() -> None:
    strategy = Hyperband(eta=2)
    strategy.stages = 3
    strategy.start(SPACE, 0)
    for number, (bracket, score) in enumerate([(0, 9.0), (1, 1.0), (0, 8.0), (1, 2.0)]):
        proposal = Proposal(SPACE.sample(Random(number)), stages=bracket + 1, note={"bracket": bracket})
        strategy.tell(Trial(number, proposal, (), "done", score, depth=bracket + 1))
    promoted = [strategy.ask(Random(number)) for number in range(2)]
    assert [(one.parent, one.onward, one.note["bracket"]) for one in promoted] == [(3, True, 1), (0, True, 0)]
    assert not strategy.ask(Random(2)).onward
