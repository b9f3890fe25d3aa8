"""CoDeepNEAT: how networks are put together, and whose fitness that is."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from scipy import stats

from search_spaces import SPACES, Architecture, SearchSpace
from search_spaces.deepneat.space import DeepNEAT
from search_spaces.genomes.genes import Genes, write
from search_spaces.genomes.modules import ModularGraph
from search_spaces.modular import ModularDecisions
from search_spaces.toy.space import ToySpace
from strategies import AskTell, Proposal, Trial
from strategies.codeepneat import CoDeepNEAT
from strategies.random_search import RandomSearch

SPACE = DeepNEAT(width=0.125, recipe=True, most=12)
PLAIN = dict(kernel=3, dropout=0.0, init=1.0, pool="none")


def graph(nodes: list[dict[str, Any]], edges: list[tuple[int, int]]) -> Genes:
    """Nodes from 2 on."""
    genes: Genes = {f"node{2 + number}": node for number, node in enumerate(nodes)}
    return genes | {f"edge{k}": {"source": a, "target": b, "enabled": 1} for k, (a, b) in enumerate(edges)}


def test_a_blueprint_of_graphs_is_a_graph() -> None:
    """Two modules side by side and one behind them; the first one is there twice, each time with layers of its own."""
    modular = SPACE.modular(4)
    assert isinstance(modular, ModularGraph)
    recipe = {name: one.draw(Random(0)) for name, one in SPACE.attributes["recipe"].items()}
    blueprint = modular.blueprints.architecture(
        write(
            graph([{"species": 1}, {"species": 3}, {"species": 1}], [(0, 2), (0, 3), (2, 4), (3, 4), (4, 1)])
            | {"recipe": recipe}
        )
    )
    assert sorted(modular.pointers(blueprint)) == [(0, 1), (0, 3)]
    fork = graph([{"filters": 5, **PLAIN}, {"filters": 6, **PLAIN}], [(0, 2), (0, 3), (2, 1), (3, 1)])
    skipping = graph([{"filters": 7, **PLAIN}], [(0, 2), (2, 1), (0, 1)])
    modules = {(0, 1): modular.modules.architecture(write(fork)), (0, 3): modular.modules.architecture(write(skipping))}
    made = modular.assembled(blueprint, modules)
    assert made is not None
    layers, (output,) = SPACE.layers(dict(made.canonical))
    read = {frozenset([layers[place - 1]["filters"] if place else 0 for place in layer["inputs"]]) for layer in layers}
    assert Counter(layer["filters"] for layer in layers) == {5: 2, 6: 2, 7: 1}
    assert read == {frozenset([0]), frozenset([0, 5, 6, 7])}  # of a skip: what its module reads
    assert {layers[place - 1]["filters"] for place in output["inputs"]} == {5, 6}
    assert {name: made[f"recipe.{name}"] for name in recipe} == recipe


@pytest.mark.parametrize("chain", [0, 1, 3])
def test_modules_begin_with_the_chain_of_the_space(chain: int) -> None:
    modular, rng = DeepNEAT(chain=chain).modular(1), Random(0)
    blueprint, module = (space.minimal(rng, space.innovations()) for space in (modular.blueprints, *modular.kinds))  # type: ignore[attr-defined]
    made = modular.assembled(blueprint, {(0, 0): module})
    assert made is not None
    assert len(SPACE.layers(dict(made.canonical))[0]) == chain


def test_what_is_too_large_is_not_put_together() -> None:
    modular = DeepNEAT(most=3).modular(2)
    rng = Random(0)
    module = modular.kinds[0].sample(rng)
    chain = graph([{"species": 0}] * 3, [(0, 2), (2, 3), (3, 4), (4, 1)])
    while len(modular.kinds[0].layers(dict(module.canonical))[0]) < 2:  # type: ignore[attr-defined]
        module = modular.kinds[0].mutate(module, rng)
    assert modular.assembled(modular.blueprints.architecture(write(chain)), {(0, 0): module}) is None


def test_decisions_of_a_prefix_are_a_module_and_equal_ones_share_them() -> None:
    modular = ToySpace(layers=3).modular(5)
    assert isinstance(modular, ModularDecisions)
    assert len(modular.kinds) == 1
    assert modular.blueprints.decisions == dict.fromkeys(("layer0", "layer1", "layer2"), tuple(range(5)))  # type: ignore[attr-defined]
    blueprint = modular.blueprints.architecture({"layer0": 4, "layer1": 2, "layer2": 4})
    layers = [dict(width=8, kernel=3, act="relu"), dict(width=16, kernel=5, act="tanh")]
    modules = dict(zip([(0, 4), (0, 2)], map(modular.kinds[0].architecture, layers), strict=True))
    assert modular.pointers(blueprint) == list(modules)
    made = modular.assembled(blueprint, modules)
    assert made is not None
    assert ToySpace(layers=3).model(made)["layers"] == [layers[0], layers[1], layers[0]]


def started(**settings: Any) -> CoDeepNEAT:
    strategy = CoDeepNEAT(networks=6, blueprints=dict(population=3), modules=dict(population=5), **settings)
    strategy.start(SPACE, 0)
    return strategy


def asked(strategy: CoDeepNEAT, number: int) -> Proposal:
    proposal = strategy.ask(Random(number))
    assert proposal is not None
    return proposal


def test_fitness_is_the_mean_of_the_networks_that_one_was_in() -> None:
    """A failed network counts for nobody; who was in none of this generation keeps what it had, or has none."""
    strategy = started()
    rewards: dict[tuple[str, int], list[float]] = {}
    trials = [Trial(k, asked(strategy, k), (), "done", float(k * k)) for k in range(6)]
    trials[4] = Trial(4, trials[4].proposal, (), "failed", None)
    for trial in trials:
        strategy.tell(trial)
        if trial.reward is not None:
            for name in (
                ("blueprint", trial.note["blueprint"]),
                *(("module", one) for _, _, one in trial.note["modules"]),
            ):
                rewards.setdefault(name, []).append(trial.reward)
    for kind, population in (("blueprint", strategy.blueprints), ("module", strategy.modules[0])):
        for genome in population.members:
            mean = rewards.get((kind, genome.id))
            assert genome.fitness == (sum(mean) / len(mean) if mean else None)
    assert Counter(trial.note["blueprint"] for trial in trials) == {0: 2, 1: 2, 2: 2}
    asked(strategy, 6)
    assert [genome.before is not None for genome in strategy.blueprints.members].count(True) >= 1


def test_of_a_species_the_least_used_module_comes_next() -> None:
    strategy = started()
    for number in range(6):
        asked(strategy, number)
    for one in strategy.modules[0].species.values():
        uses = [strategy.used.get(genome, 0) for genome in one.members]
        assert max(uses) - min(uses) <= 1


def test_a_pointer_to_a_species_that_died_out_goes_to_the_next_one() -> None:
    strategy = started()
    asked(strategy, 0)
    population = strategy.modules[0]
    population.species = {2: replace(population.species[0]), 6: replace(population.species[0])}
    for slot, found in {0: 2, 2: 2, 3: 6, 6: 6, 7: 2}.items():
        assert strategy._living(0, slot) is population.species[found]


GRAPHS = DeepNEAT(width=0.125)


def worth(arch: Architecture) -> float:
    """An epistatic landscape over graphs: at best eight layers deep, each wide and of another kernel than what it reads."""
    layers, _ = GRAPHS.layers(dict(arch.canonical))
    depth, worths = [0], list[float]()
    for layer in layers:
        depth.append(1 + max(depth[place] for place in layer["inputs"]))
        read = {layers[place - 1]["kernel"] for place in layer["inputs"] if place}
        worths.append((layer["filters"] / 32) ** 0.5 * (1 - layer["dropout"]) / (2 if layer["kernel"] in read else 1))
    return 100 * sum(worths) / max(1, len(worths)) * math.exp(-abs(max(depth) - 8) / 4)


def best_of(strategy: AskTell, seed: int, count: int = 100) -> float:
    """The noise-free worth of the network with the largest reward."""
    strategy.start(GRAPHS, seed)
    trials: list[Trial] = []
    for number in range(count):
        proposal = strategy.ask(Random(f"{seed} {number}"))
        assert proposal is not None
        reward = worth(proposal.arch) + Random(f"noise {seed} {number}").gauss(0, 2)
        trials.append(Trial(number, proposal, (), "done", reward))
        strategy.tell(trials[-1])
    return worth(max(trials, key=lambda trial: trial.score).arch)


@pytest.mark.slow
def test_it_beats_random_search_on_an_epistatic_landscape_of_graphs() -> None:
    evolved, sampled = ([best_of(make(), seed) for seed in range(20)] for make in (CoDeepNEAT, RandomSearch))
    assert stats.wilcoxon(evolved, sampled, alternative="greater").pvalue < 0.01


class Open(ToySpace):
    """Has decisions, but says nothing of modules."""

    modular = SearchSpace.modular


def test_a_single_module_is_no_end(toy_study) -> None:
    """With one species the blueprint of a finite space has nothing to choose."""
    with toy_study(budget=dict(trials=30)) as study:
        CoDeepNEAT(modules=dict(population=4, species=1)).search(study)
    assert len(study.trials) == 30


def test_settings_and_spaces_that_it_cannot_use(toy_study, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="networks must be at least 1, not 0"):
        CoDeepNEAT(networks=0)
    with pytest.raises(ValueError, match="unknown entry of the evolution of modules 'size'"):
        CoDeepNEAT(modules=dict(size=3))
    monkeypatch.setitem(SPACES.module_dict, "Open", Open)
    with (
        toy_study(space={"type": "Open"}) as study,
        pytest.raises(ValueError, match="the space Open have no modules: take"),
    ):
        CoDeepNEAT().prepare(study)
