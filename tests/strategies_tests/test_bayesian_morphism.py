"""Bayesian search on moves: the distance by hand and by brute force, one kernel, children of their parents, limits."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from search_spaces.graph import chain
from search_spaces.layer_graph.layers import params, read
from search_spaces.layer_graph.space import LayerGraph
from search_spaces.mbconv.space import MBConv
from search_spaces.subset import Subset
from strategies import Proposal, Trial
from strategies.bayesian_morphism import BayesianMorphism, embedded, random_sets
from strategies.edit_distance import EditDistance, edits, replacements, skip_distance
from strategies.regularized_evolution import RegularizedEvolution
from strategies.strategy import AskTell

SPACE: dict[str, Any] = dict(
    start="mobilenet",
    settings=dict(rows=[[1, 4, 1, 2], [6, 4, 1, 2]], stem=4, stride=2, last=8),
    moves=dict.fromkeys(("deeper", "wider", "add", "concat", "inverted", "narrower", "shallower"), 1.0),
    most_params=2_000.0,
)
SEQUENCES = some.lists(some.integers(0, 3), min_size=1, max_size=5)
SKIPS = some.lists(some.tuples(some.integers(1, 9), some.integers(1, 9)), max_size=4).map(tuple)
QUICK: dict[str, Any] = dict(cooling=0.1, neighbours=4, tries=6, every=4)
few = settings(max_examples=40, derandomize=True, deadline=None)


def test_layers_differ_by_their_kind_or_by_their_numbers() -> None:
    labels = ["conv 64 k3 s1", "conv 32 k3 s2", "max k3 s1", "relu", "relu6", "drop 0.00", "drop 0.50"]
    costs = replacements(labels, labels)
    assert np.array_equal(costs, costs.T)
    assert np.diag(costs).tolist() == [0] * 7
    assert costs[0, 1] == pytest.approx((1 / 2 + 0 + 1 / 2) / 3)
    assert costs[0, 2:].tolist() == [1] * 5
    assert costs[3, 4] == costs[3, 5] == costs[5, 6] == 1
    assert replacements([], labels).shape == (0, 7)


def test_a_part_of_a_space_and_one_with_named_decisions_are_searched() -> None:
    """Whose answers may have a canonical form outside of it."""
    whole = MBConv(width=0.25)
    subset = Subset(dict(type="MBConv", width=0.25), {"stage0.layer1": ["skip"]})
    for space in (subset, whole.only("stage1", whole.sample(Random(0)))):
        strategy = BayesianMorphism(**QUICK)
        strategy.start(space, 0)
        for number in range(3):
            proposal = strategy.ask(Random(number))
            assert proposal is not None
            strategy.tell(Trial(number, proposal, (), "done", float(number), depth=1))


def by_definition(one: list[int], other: list[int], costs: np.ndarray) -> float:
    if not one or not other:
        return len(one) + len(other)
    return min(
        by_definition(one[1:], other, costs) + 1,
        by_definition(one, other[1:], costs) + 1,
        by_definition(one[1:], other[1:], costs) + float(costs[one[0], other[0]]),
    )


@few
@given(ones=some.lists(SEQUENCES, min_size=1, max_size=3), others=some.lists(SEQUENCES, min_size=1, max_size=3))
def test_all_edit_distances_at_once_are_those_one_by_one(ones: Any, others: Any) -> None:
    costs = np.array([[0, 0.5, 1, 0.25], [0.5, 0, 1, 0.5], [1, 1, 0, 1], [0.25, 0.5, 1, 0]], np.float32)
    expected = [[by_definition(one, other, costs) for other in others] for one in ones]
    assert edits(ones, others, costs) == pytest.approx(np.array(expected))


@few
@given(one=SKIPS, other=SKIPS)
def test_skips_are_assigned_in_the_best_way(one: Any, other: Any) -> None:
    few, many = sorted((one, other), key=len)

    def cost(a: Any, b: Any) -> float:
        return (abs(a[0] - b[0]) + abs(a[1] - b[1])) / (max(a[0], b[0]) + max(a[1], b[1]))

    best = min(sum(map(cost, few, order)) for order in permutations(many, len(few)))
    assert skip_distance(one, other) == pytest.approx(best + len(many) - len(few))
    assert skip_distance(one, other) == pytest.approx(skip_distance(other, one))


def test_the_distance_of_networks_is_a_metric_and_its_kernel_positive_definite() -> None:
    """Also with points that came later: one kernel for known networks and new ones."""
    space, distance = LayerGraph(**SPACE), EditDistance()
    archs = list({space.sample(Random(seed)): None for seed in range(24)})
    codes = [distance.code(space.graph(arch)) for arch in archs]
    between = distance(codes, codes)
    assert np.allclose(between, between.T, atol=1e-5)
    assert np.allclose(np.diag(between), 0, atol=1e-5)
    assert (between[:, :, None] <= between[:, None, :] + between.T[None] + 1e-4).all()
    assert (between[~np.eye(len(codes), dtype=bool)] > 0).all()
    sets = random_sets(12, Random(0))
    rows = embedded(distance(codes, codes[:12]), sets)
    assert np.allclose(rows[:12], embedded(between[:12, :12], sets))
    apart = np.square(rows[:, None] - rows[None]).sum(2)
    assert np.linalg.eigvalsh(np.exp(-apart).astype(float)).min() > -1e-6
    assert (np.sqrt(apart) <= between * 1.001 + 1e-4).all()  # the embedding stretches nothing


def test_a_longer_chain_is_as_far_as_it_is_longer() -> None:
    distance = EditDistance()
    short, long = (distance.code(chain((f"n{k}", "conv 8") for k in range(length))) for length in (3, 5))
    assert distance([short], [long])[0, 0] == 2


def told(strategy: AskTell, count: int, seed: int = 0) -> list[Trial]:
    """Trials on a space of graphs, whose reward is how close their size is to half of the start's."""
    space = LayerGraph(**SPACE)
    strategy.start(space, seed)
    trials: list[Trial] = []
    for number in range(count):
        proposal = strategy.ask(Random(number))
        assert proposal is not None
        trials.append(Trial(number, proposal, (), "done", worth(proposal), depth=1))
        strategy.tell(trials[-1])
    return trials


def worth(proposal: Proposal) -> float:
    size = params(read(proposal.arch.as_dict()))
    return -abs(size - 300) / 300


def test_it_begins_at_the_start_and_names_its_moves() -> None:
    trials = told(BayesianMorphism(**QUICK), 8)
    assert trials[0].arch == LayerGraph(**SPACE).first(Random(0))
    assert trials[0].proposal.parent is None
    for trial in trials[1:]:
        assert trial.proposal.parent is not None
        assert 1 <= len(trial.note["moves"]) <= 4
        assert set(trial.note["moves"]) <= set(SPACE["moves"])
        assert params(read(trial.arch.as_dict())) <= SPACE["most_params"]
    assert len({trial.arch for trial in trials}) == 8


def test_a_root_that_comes_again_is_not_moved_on_from() -> None:
    """The study gives it the weights of the first trial of this network, which are gone."""
    strategy, space = BayesianMorphism(memory=2, **QUICK), LayerGraph(**SPACE)
    strategy.start(space, 0)
    archs = list({space.sample(Random(seed)): None for seed in range(9)})[:3]
    for number, (arch, parent) in enumerate([(archs[0], None), (archs[1], 0), (archs[2], 0), (archs[0], None)]):
        strategy.tell(Trial(number, Proposal(arch, parent), (), "done", 1.0, depth=1))
    assert list(strategy.keeps) == [place.parent for place, _ in strategy.known] == [1, 2]


def test_rewards_lead_it() -> None:
    """Where small networks are worth more, it proposes smaller ones than where large ones are."""

    def size(sign: int) -> float:
        strategy, space = BayesianMorphism(**QUICK), LayerGraph(**SPACE)
        strategy.start(space, 0)
        sizes = []
        for number in range(14):
            proposal = strategy.ask(Random(number))
            sizes.append(params(read(proposal.arch.as_dict())))
            strategy.tell(Trial(number, proposal, (), "done", sign * sizes[-1] / 100, depth=1))
        return sum(sizes[-6:]) / 6

    assert size(-1) < 0.7 * size(1)


def test_evolution_makes_the_same_moves_from_its_parents_weights() -> None:
    trials = told(RegularizedEvolution(4, 2, inherit=True), 20)
    assert all(trial.proposal.parent is not None for trial in trials[4:])


@pytest.mark.parametrize(
    "strategy",
    [BayesianMorphism(**QUICK), RegularizedEvolution(2, 2, inherit=True)],
    ids=lambda one: type(one).__name__,
)
def test_children_begin_with_their_parents_weights_in_a_study(strategy: Any, opened_study: Any, tmp_path: Path) -> None:
    """From the strategy through the ledger to the network's tensors, and again after an interruption."""
    config = protocol()

    def played(folder: str, trials: int) -> list[Any]:
        with opened_study(tmp_path / folder, {**config, "budget": dict(trials=trials)}) as study:
            strategy.search(study)
            return [
                (trial.arch, trial.proposal.parent, trial.reward, trial.inherited, trial.note) for trial in study.trials
            ]

    whole = played("whole", 4)
    grown = [inherited for _, parent, _, inherited, _ in whole if parent is not None]
    assert len(grown) >= 2
    assert all(report.copied + report.changed > report.new for report in grown)
    played("cut", 2)
    (tmp_path / "cut").rename(tmp_path / "again")
    assert played("again", 4) == whole


def protocol() -> dict[str, Any]:
    view = dict(share=0.05, size=[32, 32], eval_size=[32, 32])
    return dict(
        id="growing-test-v1",
        task=dict(
            type="ClassificationTask",
            template=dict(type="Classifier", tap="8"),
            data=dict(type="ScenesClassification"),
            encoder=dict(width=0.25),
            input_size=[32, 32],
        ),
        space=dict(type="LayerGraph", **SPACE),
        stages=[dict(name="short", view=view, recipe=dict(epochs=1, batch=16))],
        final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=1)),
        reward=dict(type="Smallest", metric="top1", cost="params", at_least=10.0),
        budget=dict(trials=4),
        seeds=[0],
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (dict(cooling=1.0), r"cooling between 0 and 1, beta and skips not negative, not 1\.0, 2\.576 and 1\.0"),
        (
            dict(neighbours=0),
            "neighbours, tries, most_moves, every and memory must be at least 1, not 0, 16, 4, 1 and 200",
        ),
    ],
)
def test_wrong_settings_are_one_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BayesianMorphism(**wrong)
