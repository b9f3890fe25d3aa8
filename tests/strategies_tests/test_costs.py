"""Tables of what choices cost: their sums are the costs of networks."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from mmengine.registry import MODELS
from torch import nn

from core import build
from search_spaces.architecture import Choice
from search_spaces.mbconv.space import MBConv
from search_spaces.mbconv.supernet import MBConvSupernet
from strategies.costs import Costs, MeasuredOnce, affordable, cost_table
from tasks import TASKS

SPACE = MBConv((2, 1, 1, 1, 1, 1), width=0.1, operations=("k3e3", "k5e6"))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Any:
    data = dict(data=dict(type="ScenesSegmentation"), encoder=dict(width=0.1), input_size=(64, 64))
    return build(TASKS, dict(type="SegmentationTask", cache=str(tmp_path_factory.mktemp("cache")), **data))


@pytest.fixture(scope="module")
def madds(task: Any) -> dict[str, dict[Choice, float]]:
    return cost_table(SPACE, task, "madds")


def test_costs_of_choices_sum_to_the_networks(task: Any, madds: dict[str, dict[Choice, float]]) -> None:
    assert {name: tuple(costs) for name, costs in madds.items()} == SPACE.decisions
    for seed in range(5):
        arch = SPACE.sample(Random(seed))
        total = sum(madds[name][choice] for name, choice in arch.as_dict().items())
        assert total == pytest.approx(task.measure(SPACE.model(arch), ["madds"])["madds"], rel=1e-9)


def test_a_supernet_expects_the_mean_of_equal_shares(madds: dict[str, dict[Choice, float]]) -> None:
    mixture: MBConvSupernet = MODELS.build(dict(SPACE.supernet()["backbone"]))
    expected = mixture.expected_cost(madds)
    assert expected.item() == pytest.approx(sum(sum(costs.values()) / len(costs) for costs in madds.values()), rel=1e-5)
    expected.backward()
    gradient = mixture.alphas[0].grad
    assert gradient is not None
    assert gradient[1] > 0 > gradient[0]  # towards the cheaper operation


def test_latencies_by_layer_sum_too(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a layer takes as many milliseconds as it has weights."""
    from tasks import complexity, latency

    def times(network: nn.Module, image: torch.Tensor) -> list[float]:
        return [*(float(sum(one.numel() for one in layer.parameters())) for layer in run(network, image)), 0.0]

    def run(network: nn.Module, image: torch.Tensor) -> list[nn.Module]:
        order: list[nn.Module] = []
        with latency.Steps(network, lambda step, *_: order.append(step) if isinstance(step, nn.Module) else None):
            network(image)
        return order

    monkeypatch.setattr(latency, "layer_times", times)
    monkeypatch.setitem(complexity.MEASURES, "predicted_ms", latency.LatencyTable(rounds=1))
    table = cost_table(SPACE, task, "predicted_ms")
    arch = SPACE.sample(Random(3))
    total = sum(table[name][choice] for name, choice in arch.as_dict().items())
    assert total == pytest.approx(task.measure(SPACE.model(arch), ["params"])["params"], rel=1e-6)


def test_what_was_measured_is_kept() -> None:
    moments = iter([1.0, 2.0])
    table, again, never = (MeasuredOnce(lambda: {"width": {4: next(moments), 8: 3.0}}) for _ in range(3))
    assert [table.of({"width": width}) for width in (4, 8, 4)] == [1.0, 3.0, 1.0]
    again.load_state_dict(table.state_dict())
    assert again.costs == table.costs
    never.load_state_dict(never.state_dict())  # of a search that was killed before it asked
    assert never.of({"width": 4}) == 2.0


CHOICE = some.tuples(some.integers(1, 9), some.integers(1, 99))  # a cost, and a share of a whole that is not 1


@settings(max_examples=100, derandomize=True, deadline=None)
@given(some.lists(some.lists(CHOICE, min_size=1, max_size=3), min_size=1, max_size=4), some.integers(1, 40))
def test_the_most_probable_choices_that_can_be_afforded(drawn: list[list[tuple[int, int]]], most: int) -> None:
    costs: Costs = {str(place): {k: float(cost) for k, (cost, _) in enumerate(of)} for place, of in enumerate(drawn)}
    shares: Costs = {
        str(place): {k: share / sum(s for _, s in of) for k, (_, share) in enumerate(of)}
        for place, of in enumerate(drawn)
    }
    likeliest = {name: max(of, key=of.__getitem__) for name, of in shares.items()}
    if sum(min(of.values()) for of in costs.values()) > most:
        with pytest.raises(ValueError, match="the cheapest network of the space costs"):
            affordable(costs, shares, most)
        return
    found = affordable(costs, shares, most)
    assert sum(costs[name][choice] for name, choice in found.items()) <= most
    if sum(costs[name][choice] for name, choice in likeliest.items()) <= most:
        assert found == likeliest


def test_what_is_given_up_is_what_saves_most_for_its_share() -> None:
    costs: Costs = {"a": {"slow": 10.0, "fast": 1.0}, "b": {"slow": 10.0, "fast": 9.0}}
    shares: Costs = {"a": {"slow": 0.6, "fast": 0.4}, "b": {"slow": 0.6, "fast": 0.4}}
    assert affordable(costs, shares, 20.0) == {"a": "slow", "b": "slow"}
    assert affordable(costs, shares, 19.0) == {"a": "fast", "b": "slow"}
    assert affordable(costs, shares, 10.0) == {"a": "fast", "b": "fast"}
