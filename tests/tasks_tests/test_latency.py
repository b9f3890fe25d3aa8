"""Latency by layers, on a clock that only the layers move."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core import build
from tasks import TASKS, latency
from tasks.complexity import MEASURES
from tasks.latency import LatencyTable, Steps, layer_names, name_of
from tasks.rewards import COSTS, MEASURED, Metric, MnasNet

SHAPE = (3, 8, 8)


class Clock:
    """The seconds that layers have taken; while others are busy, all take `slower` times as long."""

    def __init__(self) -> None:
        self.now, self.slower, self.passes = 0.0, 1.0, 0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


class Slow(nn.Module):
    """A layer of so many milliseconds."""

    def __init__(self, clock: Clock, ms: float, name: str = ""):
        super().__init__()
        self.clock, self.ms, self.name = clock, ms, name

    def extra_repr(self) -> str:
        return f"{self.ms}{self.name}"

    def forward(self, x: Tensor) -> Tensor:
        self.clock.now += self.ms * self.clock.slower / 1000
        self.clock.passes += 1
        return x + 1


class Sum(nn.Module):
    """Runs two networks, and adds what they make."""

    def __init__(self, first: nn.Module, second: nn.Module):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) + self.second(x).relu()


def test_the_sum_over_layers_is_the_whole_and_each_is_timed_once(clock: Clock) -> None:
    table = LatencyTable(rounds=3)
    one, two, three = (Slow(clock, ms) for ms in (1.0, 2.0, 4.0))
    assert table(nn.Sequential(one, two, one), SHAPE) == pytest.approx(4)
    before = clock.passes
    assert table(nn.Sequential(two, one, two, two), SHAPE) == pytest.approx(7)
    assert clock.passes == before + 4  # it is looked at, not timed
    assert table(nn.Sequential(three, one), SHAPE) == pytest.approx(5)
    assert clock.passes == before + 4 + 2 * (1 + 1 + 3)


def test_what_others_do_meanwhile_is_left_out(clock: Clock) -> None:
    table = LatencyTable()
    one, two, four = (Slow(clock, ms) for ms in (1.0, 2.0, 4.0))
    table(nn.Sequential(one, two), SHAPE)
    clock.slower = 3.0
    assert table(nn.Sequential(two, two, one, four), SHAPE) == pytest.approx(9)
    assert LatencyTable()(nn.Sequential(one, four), SHAPE) == pytest.approx(15)


def test_a_network_of_which_little_is_known_is_timed_as_it_is(clock: Clock) -> None:
    table = LatencyTable()
    table(Slow(clock, 1.0), SHAPE)
    clock.slower = 3.0
    assert table(nn.Sequential(Slow(clock, 1.0), Slow(clock, 4.0)), SHAPE) == pytest.approx(1 + 12)


def test_equal_layers_have_the_mean_of_their_places(clock: Clock) -> None:
    class Rising(Slow):
        def forward(self, x: Tensor) -> Tensor:
            self.ms += 1
            return super().forward(x)

        def extra_repr(self) -> str:
            return ""

    table = LatencyTable(rounds=1)
    assert table(nn.Sequential(*[Rising(clock, ms) for ms in (0.0, 6.0)]), SHAPE) == pytest.approx(3 + 9)
    assert next(iter(table.known.values())) == pytest.approx(6)


def test_layers_are_told_apart_by_settings_sizes_and_what_is_between(clock: Clock) -> None:
    image = torch.zeros(1, *SHAPE)
    same = nn.Sequential(Slow(clock, 1), Slow(clock, 1), Slow(clock, 1))
    assert len(set(layer_names(same, image))) == 2  # and what comes behind the last
    for other in (Slow(clock, 2), nn.Sequential(nn.ReLU(), Slow(clock, 1, "a"))):
        assert not {*layer_names(same, image)[:-1]} & {*layer_names(other, image)[:-1]}
    assert not {*layer_names(same, image)[:-1]} & {*layer_names(same, torch.zeros(1, 3, 8, 9))[:-1]}
    first, second, behind = layer_names(Sum(Slow(clock, 1), Slow(clock, 1)), image)
    assert first == second
    assert "relu" in behind
    twice = nn.Sequential(Sum(Slow(clock, 1), Slow(clock, 1)), Slow(clock, 1))
    *_, third, behind = layer_names(twice, image)
    assert third != first
    assert "relu" in third
    assert "relu" not in behind


def test_threads_have_times_of_their_own(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.zeros(1, *SHAPE)
    before = layer_names(Slow(clock, 1), image)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    assert not set(before) & set(layer_names(Slow(clock, 1), image))


def test_a_network_is_left_as_it_was(clock: Clock) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    assert LatencyTable(rounds=1)(network, SHAPE) == 0  # on this clock
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert network[1].num_batches_tracked == 0


def test_steps_are_layers_and_functions_in_order(clock: Clock) -> None:
    seen: list[tuple[str, Any]] = []
    network, image = Sum(Slow(clock, 1), Slow(clock, 2)), torch.zeros(1, *SHAPE)
    with Steps(network, lambda step, args, kwargs, made: seen.append((name_of(step), tuple(made.shape)))):
        network(image)
    assert seen == [(name, (1, *SHAPE)) for name in ("Slow(1)", "Slow(2)", "relu", "add")]


def test_wrong_use_is_refused() -> None:
    with pytest.raises(ValueError, match="rounds must be at least 1, not 0"):
        LatencyTable(rounds=0)
    with pytest.raises(ValueError, match="layers are timed on a CPU only: set device to cpu, or read latency_ms"):
        LatencyTable()(nn.Conv2d(3, 4, 1, device="meta"), SHAPE)


def test_it_may_be_rewarded_and_limited_as_other_costs() -> None:
    assert set(MEASURES) == set(MEASURED) == {*COSTS, "predicted_ms"}
    task = build(TASKS, dict(type="ToyTask"))
    model = {"layers": [{"width": 4, "kernel": 3, "act": "relu"}]}
    cost = task.measure(model, ["predicted_ms"])
    assert cost["predicted_ms"] > 0
    assert cost == task.measure(model, ["predicted_ms"])  # nothing is timed again
    assert Metric("predicted_ms", -1.0)(cost) < 0
    small = MnasNet("score", "predicted_ms", target=10.0, alpha=-0.15, beta=-0.15)  # of MobileNetV3-small
    assert small({"score": 0.5, "predicted_ms": 20.0}) == pytest.approx(0.5 * 2**-0.15)
