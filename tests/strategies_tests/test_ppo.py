"""The controller is a probability distribution; proximal policy optimisation moves it towards what was rewarded."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core import build
from search_spaces import SearchSpace
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, Proposal, Trial
from strategies.controller import Controller
from strategies.ppo import PPO

ROOT = Path(__file__).resolve().parents[2]
SPACE = ToySpace(layers=1)  # 4 widths, 3 kernels, 3 activations
SMALL: dict[str, Any] = dict(hidden=16, layers=2, lr=1e-2, memory=4, every=4, sample=4, steps=5)
EVERY = torch.tensor(list(itertools.product(range(4), range(3), range(3))))


def controller(lr: float = 1e-2, seed: int = 0) -> Controller:
    return Controller.of([4, 3, 3], "abc", hidden=16, layers=2, lr=lr, seed=seed)


def learn(policy: Controller, taken: list[list[int]], advantages: list[float], steps: int, **how: float) -> None:
    old = policy.log_policy(torch.tensor(taken))[0].tolist()
    for _ in range(steps):
        policy.step(taken, old, advantages, **{"clip": 0.1, "entropy": 0.0, **how})


def started(space: SearchSpace = SPACE, seed: int = 0, **settings: Any) -> PPO:
    strategy = PPO(**{**SMALL, **settings})
    strategy.start(space, seed)
    return strategy


def trial(number: int, seed: int, reward: float | None, note: dict[str, float] | None = None) -> Trial:
    proposal = Proposal(SPACE.sample(Random(seed)), note={"log_prob": -3.0} if note is None else note)
    return Trial(number, proposal, (), "failed" if reward is None else "done", reward)


def weights(strategy: PPO) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in strategy.policy.controller.parameters()]


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_probabilities_of_all_architectures_sum_to_one() -> None:
    log, entropy = controller().log_policy(EVERY)
    assert log.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert entropy.item() <= (math.log(4) + 2 * math.log(3)) / 3


def test_it_has_the_layers_of_the_published_one() -> None:
    """Two layers of a hundred units; operations share a head, widths and kernels of 4 layers have their own."""
    strategy = started(ToySpace(), hidden=100)
    counted = {name: weight.numel() for name, weight in strategy.policy.controller.named_parameters()}
    assert counted.pop("first") == 100
    assert sum(count for name, count in counted.items() if name.startswith("cells")) == 2 * 4 * (2 * 100 * 100 + 200)
    assert sum(count for name, count in counted.items() if name.startswith("heads")) == 101 * (4 * 4 + 4 * 3 + 3)


def test_a_note_has_the_probability_that_a_network_was_drawn_with() -> None:
    strategy = started()
    learn(strategy.policy.controller, [[1, 2, 0], [3, 0, 1]], [1.0, -1.0], steps=20, clip=0.5)  # away from uniform
    for seed in range(10):
        proposal = strategy.ask(Random(seed))
        places = [options.index(proposal.arch[name]) for name, options in SPACE.decisions.items()]
        log, _ = strategy.policy.controller.log_policy(torch.tensor([places]))
        assert proposal.note == {"log_prob": pytest.approx(log.item(), abs=1e-5)}


def test_it_draws_what_the_policy_says() -> None:
    strategy = started()
    learn(strategy.policy.controller, [[1, 2, 0], [3, 0, 1]], [1.0, -1.0], steps=20, clip=0.5)
    drawn = [strategy.ask(Random(seed)).arch["layer0.width"] for seed in range(2000)]
    for share, width in zip(strategy.policy.controller.probabilities()[0], (4, 8, 12, 16), strict=True):
        assert drawn.count(width) / 2000 == pytest.approx(share, abs=0.04)


def test_a_batch_makes_the_better_half_likelier_and_clipping_limits_by_how_much() -> None:
    taken, advantages = [[1, 2, 0], [3, 0, 1]], [1.0, -1.0]

    def ratios(clip: float) -> list[float]:
        policy = controller(lr=1e-3)
        before, _ = policy.log_policy(torch.tensor(taken))
        learn(policy, taken, advantages, steps=200, clip=clip)
        return (policy.log_policy(torch.tensor(taken))[0] - before).exp().tolist()

    tight, loose = ratios(0.1), ratios(1e9)
    assert 1.05 < tight[0] < 1.5
    assert 0.5 < tight[1] < 0.95
    assert loose[0] > 3
    assert loose[1] < 0.3


def test_what_is_already_likelier_than_when_it_was_drawn_is_left_alone() -> None:
    """The ratio is to the probability in the note, however old that is."""
    policy = controller()
    before = policy.log_policy(torch.tensor([[1, 2, 0]]))[0].item()
    policy.step([[1, 2, 0]], [before - 1.0], [1.0], clip=0.1, entropy=0.0)
    assert policy.log_policy(torch.tensor([[1, 2, 0]]))[0].item() == before
    policy.step([[1, 2, 0]], [before - 1.0], [-1.0], clip=0.1, entropy=0.0)
    assert policy.log_policy(torch.tensor([[1, 2, 0]]))[0].item() < before


def test_an_entropy_bonus_spreads_the_policy() -> None:
    def entropy(bonus: float) -> float:
        policy = controller()
        learn(policy, [[1, 2, 0]], [1.0], steps=15, clip=1e9)  # far from uniform
        learn(policy, EVERY.tolist(), [0.0] * len(EVERY), steps=60, entropy=bonus)
        return policy.log_policy(EVERY)[1].item()

    assert entropy(1.0) > entropy(0.0) + 0.5


def test_first_weights_come_from_the_studys_seed_and_leave_torchs_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (weights(started(seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(first, again)
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(weight.abs().max() <= 0.1 for weight in first)


def test_it_converges_to_the_only_rewarded_choice() -> None:
    strategy = started()
    for number in range(120):
        proposal = strategy.ask(Random(number))
        strategy.tell(Trial(number, proposal, (), "done", float(proposal.arch["layer0.kernel"] == 3)))
    last = [strategy.ask(Random(number)) for number in range(500, 520)]
    assert sum(one.arch["layer0.kernel"] == 3 for one in last) >= 18
    assert len({one.arch["layer0.width"] for one in last}) > 1  # nothing was learnt about what did not matter


def steps_of(strategy: PPO) -> list[tuple[Any, ...]]:
    """Where the controller's steps will be written to: places, old log-probabilities, advantages, clip and entropy."""
    seen: list[tuple[Any, ...]] = []
    strategy.policy.controller.step = lambda *step: seen.append(step)  # type: ignore[method-assign]
    return seen


def test_the_baseline_is_a_moving_average_and_decides_what_is_good() -> None:
    strategy = started(memory=3, every=3, sample=3, steps=1)
    seen = steps_of(strategy)
    for number, reward in enumerate((10.0, 20.0)):
        strategy.tell(trial(number, number, reward))
    assert strategy.baseline.value == pytest.approx(0.95 * 10 + 0.05 * 20)
    strategy.tell(trial(2, 2, 0.0))
    assert strategy.baseline.value == pytest.approx(0.95 * 10.5)
    ((_, old, advantages, *_),) = seen
    assert old == [-3.0] * 3
    assert sorted(advantages) == pytest.approx([-9.975, 10 - 9.975, 20 - 9.975])


def test_by_default_every_trial_brings_a_hundred_steps_on_one_remembered_trial_each() -> None:
    strategy = PPO()
    strategy.start(SPACE, 0)
    seen = steps_of(strategy)
    for number in range(130):
        strategy.tell(trial(number, number, float(number), {"log_prob": -float(number)}))
        assert len(seen) == 100 * (number + 1)
    assert [old for _, old, *_ in seen[:100]] == [[0.0]] * 100
    last = [-old for _, (old,), *_ in seen[-100:]]
    assert sorted(last) == list(range(30, 130))  # the last hundred, each once
    assert last != sorted(last)
    assert {(clip, entropy) for *_, clip, entropy in seen} == {(0.1, 0.0)}


def test_failed_trials_and_those_of_others_teach_nothing() -> None:
    one, other = started(), started()
    for strategy, more in ((one, False), (other, True)):
        for number in range(8):
            strategy.tell(trial(number, number, float(number)))
            if more:
                strategy.tell(trial(100, number, None))
    assert equal(weights(one), weights(other))
    before = other.baseline.value
    for number in range(8):
        other.tell(trial(200, number, 50.0, {}))
    assert equal(weights(one), weights(other))
    assert other.baseline.value is not None
    assert before is not None
    assert other.baseline.value > before


def test_a_decision_with_one_choice_is_not_learnt() -> None:
    rest = ToySpace().sample(Random(3))
    space = ToySpace().only("layer1.", rest)
    strategy = started(space)
    assert [len(shares) for shares in strategy.policy.controller.probabilities()] == [4, 3, 3]
    arch = strategy.ask(Random(0)).arch
    assert all(arch[name] == rest[name] for name in space.decisions if not name.startswith("layer1."))


def test_what_it_cannot_search_is_refused() -> None:
    class Open(SearchSpace):
        sample = mutate = architecture = parts = None  # type: ignore[assignment]

    single = ToySpace(layers=1)
    single.decisions = {name: options[:1] for name, options in single.decisions.items()}
    for space, sentence in ((single, "single answer"), (Open(), "named decisions, which Open has not")):
        with pytest.raises(ValueError, match=sentence):
            PPO().prepare(SimpleNamespace(space=space))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["RegularizedEvolution", "NSGA2", "Predictor", "BayesianMorphism"])
def test_what_moves_needs_somewhere_to_go(toy_study, name: str) -> None:
    space = ToySpace(layers=1)
    only = {decision: options[:1] for decision, options in space.decisions.items()}
    single = dict(type="Subset", space=dict(type="ToySpace", layers=1), choices=only)
    two = dict(names=["score", "params"], goals=["max", "min"])
    settings = {"objectives": two} if name == "NSGA2" else {}
    with (
        toy_study(space=single, **settings) as study,
        pytest.raises(ValueError, match="has a single answer: there is nothing to search"),
    ):
        build(STRATEGIES, {"type": name}).prepare(study)


@pytest.mark.parametrize(
    "settings",
    [
        dict(memory=0), dict(every=0), dict(steps=0), dict(sample=0), dict(hidden=0),
        dict(lr=0.0), dict(clip=-0.1), dict(decay=1.0), dict(entropy=-1.0),
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PPO(**settings)


def test_naming_the_strategies_imports_no_torch() -> None:
    code = "import sys, strategies.ppo, strategies.progressive; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_the_studys_seed_seeds_the_controller() -> None:
    weights = []
    for seed in (0, 1, 0):
        strategy = PPO(**SMALL)
        strategy.start(ToySpace(), seed)
        weights.append([parameter.detach().clone() for parameter in strategy.policy.controller.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(weights[0], weights[2], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
