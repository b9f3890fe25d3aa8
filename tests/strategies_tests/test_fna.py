"""Fast network adaptation: paths for the weights, all operations and their cost for the architecture, a front of networks."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.speed.memory import passed
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import MOBILENET_V2, MBConv
from strategies.supernet import fna
from strategies.supernet.fna import FNA, cost_term
from strategies.supernet.one_shot import OneShot
from strategies.supernet.search import Epoch, SupernetSearch
from tasks import Recipe, Stage, View
from tasks.complexity import madds_by_layer
from tasks.detection.samples import DetectionSamples
from tasks.training import train_mode

STUDY: dict[str, Any] = dict(
    id="fna-test-v1",
    task=dict(
        type="DetectionTask",
        template=dict(type="SSDLite"),
        data=dict(type="ScenesDetection"),
        encoder=dict(width=0.25),
        input_size=[64, 64],
    ),
    space=dict(type="MBConv", layers=[1, 2, 1, 1, 1, 1], width=0.25, wide=[4]),
    stages=[
        dict(
            name="short",
            view=dict(share=0.08, size=[64, 64], eval_size=[64, 64], copies=1),
            recipe=dict(epochs=1, batch=4, optimizer=dict(type="SGD", lr=1e-2)),
        )
    ],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test", size=[64, 64]), recipe=dict(epochs=1)),
    reward=dict(type="NegativeSum", names=["loss_cls", "loss_bbox"]),
    budget=dict(trials=20),
    seeds=[0],
)
TOY = dict(stages=[dict(name="short", recipe=dict(epochs=1))], gate=None)
SPACE = MBConv((1, 2, 1, 1, 1, 1), width=0.25, wide=(4,))


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four are scored."""
    monkeypatch.setattr(DetectionSamples, "eval_size", 4)


@pytest.fixture
def begun(opened_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Bring a search to where its first epoch begins."""

    def begin(strategy: FNA, seed: int = 0) -> FNA:
        with opened_study(tmp_path / "run", STUDY) as study, monkeypatch.context() as patch:
            patch.setattr(type(study), "wants", lambda self: False)
            study.seed = seed
            strategy.train(study)
        strategy.training.train()
        strategy.steps = 0
        return strategy

    return begin


def values(strategy: FNA) -> torch.Tensor:
    return torch.cat([alpha.detach() for alpha in strategy.training.alphas])


@pytest.mark.parametrize(("billions", "expected"), [(1.0, 0.0), (10.0, 0.2), (0.1, -0.2), (100.0, 0.4)])
def test_the_cost_counts_by_its_logarithm(billions: float, expected: float) -> None:
    assert float(cost_term(torch.tensor(billions * 1e9), 0.2, 10.0)) == pytest.approx(expected, abs=1e-6)
    assert float(cost_term(torch.tensor(billions * 1e9), 0.2, 100.0)) == pytest.approx(expected / 2, abs=1e-6)


def test_the_table_sums_to_what_the_searched_layers_of_an_answer_cost(begun: Any) -> None:
    """At the task's input size, counted in the whole detector that is deployed."""
    strategy = begun(FNA())
    task = strategy.training.task
    for seed in range(8):
        choices = SPACE.canonical(SPACE.sample(Random(seed)).as_dict())
        detector = madds_by_layer(task.network(SPACE.model(SPACE.architecture(choices))), (3, 64, 64))
        searched = sum(cost for layer, cost in detector.items() if layer.startswith("backbone.layer"))
        searched -= sum(cost for layer, cost in detector.items() if layer.startswith("backbone.layer1."))
        assert sum(strategy.table.costs[name][choice] for name, choice in choices.items()) == searched
    assert strategy.table.costs["stage1.layer1"]["skip"] == 0


def test_the_architecture_starts_near_zero_from_the_studys_seed(begun: Any) -> None:
    first, again, other = (values(begun(FNA(), seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert 5e-4 < float(first.std()) < 2e-3
    assert float(first.abs().max()) < 5e-3


def test_a_step_moves_the_weights_of_one_path(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = begun(FNA())
    path = SPACE.canonical(SPACE.sample(Random(3)).as_dict())
    monkeypatch.setattr(strategy, "drawn", lambda rng: path)
    network, before = strategy.training.network, values(strategy)
    places = strategy.training.supernet.operations()
    kept = {name: value.clone() for name, value in network.named_parameters()}
    strategy.step(next(strategy.training.batches()), Random(0))
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, kept[name])}
    on = {place for name, of in places.items() for op, place in of.items() if op == path[name] and op != "skip"}
    off = {place for name, of in places.items() for op, place in of.items() if op != path[name]}
    assert not any(name.startswith(f"{place}.") for name in moved for place in off)
    assert all(any(name.startswith(f"{place}.") for name in moved) for place in on)
    assert any(name.startswith("bbox_head.") for name in moved)
    assert torch.equal(values(strategy), before)


def test_the_supernet_begins_with_the_encoders_weights(
    begun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = MBConvNet(MOBILENET_V2, 0.25, ("16+", "32+"))
    torch.save(seed.state_dict(), tmp_path / "seed.pth")
    monkeypatch.setitem(STUDY["task"], "encoder", dict(width=0.25, checkpoint=str(tmp_path / "seed.pth")))
    weights, own = begun(FNA()).training.network.state_dict(), seed.state_dict()
    for layer in (0, 1):
        kernel = weights[f"backbone.layer3.{layer}.k5e6.conv.1.conv.weight"]
        assert torch.equal(kernel[..., 1:4, 1:4], own[f"layer3.{layer}.conv.1.conv.weight"])
        assert torch.count_nonzero(kernel) == torch.count_nonzero(kernel[..., 1:4, 1:4])
    cut = weights["backbone.layer4.0.k3e3.conv.0.conv.weight"]
    assert torch.equal(cut, own["layer4.0.conv.0.conv.weight"][: len(cut)])


def test_paths_are_uniform_in_the_warm_up_and_follow_the_architecture_then(begun: Any) -> None:
    strategy = begun(FNA(epochs=2, warmup=1))
    with torch.no_grad():
        for alpha in strategy.training.alphas:
            alpha.copy_(torch.log(torch.tensor([8.0, *[1.0] * (len(alpha) - 1)])))
    name, rng = "stage1.layer1", Random(0)
    counts = Counter(strategy.drawn(rng)[name] for _ in range(2000))
    assert all(count == pytest.approx(2000 / 7, rel=0.2) for count in counts.values())
    strategy.training.epochs = 1
    counts = Counter(strategy.drawn(rng)[name] for _ in range(500))
    assert counts["k3e3"] == pytest.approx(500 * 8 / 14, rel=0.1)
    assert len(counts) == 7


def test_the_architecture_moves_at_every_so_many_steps(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy, moves = begun(FNA(epochs=3, warmup=1, every=2)), []
    batches = next(strategy.training.batches())
    monkeypatch.setattr(strategy, "_move", lambda *of: moves.append(strategy.steps))
    monkeypatch.setattr(strategy.training, "learn", lambda batch: 0.0)
    monkeypatch.setattr(strategy.training, "batches", lambda: [batches] * 5)
    for epoch, expected in enumerate(([], [0, 2, 4], [0, 2, 4, 0, 2, 4])):
        strategy.training.epochs = epoch
        strategy.learn(Random(0))
        assert moves == expected


def test_the_cost_makes_the_expected_network_cheaper(begun: Any) -> None:
    strategy, costs = begun(FNA(epochs=1, warmup=0, cost_weight=100.0, arch_lr=0.5)), []
    batches = next(strategy.training.batches())
    for _ in range(4):
        costs.append(float(strategy.training.supernet.expected_cost(strategy.table.costs).detach()))
        strategy._move(*batches)
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.9 * costs[0]


def test_latency_may_be_the_cost(begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In milliseconds, of a table that is measured once and lies in the checkpoint."""
    asked: list[str] = []

    def table(space: MBConv, task: Any, cost: str) -> dict[str, dict[Any, float]]:
        asked.append(cost)
        return {name: {op: 1.0 + len(op) for op in ops} for name, ops in space.decisions.items()}  # type: ignore[arg-type]

    monkeypatch.setattr(fna, "cost_table", table)
    strategy = begun(FNA(epochs=1, warmup=0, cost="predicted_ms"))
    assert (strategy.learners["costs"], asked) == (strategy.table, [])
    other = next(strategy.training.batches())[1]
    with torch.no_grad():
        terms = [float(strategy.objective(other) - strategy.training.loss(other)) for _ in range(2)]
    assert terms == pytest.approx([0.2 * math.log10(5 * len(SPACE.decisions))] * 2, abs=1e-3)
    assert asked == ["predicted_ms"]


def test_a_weight_step_keeps_no_more_than_a_single_network(begun: Any) -> None:
    strategy = begun(FNA())
    training, stage = strategy.training, strategy.training.stages[0]
    batch = next(training.batches())[0]
    for seed in range(3):
        arch = SPACE.sample(Random(seed))
        single = training.task.begin(SPACE.model(arch), stage, seed=0)
        train_mode(single, None)
        alone = passed(training.task, stage, single, batch)
        with training.supernet.held(arch.as_dict()):
            shared = passed(training.task, stage, training.network, batch)
        assert all(ours <= 1.02 * theirs for ours, theirs in zip(shared, alone, strict=True))


def test_epochs_are_trials_and_do_it_again(opened_study: Any, tmp_path: Path) -> None:
    records = []
    for name in "ab":
        strategy = FNA(epochs=2, warmup=1, arch_lr=0.1)
        with opened_study(tmp_path / name, STUDY) as study:
            assert strategy.prepare(study).trials == 2
            (answer,) = strategy.search(study)
        records.append([(trial.arch.key, trial.stages[0].metrics, trial.cost.images) for trial in study.trials])
        assert answer.trial == 1
        assert answer.parent is None
    assert records[0] == records[1]
    first, second = (images for *_, images in records[0])
    assert second > first  # the architecture's passes


def test_shared_weights_are_those_of_the_backbones_derived(opened_study: Any, tmp_path: Path) -> None:
    """A candidate, built alone with the weights of its answer, scores as the supernet that holds this answer."""
    strategy = OneShot(epochs=1, candidates=2, strategy=dict(type="RandomSearch"))
    with opened_study(tmp_path / "run", STUDY) as study:
        strategy.search(study)
        assert len(study.trials) == 3
        for trial in study.trials[1:]:
            shared = strategy.training.shared(trial.arch.as_dict())
            assert trial.reward == pytest.approx(study.benchmark.reward(shared), rel=1e-4)


def test_with_objectives_it_answers_with_a_front(toy_study: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Networks as they were scored last, and each once."""
    scores, names = [50.0, 90.0, 60.0, 80.0, 70.0], [0, 1, 2, 1, 0]
    archs = [dict.fromkeys((f"layer{k}.width" for k in range(4)), width) for width in (4, 16, 8)]

    def scripted(self: SupernetSearch, study: Any) -> Epoch:
        number = len(study.trials)
        rest = {name: options[0] for name, options in study.space.decisions.items()}
        return Epoch({**rest, **archs[names[number]]}, {"score": scores[number]})

    monkeypatch.setattr(SupernetSearch, "_epoch", scripted)
    objectives = dict(names=["score", "params"], goals=["max", "min"])
    for count, trials in ((5, [3, 4]), (1, [3])):
        with toy_study(tmp_path / str(count), **TOY, budget=dict(trials=5), objectives=objectives) as study:
            answers = FNA(epochs=5, warmup=1, cost_weight=0, answers=count).search(study)
        assert [answer.trial for answer in answers] == trials
    with toy_study(tmp_path / "one", **TOY, budget=dict(trials=5)) as study:
        assert [answer.trial for answer in FNA(epochs=5, warmup=1, cost_weight=0).search(study)] == [4]


def test_a_supernet_that_cannot_say_what_it_needs_is_refused(
    toy_study: Any, restoration_study: Any, tmp_path: Path
) -> None:
    with toy_study(tmp_path / "toy", **TOY) as study:
        with pytest.raises(ValueError, match="space ToySpace does not say what choices cost: set cost_weight to 0"):
            FNA(epochs=2, warmup=1).prepare(study)
        assert FNA(epochs=2, warmup=1, cost_weight=0).prepare(study).trials == 2
    with (
        restoration_study(tmp_path / "cells") as study,
        pytest.raises(ValueError, match="supernet of the space RestorationCells has not: use DARTS"),
    ):
        FNA(epochs=2, warmup=1, cost_weight=0).prepare(study)


def test_weights_may_see_plain_images() -> None:
    stage = Stage("short", View(scale=(1.0, 1.5), jitter=0.2, hsv=(9.0, 0.1, 0.1)), Recipe(epochs=1))
    both, alone = FNA().stages(stage), FNA(augment="architecture").stages(stage)
    assert [one.view for one in both] == [replace(stage.view, half=half) for half in (0, 1)]
    assert alone[0].view == View(half=0, mirror=False)
    assert alone[1] == both[1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(epochs=5), "warmup must be less than epochs, not 20 of 5"),
        (dict(every=0), "every and answers must be at least 1, not 0 and 5"),
        (dict(answers=0), "every and answers must be at least 1, not 1 and 0"),
        (dict(cost_weight=-1), "cost_weight must not be negative and cost_base above 1, not -1 and 10"),
        (dict(cost_base=1), "cost_weight must not be negative and cost_base above 1, not 0.2 and 1"),
        (dict(cost_base=math.nan), "not 0.2 and nan"),
        (dict(augment="none"), "augment must be 'both' or 'architecture', not 'none'"),
        (dict(cost="params"), "cost must be 'madds' or 'predicted_ms', not 'params'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FNA(**settings)
