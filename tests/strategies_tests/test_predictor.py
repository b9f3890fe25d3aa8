"""What a predictor learns, and what it makes of it."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from search_spaces.decoder_cells.space import DecoderCells
from search_spaces.space import Part
from search_spaces.subset import Subset
from search_spaces.toy.space import ToySpace
from strategies import Proposal, Trial
from strategies.predictor import ACQUISITIONS, MODELS, Encoding, Predictor, improvement


def ended(number: int, proposal: Proposal, reward: float | None) -> Trial:
    return Trial(number, proposal, (), "failed" if reward is None else "done", reward)


def worth(proposal: Proposal) -> float:
    """The third layer's kernel and the first one's width, apart from each other."""
    return float(proposal.arch["layer2.kernel"]) + float(proposal.arch["layer0.width"]) / 4


def test_equal_networks_have_equal_codes() -> None:
    space = DecoderCells(channels=8)
    code = Encoding(space)
    archs = [space.sample(Random(number)) for number in range(50)]
    mutated = [space.mutate(arch, Random(number)) for number, arch in enumerate(archs)]
    rows = code([*archs, *mutated])
    assert rows.shape == (100, sum(map(len, space.decisions.values())))
    assert set(np.unique(rows)) == {0.0, 1.0}
    for one, other in zip(range(50), range(50, 100), strict=True):
        assert np.array_equal(rows[one], rows[other]) == (archs[one] == mutated[one])


def test_networks_of_a_part_have_codes_of_their_own() -> None:
    """Also where their canonical choices are not the part's: here a block's sides are in the other order."""
    part = Subset(dict(type="DecoderCells", aux=None), {"block0.a": [3], "block0.b": [0, 1], "cell.op0": ["sep3"]})
    inner = Part(part, "block0", part.sample(Random(0)))
    archs = [inner.architecture(inner.sample(Random(0)).as_dict() | {"block0.b": place}) for place in (0, 1)]
    assert all(dict(arch.canonical)["block0.b"] == 3 for arch in archs)
    for space in (part, inner, DecoderCells()):
        assert not np.array_equal(*Encoding(space)(archs))
    assert Encoding(part)(archs).shape == Encoding(DecoderCells())(archs).shape


def test_the_expected_improvement_is_the_integral() -> None:
    mean, spread, best = np.array([0.3, 1.0, -2.0]), np.array([0.5, 0.1, 3.0]), 0.8
    for place, value in enumerate(improvement(mean, spread, best, Random(0))):
        density = stats.norm(mean[place], spread[place]).pdf
        (expected, _) = integrate.quad(lambda x, pdf=density: (x - best) * pdf(x), best, best + 40)
        assert value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_it_finds_what_two_decisions_decide(model: str, acquisition: str) -> None:
    space = ToySpace()
    strategy = Predictor(model=model, acquisition=acquisition)
    strategy.start(space, 0)
    archs = []
    for number in range(45):
        proposal = strategy.ask(Random(number))
        archs.append(proposal.arch)
        strategy.tell(ended(number, proposal, None if number == 4 else worth(proposal)))
    assert len(set(archs)) == 45  # none twice
    best = max(space.decisions["layer2.kernel"]) + max(space.decisions["layer0.width"]) / 4
    assert max(worth(Proposal(arch)) for arch in archs[20:]) == best


def test_it_learns_anew_after_so_many_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    whole = MODELS["forest"]

    def forest(codes: Any, rewards: Any, seed: int) -> Any:
        rows.append(len(codes))
        return whole(codes, rewards, seed)

    monkeypatch.setitem(MODELS, "forest", forest)
    strategy = Predictor(model="forest", start=6, every=4, memory=10)
    strategy.start(ToySpace(), 0)
    for number in range(20):
        proposal = strategy.ask(Random(number))
        strategy.tell(ended(number, proposal, worth(proposal)))
    assert rows == [6, 10, 10, 10]  # after 6, 10, 14 and 18 trials, of which ten are remembered


def test_equal_rewards_do_not_stop_it() -> None:
    for model in MODELS:
        strategy = Predictor(model=model, start=3)
        strategy.start(ToySpace(), 0)
        for number in range(12):
            strategy.tell(ended(number, strategy.ask(Random(number)), 1.0))


def test_a_space_that_is_used_up_is_sampled() -> None:
    strategy = Predictor(model="forest", start=5)
    strategy.start(ToySpace(layers=1), 0)  # 36 networks
    for number in range(40):
        strategy.tell(ended(number, strategy.ask(Random(number)), float(number % 3)))
    assert len(strategy.tried) == 36


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'forest'"):
        Predictor(model="forrest")
    with pytest.raises(ValueError, match="did you mean 'thompson'"):
        Predictor(acquisition="thomson")
    with pytest.raises(ValueError, match="must be at least 1"):
        Predictor(every=0)
    with pytest.raises(ValueError, match="evolve it"):
        Predictor().prepare(SimpleNamespace(space="an open space"))  # type: ignore[arg-type]
