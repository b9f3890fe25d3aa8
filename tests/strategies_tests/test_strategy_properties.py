"""The contract of strategies that ask and tell, under any order of events that workers and kills can make."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core import build
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, AskTell, Proposal, StageResult, Trial
from tasks import Cost
from tasks.toy import formula

SPACE = ToySpace(layers=2)
SMALL: dict[str, dict[str, Any]] = {
    "RegularizedEvolution": dict(population=3, tournament=2),
    "PPO": dict(hidden=4, layers=1, memory=3, every=2, sample=2, steps=1),
    "Reinforce": dict(hidden=4, layers=1, networks=2),
    "Predictor": dict(model="forest", start=3, candidates=10, every=3),
    "NSGA2": dict(population=3),
    "NEAT": dict(evolution=dict(population=3)),
    "CoDeepNEAT": dict(networks=3, blueprints=dict(population=2), modules=dict(population=3)),
    "CompoundScaling": dict(phis=50, powers={f"layer{k}.width": 1 for k in range(2)}),
    "BayesianMorphism": dict(cooling=0.05, neighbours=2, tries=2, memory=5, every=8),
    "SuccessiveHalving": dict(eta=2),
    "Hyperband": dict(eta=2),
}
# What may happen: somebody asks; a trial in flight, the oldest or another, ends; a trial of nobody's is told.
ASK, FOREIGN = some.just(("ask", 0, "")), some.tuples(some.just("foreign"), some.integers(0, 99), some.just("done"))
END = some.tuples(some.just("end"), some.integers(0, 3), some.sampled_from(["done", "done", "stopped", "failed"]))
EVENTS = some.lists(some.one_of(ASK, ASK, END, END, FOREIGN), max_size=40)


@pytest.fixture(params=[name for name, cls in STRATEGIES.classes().items() if issubclass(cls, AskTell)], scope="module")
def strategy(request: pytest.FixtureRequest) -> AskTell:
    made = build(STRATEGIES, {"type": request.param, **SMALL.get(request.param, {})})
    assert isinstance(made, AskTell)
    return made


def ended(number: int, proposal: Proposal, status: str) -> Trial:
    depth = 2 if proposal.onward else proposal.stages or 1
    if status == "failed":
        return Trial(number, proposal, (), "failed", None, "broken on purpose", "error", depth - 1)
    score = formula.score(SPACE.model(proposal.arch)["layers"], [math.inf] * 2)
    stages = (StageResult("stage", {"score": score}, Cost(1, 1, 0.0)),)
    return Trial(number, proposal, stages, status, score, depth=depth, objectives=(score, -score))  # type: ignore[arg-type]


def played(strategy: AskTell, events: list[tuple[str, int, str]], seed: int) -> list[Proposal]:
    """What it proposes; everything that it must keep to is looked at on the way."""
    strategy.start(SPACE, seed)
    flying: list[tuple[int, Proposal]] = []
    known: dict[int, Trial] = {}
    proposals: list[Proposal] = []
    for event, place, status in events:
        number = len(proposals)
        if event == "ask" and (proposal := strategy.ask(Random(f"{seed} {number}"))) is not None:
            assert SPACE.architecture(proposal.arch.as_dict()) == proposal.arch
            if proposal.parent is not None:
                assert known[proposal.parent].reward is not None
                assert not proposal.onward or known[proposal.parent].arch == proposal.arch
            proposals.append(proposal)
            flying.append((number, proposal))
        elif event == "foreign" or (event == "end" and flying):
            asked = (
                flying.pop(place % len(flying))
                if event == "end"
                else (1000 + place, Proposal(SPACE.sample(Random(place))))
            )
            trial = known[asked[0]] = ended(*asked, status)
            strategy.tell(trial)
        elif event == "ask":
            assert flying  # who waits for nothing would wait for ever
    return proposals


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, seed=some.integers(0, 2**32 - 1), cut=some.integers(0, 40))
def test_any_prefix_is_played_again_as_it_was(strategy: AskTell, events: Any, seed: int, cut: int) -> None:
    """So a study that was killed after any event goes on as if nothing had happened."""
    whole = played(strategy, events, seed)
    assert played(strategy, events, seed) == whole
    prefix = played(strategy, events[:cut], seed)
    assert prefix == whole[: len(prefix)]
