"""The controller is a probability distribution; proximal policy optimisation moves it towards what was rewarded."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from search_spaces.toy import ToySpace
from strategies import Proposal, Trial
from strategies.controller import Controller
from strategies.ppo import PPO

ROOT = Path(__file__).resolve().parents[2]
SPACE = ToySpace(layers=1)  # 4 widths, 3 kernels, 3 activations
SMALL: dict[str, Any] = dict(hidden=16, layers=2, lr=1e-2, batch=4, epochs=5)
EVERY = torch.tensor(list(itertools.product(range(4), range(3), range(3))))


class Recorder(Random):
    """Remembers the weights of every draw."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.seen: list[list[float]] = []

    def choices(self, population, weights=None, **_):
        self.seen.append(list(weights))
        return super().choices(population, weights)


def controller(lr: float = 1e-2, seed: int = 0) -> Controller:
    return Controller.of([4, 3, 3], hidden=16, layers=2, lr=lr, seed=seed)


def trial(number: int, seed: int, reward: float | None) -> Trial:
    status = "done" if reward is not None else "failed"
    return Trial(number, Proposal(SPACE.sample(Random(seed))), (), status, reward)


def test_the_probabilities_of_all_architectures_sum_to_one() -> None:
    log, entropy = controller().log_policy(EVERY)
    assert log.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert entropy.max().item() <= (math.log(4) + 2 * math.log(3)) / 3


def test_it_samples_from_the_policy_that_it_learns() -> None:
    policy = controller()
    policy.learn([[1, 2, 0], [3, 0, 1]], [1.0, -1.0], epochs=20, clip=0.5, entropy=0.0)  # away from uniform
    for seed in range(10):
        rng = Recorder(seed)
        places = policy.sample(rng)
        drawn = math.prod(weights[place] for weights, place in zip(rng.seen, places, strict=True))
        assert math.log(drawn) == pytest.approx(policy.log_policy(torch.tensor([places]))[0].item(), abs=1e-5)


def test_a_batch_makes_the_better_half_likelier_and_clipping_limits_by_how_much() -> None:
    taken, advantages = [[1, 2, 0], [3, 0, 1]], [1.0, -1.0]

    def ratios(clip: float) -> list[float]:
        policy = controller(lr=1e-3)
        before, _ = policy.log_policy(torch.tensor(taken))
        policy.learn(taken, advantages, epochs=200, clip=clip, entropy=0.0)
        return (policy.log_policy(torch.tensor(taken))[0] - before).exp().tolist()

    tight, loose = ratios(0.1), ratios(1e9)
    assert 1.05 < tight[0] < 1.5
    assert 0.5 < tight[1] < 0.95
    assert loose[0] > 3
    assert loose[1] < 0.3


def test_an_entropy_bonus_spreads_the_policy() -> None:
    def entropy(bonus: float) -> float:
        policy = controller()
        policy.learn([[1, 2, 0]], [1.0], epochs=15, clip=1e9, entropy=0.0)  # far from uniform
        policy.learn(EVERY.tolist(), [0.0] * len(EVERY), epochs=60, clip=0.1, entropy=bonus)
        return policy.log_policy(EVERY)[1].mean().item()

    assert entropy(1.0) > entropy(0.0) + 0.5


def test_first_weights_come_from_the_seed_and_leave_torchs_generator_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (list(controller(seed=seed).parameters()) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert all(weight.abs().max() <= 0.1 for weight in first)


def test_it_converges_to_the_only_rewarded_choice() -> None:
    strategy = PPO(**SMALL)
    strategy.start(SPACE)
    for number in range(120):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        strategy.tell(Trial(number, proposal, (), "done", float(proposal.arch["layer0.kernel"] == 3)))
    last = [strategy.ask(Random(number)) for number in range(500, 520)]
    assert sum(one.arch["layer0.kernel"] == 3 for one in last) >= 18
    assert len({one.arch["layer0.width"] for one in last}) > 1  # nothing was learnt about what did not matter


def test_the_baseline_is_a_moving_average_and_decides_what_is_good() -> None:
    strategy = PPO(**{**SMALL, "batch": 3})
    strategy.start(SPACE)
    for number, reward in enumerate((10.0, 20.0)):
        strategy.tell(trial(number, number, reward))
    assert strategy.baseline == pytest.approx(0.95 * 10 + 0.05 * 20)
    seen: list[Any] = []
    strategy.controller.learn = lambda taken, advantages, *_: seen.append(advantages)
    strategy.tell(trial(2, 2, 0.0))
    assert strategy.baseline == pytest.approx(0.95 * 10.5)
    assert seen == [pytest.approx([10 - 9.975, 20 - 9.975, -9.975])]


def test_failed_trials_teach_nothing() -> None:
    one, other = PPO(**SMALL), PPO(**SMALL)
    for strategy, failures in ((one, 0), (other, 5)):
        strategy.start(SPACE)
        for number in range(8):
            strategy.tell(trial(number, number, float(number)))
            for seed in range(failures):
                strategy.tell(trial(100, seed, None))
    assert all(
        torch.equal(a, b) for a, b in zip(one.controller.parameters(), other.controller.parameters(), strict=True)
    )


def test_a_decision_with_one_choice_is_emitted_and_not_sampled() -> None:
    rest = ToySpace().sample(Random(3))
    space = ToySpace().only("layer1.", rest)
    strategy = PPO(**SMALL)
    strategy.start(space)
    rng = Recorder(0)
    arch = strategy.ask(rng).arch
    assert [len(weights) for weights in rng.seen] == [4, 3, 3]
    assert all(arch[name] == rest[name] for name in space.decisions if not name.startswith("layer1."))
    with pytest.raises(ValueError, match="single answer"):
        strategy.start(space.only("layer1.", arch).only("layer0.", arch))


@pytest.mark.parametrize(
    "settings", [dict(batch=0), dict(hidden=0), dict(lr=0.0), dict(clip=-0.1), dict(decay=1.0), dict(entropy=-1.0)]
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        PPO(**settings)


def test_naming_the_strategies_imports_no_torch() -> None:
    code = "import sys, strategies.ppo, strategies.progressive; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
