"""E-DNAS: one pass for weights and architecture, kernels mixed over two branches, latencies that are kept to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from search_spaces.meta_kernel.space import MetaKernels
from strategies.costs import cost_table
from strategies.strategy import Plan
from strategies.supernet import e_dnas
from strategies.supernet.e_dnas import EDNAS, branch_weights, copied, put
from strategies.supernet.search import SupernetSearch
from tasks import complexity
from tasks.complexity import madds

SETTINGS: dict[str, Any] = dict(operations=("meta", "sep3", "skip"), depth=1, channels=4)
SPACE = MetaKernels(**SETTINGS)
SPACE_CONFIG = dict(type="MetaKernels", **SETTINGS)
MS = {"meta": 0.09, "sep3": 0.06, "skip": 0.01}
TOY = dict(stages=[dict(name="short", recipe=dict(epochs=1))], gate=None)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How much longer everything takes whenever it is measured; the last one stays."""
    moments = [1.0, 2.0]

    def table(space: MetaKernels, task: Any, name: str) -> dict[str, dict[str, float]]:
        slower = moments.pop(0)
        return {name: {op: slower * MS[op] for op in ops} for name, ops in space.decisions.items()}  # type: ignore[index]

    monkeypatch.setattr(e_dnas, "cost_table", table)
    return moments


@pytest.fixture
def backbone_study(opened_study: Any, folder_data: Path) -> Any:
    """Open a study of small backbones on 6 training images of 32x32; 3 others are scored."""
    data = dict(type="FolderSegmentation", root=str(folder_data), layout="folders")
    task = dict(type="SegmentationTask", encoder=dict(width=0.1), data=data, input_size=[64, 64])
    view = dict(size=[32, 32], eval_size=[32, 32])
    recipe = dict(epochs=1, batch=3, optimizer=dict(type="SGD", lr=0.1), schedule="poly", clip=None)
    config: dict[str, Any] = dict(
        id="e-dnas-test-v1",
        task={**task, "template": dict(type="EncoderDecoder", width=8)},
        space=SPACE_CONFIG,
        stages=[dict(name="short", view=view, recipe=recipe)],
        final=dict(name="final", view=dict(train=["train", "val"], eval="test", size=[32, 32]), recipe=dict(epochs=1)),
        reward=dict(type="Metric", name="mIoU"),
        budget=dict(trials=9),
        seeds=[0],
    )
    return lambda folder: opened_study(folder, config)


@pytest.fixture
def begun(backbone_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Bring a search to where its first epoch begins."""

    def begin(strategy: EDNAS) -> EDNAS:
        with backbone_study(tmp_path / "run") as study, monkeypatch.context() as patch:
            patch.setattr(type(study), "wants", lambda self: False)
            strategy.train(study)
        strategy.training.train()
        return strategy

    return begin


@pytest.mark.parametrize(
    ("losses", "scale", "first"),
    [
        ((1, 2), 1.0, 0.6224),
        ((2, 4), 1.0, 0.6536),
        ((0.1, 0.5), 1.0, 0.5092),  # saturated
        ((0.1, 0.5), 0.1, 0.7942),
        ((3, 3), 1.0, 0.5),
        ((0, 1), 1.0, 0.5677),
    ],
)
def test_the_branch_with_the_smaller_loss_counts_more(losses: Any, scale: float, first: float) -> None:
    assert branch_weights(losses, scale) == pytest.approx([first, 1 - first], abs=5e-5)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(some.lists(some.floats(1e-6, 1e6), min_size=1, max_size=4), some.floats(1e-3, 1e3))
def test_feedback_is_a_mean(losses: list[float], scale: float) -> None:
    shares = branch_weights(losses, scale)
    assert sum(shares) == pytest.approx(1)
    for (a, b), (c, d) in zip(
        zip(losses, shares, strict=True), zip(losses[1:], shares[1:], strict=False), strict=False
    ):
        assert (b >= d) if a <= c else (b <= d)


def test_both_branches_begin_anew_from_their_mixture(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = begun(EDNAS(latency=0))
    kernels = strategy.training.supernet.kernels()
    start, seen = copied(kernels), []

    def move(loss: float) -> float:
        seen.append(copied(kernels))
        put(kernels, [one + loss for one in kernels])
        return loss

    monkeypatch.setattr(strategy, "_move", move)
    assert strategy.step([1.0, 2.0], None) == 1.5
    for one in range(2):
        assert all(torch.equal(a, b) for a, b in zip(seen[one], start, strict=True))
    for now, before in zip(kernels, start, strict=True):
        assert torch.allclose(now, before + 0.6224 + 2 * 0.3776, atol=1e-4)


def test_merged_kernels_are_mixed_as_their_filters_are(begun: Any) -> None:
    """b1 K1 + b2 K2 of meta-kernels is that of the filters that they are the sums of."""
    edge = begun(EDNAS(latency=0)).training.supernet.parts["backbone"].layers[0][0]
    kernels, merged = list(edge.filters.values()), []
    start = copied(kernels)
    with torch.no_grad():
        for branch in ([one + 1 for one in start], [2 * one for one in start]):
            put(kernels, branch)
            merged.append(edge._kernel({"meta": 1.0}))
        put(kernels, [0.6 * (one + 1) + 0.4 * 2 * one for one in start])
        assert torch.allclose(edge._kernel({"meta": 1.0}), 0.6 * merged[0] + 0.4 * merged[1], atol=1e-6)


def test_without_feedback_a_step_follows_the_other(begun: Any) -> None:
    """And all weights and the architecture move, by one pass each."""
    strategy = begun(EDNAS(epochs=3, feedback=False))
    training, meter = strategy.training, strategy.training.task.meter
    kept = {name: one.detach().clone() for name, one in training.network.named_parameters()}
    batches, before = next(training.batches()), meter.images
    with torch.random.fork_rng():
        loss = strategy.step(batches, None)
    assert meter.images - before == sum(len(batch.truth) for batch in batches)
    assert training.optimization.done == 2
    (schedule,) = training.optimization.schedules  # which lasts as long as the search
    assert schedule.total_iters == 2 * strategy.epochs
    assert loss > 0
    assert all(not torch.equal(one, kept[name]) for name, one in training.network.named_parameters())


def test_the_latency_makes_the_expected_network_faster(begun: Any) -> None:
    strategy, told = begun(EDNAS(latency=1.0, arch_lr=0.1)), []
    batch = next(strategy.training.batches())[0]
    for _ in range(4):
        told.append(float(strategy.training.supernet.expected_cost(strategy.table.costs).detach()))
        strategy._move(batch)
    assert told == sorted(told, reverse=True)
    assert told[-1] < 0.99 * told[0]


def test_microseconds_are_those_of_merged_networks(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a multiply-add takes a nanosecond."""
    monkeypatch.setattr(e_dnas, "cost_table", cost_table)
    monkeypatch.setitem(complexity.MEASURES, "predicted_ms", lambda network, shape: 1e-6 * madds(network, shape))
    strategy = begun(EDNAS())
    for operation in ("meta", "skip"):
        arch = SPACE.read(SPACE.everywhere(operation))
        network = strategy.training.task.measure(SPACE.model(arch), ["madds"])
        assert strategy.table.of(arch.as_dict()) == pytest.approx(network["madds"] / 1000, rel=1e-6)
    seven, three = (strategy.table.costs["stage0.layer0.last"][op] for op in ("meta", "sep3"))
    assert seven - three == pytest.approx((49 - 9) * 4 * 16 * 16 / 1000)


def facts(study: Any) -> list[Any]:
    return [(t.id, t.arch, t.stages[0].metrics, t.cost.images, t.reward) for t in study.trials]


def test_a_killed_search_reads_the_latencies_that_were_measured(
    backbone_study: Any, killed: Any, tmp_path: Path, measured: list[float]
) -> None:
    """Killed in the second epoch, and played on where everything would take twice as long."""
    strategy = EDNAS(epochs=2, latency=1e-4, arch_lr=0.1)
    with backbone_study(tmp_path / "whole") as study:
        assert strategy.prepare(study).trials == 2
        answers, expected = strategy.search(study), facts(study)
        assert measured == [2.0]
        assert {"mIoU", "supernet_mIoU", "latency_us", "gap"} <= study.trials[0].stages[0].metrics.keys()
        assert [trial.cost.images for trial in study.trials] == [6 + 3 + 3 + 3] * 2  # learnt from, norms, scored twice
    measured[:] = [1.0, 2.0]
    with backbone_study(tmp_path / "cut") as study, killed(1, False):
        strategy.search(study)
    with backbone_study(tmp_path / "cut") as study:
        assert strategy.search(study) == answers
        assert facts(study) == expected
    assert measured == [2.0]


def test_answers_keep_to_the_budget(backbone_study: Any, tmp_path: Path) -> None:
    """Also where only the budget asks for a table: ten microseconds for each of seven skips, and for nothing else."""
    with backbone_study(tmp_path / "enough") as study:
        (answer,) = EDNAS(epochs=1, latency=0, budget=70.5).search(study)
        assert answer.arch == SPACE.read(SPACE.everywhere("skip"))
        assert study.trials[0].stages[0].metrics["latency_us"] == pytest.approx(70)
    with backbone_study(tmp_path / "less") as study:
        with pytest.raises(
            ValueError, match="the cheapest network of the space costs 140, and the budget is 139: raise it"
        ):
            EDNAS(epochs=1, latency=0, budget=139.0).search(study)
        assert not study.trials


def test_what_a_space_or_a_machine_cannot_do_is_refused(
    toy_study: Any, restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with toy_study(tmp_path / "toy", **TOY) as study:
        with pytest.raises(ValueError, match="space ToySpace has no kernels to learn in two branches: set feedback to"):
            EDNAS().prepare(study)
        monkeypatch.setattr(study.task, "device", "cuda")
        monkeypatch.setattr(SupernetSearch, "prepare", lambda self, study: Plan())
        with pytest.raises(ValueError, match="layers are timed on a CPU only: set latency to 0"):
            EDNAS(feedback=False).prepare(study)
    with (
        restoration_study(tmp_path / "cells") as study,
        pytest.raises(ValueError, match="RestorationCells does not weigh choices one by one: set latency to 0"),
    ):
        EDNAS(feedback=False).prepare(study)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(epochs=0), "epochs must be at least 1"),
        (dict(latency=-1), "latency must not be negative, and budget positive or None, not -1 and None"),
        (dict(latency=float("nan")), "latency must not be negative"),
        (dict(budget=0), "budget positive or None, not 1e-05 and 0"),
        (dict(scale=0), "scale must be positive, not 0"),
        (dict(arch_lr=0), "arch_lr must be positive and arch_decay not negative, not 0 and 0.001"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EDNAS(**settings)
