"""The controller that reads what it has drawn, and the policy gradient that teaches it."""

from __future__ import annotations

import itertools
import math
from random import Random
from types import SimpleNamespace

import pytest
import torch

from search_spaces import FiniteSpace
from search_spaces.decoder_cells.space import DecoderCells
from search_spaces.mbconv.scaled import ScaledMBConv
from search_spaces.table.space import TableSpace
from search_spaces.toy.space import ToySpace
from strategies import Proposal, Trial
from strategies.controller import Autoregressive
from strategies.policy import Policy
from strategies.reinforce import MovingAverage, Reinforce

SPACE = ToySpace(layers=1)  # 4 widths, 3 kernels, 3 activations
EVERY = torch.tensor(list(itertools.product(range(4), range(3), range(3))))
ARCH1 = [[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]  # Nekrasov et al., CVPR 2019


def controller() -> Autoregressive:
    return Autoregressive.of([4, 3, 3], "abc", hidden=16, layers=2, lr=1e-2, seed=0)


def started(**settings: object) -> Reinforce:
    strategy = Reinforce(**{"hidden": 16, "layers": 1, "lr": 1e-2, "networks": 2, **settings})  # type: ignore[arg-type]
    strategy.start(SPACE, 0)
    return strategy


def weights(strategy: Reinforce) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in strategy.policy.controller.parameters()]


def trial(number: int, proposal: Proposal, reward: float | None) -> Trial:
    return Trial(number, proposal, (), "failed" if reward is None else "done", reward)


def test_the_probabilities_of_all_architectures_sum_to_one() -> None:
    log, entropy = controller().log_policy(EVERY)
    assert log.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert 0 < entropy.item() <= (math.log(4) + 2 * math.log(3)) / 3


def test_what_was_drawn_changes_what_comes_next() -> None:
    policy = controller()
    for _ in range(60):  # the second decision is to follow the first
        policy.reinforce([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]], [1.0, -1.0, 1.0, -1.0], 0.0)
    log = dict(zip(map(tuple, EVERY.tolist()), policy.log_policy(EVERY)[0].tolist(), strict=True))
    assert log[0, 0, 0] > log[0, 1, 0] + 1
    assert log[1, 1, 0] > log[1, 0, 0] + 1


def test_a_draw_has_the_probability_that_it_says() -> None:
    policy = controller()
    draws = policy.draws(Random(0))
    for places, log_prob in itertools.islice(draws, 10):
        assert policy.log_policy(torch.tensor([places]))[0].item() == pytest.approx(log_prob, abs=1e-5)


def test_the_first_step_is_the_policy_gradient() -> None:
    """Against the gradient written out: of the mean of advantages times log-probabilities, clipped to a norm of 2."""
    policy, other = controller(), controller()
    policy.reinforce([[0, 1, 2], [3, 0, 1]], [0.5, -2.0], entropy=0.0)
    log, _ = other.log_policy(torch.tensor([[0, 1, 2], [3, 0, 1]]))
    ((log * torch.tensor([0.5, -2.0])).sum() / 2).backward()
    for weight, again in zip(policy.parameters(), other.parameters(), strict=True):
        assert (weight.grad is None) == (again.grad is None)  # nobody reads what was drawn last
        if weight.grad is not None and again.grad is not None:
            torch.testing.assert_close(weight.grad, -again.grad)


def test_the_baseline_is_that_of_the_rewards_before() -> None:
    strategy = started(networks=1, decay=0.5)
    proposals = [strategy.ask(Random(number)) for number in range(3)]
    before = weights(strategy)
    strategy.tell(trial(0, proposals[0], 10.0))  # there is nothing to compare with
    assert all(map(torch.equal, before, weights(strategy)))
    strategy.tell(trial(1, proposals[1], 10.0))  # as good as the one before
    assert all(map(torch.equal, before, weights(strategy)))
    strategy.tell(trial(2, proposals[2], 20.0))  # 10 better than those before, and not 5
    assert not all(map(torch.equal, before, weights(strategy)))
    assert strategy.baseline.value == 15.0


def test_it_learns_from_several_networks_at_once_and_not_from_failures() -> None:
    strategy = started(networks=3)
    before = weights(strategy)
    for number, reward in enumerate([1.0, None, 2.0, 3.0]):
        strategy.tell(trial(number, strategy.ask(Random(number)), reward))
    assert all(map(torch.equal, before, weights(strategy)))  # two advantages wait
    strategy.tell(trial(4, strategy.ask(Random(4)), 4.0))
    assert not all(map(torch.equal, before, weights(strategy)))


def test_what_is_rewarded_becomes_probable() -> None:
    strategy = started(networks=5, lr=3e-2)
    for number in range(200):
        proposal = strategy.ask(Random(number))
        strategy.tell(trial(number, proposal, float(proposal.arch["layer0.kernel"] == 3)))
    drawn = [strategy.ask(Random(1000 + number)).arch["layer0.kernel"] for number in range(50)]
    assert drawn.count(3) > 40


def test_a_policy_that_believes_in_what_makes_no_network_learns_back_from_a_random_one(monkeypatch) -> None:
    strategy = Reinforce()
    space = TableSpace("transnas-macro")
    strategy.start(space, 0)
    flawed = next(
        choices
        for choices in (
            dict(zip(space.decisions, one, strict=True)) for one in itertools.product(*space.decisions.values())
        )
        if space.flaw(choices)
    )
    places = [options.index(flawed[name]) for name, options in strategy.policy.open.items()]
    monkeypatch.setattr(strategy.policy.controller, "draws", lambda rng: itertools.repeat((places, -1.0)))
    proposals = [strategy.ask(Random(seed)) for seed in range(8)]
    assert len({proposal.arch.key for proposal in proposals}) > 1
    for proposal in proposals:
        assert space.flaw(proposal.arch.as_dict()) is None
        taken = torch.tensor([strategy.policy.places(proposal.arch)])
        log = strategy.policy.controller.log_policy(taken)[0].item()
        assert proposal.note["log_prob"] == pytest.approx(log)
    before = weights(strategy)
    for number, proposal in enumerate(proposals + proposals):
        strategy.tell(trial(number, proposal, float(number)))
    assert not all(torch.equal(a, b) for a, b in zip(before, weights(strategy), strict=True))  # it learns back


def test_the_published_arch1_can_be_drawn() -> None:
    """Layer 1 takes what the first operation put out, which the authors' later code could no longer draw."""
    space = DecoderCells(channels=8)
    policy = Policy(space, Autoregressive, hidden=16, layers=1, lr=3e-2, seed=0)
    places = torch.tensor([policy.places(space.read(ARCH1))])
    for _ in range(60):
        policy.controller.reinforce(places.tolist(), [1.0], 0.0)
    assert policy.draw(Random(0))[0] == space.read(ARCH1)


def test_decisions_between_the_same_operations_share_a_head_and_numbers_do_not() -> None:
    def heads(space: FiniteSpace) -> int:
        return len(Policy(space, Autoregressive, hidden=2, layers=1, lr=1e-2, seed=0).controller.heads)

    assert heads(ToySpace(layers=2)) == 5  # two widths, two kernels, the activation
    assert heads(ScaledMBConv()) == 3  # depth, width and resolution are between the same factors


def test_a_moving_average_begins_with_its_first_value_and_can_be_kept() -> None:
    average, other = MovingAverage(0.9), MovingAverage(0.9)
    other.load_state_dict(average.state_dict())
    assert other.value is None
    average.add(5.0)
    average.add(15.0)
    assert average.value == pytest.approx(6.0)
    other.load_state_dict(average.state_dict())
    assert other.value == average.value


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        Reinforce(networks=0)
    with pytest.raises(ValueError, match=r"decay=1\.0 in \[0, 1\)"):
        Reinforce(decay=1.0)
    with pytest.raises(ValueError, match="evolve it"):
        Reinforce().prepare(SimpleNamespace(space=None))  # type: ignore[arg-type]
