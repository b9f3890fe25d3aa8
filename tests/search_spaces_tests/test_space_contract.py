"""What every space promises, open or finite. A new space is covered by being registered."""

from __future__ import annotations

import json
from itertools import islice
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from growing_graphs import GrowingGraphs

from search_spaces import MODELS, SPACES, Architecture, FiniteSpace, SearchSpace

ALL = SPACES.classes().values()
FINITE = [cls for cls in ALL if issubclass(cls, FiniteSpace)]
SETTINGS: dict[str, dict[str, Any]] = {  # of those that have no defaults, or no supernet with them
    "NASNetCells": {"join": "all"},
    "TableSpace": {"table": "transnas-macro"},
    "LayerGraph": {"settings": {"width": 8}, "most_params": 1e5},
    "Subset": {"space": {"type": "ToySpace"}, "choices": {"layer0.width": [4, 16], "layer1.act": ["relu", "none"]}},
}


@pytest.fixture(params=[*ALL, GrowingGraphs], ids=lambda cls: cls.__name__)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return request.param(**SETTINGS.get(request.param.__name__, {}))


@pytest.fixture(params=FINITE, ids=lambda cls: cls.__name__)
def finite(request: pytest.FixtureRequest) -> FiniteSpace:
    return request.param(**SETTINGS.get(request.param.__name__, {}))


def walk(space: SearchSpace, rng: Random) -> Any:
    """Samples and their mutants, without an end."""
    while True:
        arch = space.sample(rng)
        yield arch
        for _ in range(5):
            arch = space.mutate(arch, rng)
            yield arch


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_answers_are_legal_and_repeatable(space: SearchSpace) -> None:
    found = list(islice(walk(space, Random(0)), 60))
    assert found == list(islice(walk(space, Random(0)), 60))
    assert len(set(found)) > 1
    for arch in found:
        assert space.flaw(arch.as_dict()) is None
        assert space.architecture(arch.as_dict()) == arch


def test_a_space_is_named_to_users(space: SearchSpace) -> None:
    assert str(space) == f"the space {type(space).__name__}"


def test_a_mutant_has_other_choices(space: SearchSpace) -> None:
    for seed in range(20):
        arch = space.sample(Random(seed))
        assert space.mutate(arch, Random(seed)).choices != arch.choices


def test_architectures_survive_json(space: SearchSpace) -> None:
    for arch in islice(walk(space, Random(0)), 10):
        again = space.architecture(plain(arch.as_dict()))
        assert (again.key, again.choices) == (arch.key, arch.choices)
        assert Architecture.recorded(plain(arch.as_dict()), arch.key) == arch


def test_a_canonical_form_is_legal_and_its_own(space: SearchSpace) -> None:
    for arch in islice(walk(space, Random(0)), 60):
        same = space.architecture(space.canonical(arch.as_dict()))
        assert same == arch
        assert same.canonical == same.choices


def test_models_are_plain_data_and_equal_for_equal_answers(space: SearchSpace) -> None:
    models: dict[str, Any] = {}
    for arch in islice(walk(space, Random(0)), 60):
        model = space.model(arch)
        assert plain(model) == model
        assert models.setdefault(arch.key, model) == model
        assert space.model(space.architecture(space.canonical(arch.as_dict()))) == model


def test_a_child_of_two_answers_is_legal_whatever_they_are(space: SearchSpace) -> None:
    """Also of two that know nothing of each other."""
    for seed in range(30):
        rng = Random(seed)
        one, other = space.sample(rng), space.mutate(space.sample(rng), rng)
        child = space.cross(one, other, rng)
        assert space.architecture(child.as_dict()).key == child.key


def test_a_child_takes_over_what_fits(space: SearchSpace) -> None:
    """What becomes of weights is up to the space; their names and shapes are those of the child."""
    parent = space.sample(Random(0))
    child = space.mutate(parent, Random(1))
    layers = len(next(iter(space.model(child).values())))
    fresh = {"gains": np.zeros(layers)}
    for weights, whose in (({"gains": np.ones(layers)}, child), ({"others": np.ones(2)}, None)):
        taken = space.inherit(weights, fresh, whose, child)
        assert taken.keys() == fresh.keys()
        assert np.shape(taken["gains"]) == (layers,)
        assert np.all(np.array(taken["gains"]) == (1 if whose else 0))


def test_a_space_has_a_supernet_or_says_so(space: SearchSpace) -> None:
    if type(space).supernet is SearchSpace.supernet:
        with pytest.raises(TypeError, match="has no supernet"):
            space.supernet()
    else:
        assert plain(space.supernet()) == space.supernet()
        assert space.supernet().keys() <= space.model(space.sample(Random(0))).keys()


def test_a_backbone_ends_with_its_last_tap(space: SearchSpace) -> None:
    """What is behind it is neither run nor counted."""
    config = space.model(space.sample(Random(0))).get("backbone")
    if config is None:
        pytest.skip("it decides no backbone")
    whole, fewer = (MODELS.build({**config, "taps": taps}).eval() for taps in (["4", "8", "16", "32"], ["8", "4"]))
    fewer.load_state_dict({name: whole.state_dict()[name] for name in fewer.state_dict()})
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    quarter, eighth, *_ = whole(image)
    assert all(torch.equal(*pair) for pair in zip(fewer(image), (eighth, quarter), strict=True))
    (quarter.sum() + eighth.sum()).backward()
    learnt = {name for name, weight in whole.named_parameters() if weight.grad is not None}
    assert learnt == dict(fewer.named_parameters()).keys()


# Of finite spaces.


def test_a_mutation_changes_one_decision(finite: FiniteSpace) -> None:
    arch = finite.sample(Random(0))
    for seed in range(20):
        child = finite.mutate(arch, Random(seed))
        assert sum(child[name] != arch[name] for name in finite.decisions) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda name, choices: {**choices, name: "no such choice"}, "cannot be 'no such choice'"),
        (lambda name, choices: {key: value for key, value in choices.items() if key != name}, "has no choice"),
        (lambda name, choices: {**choices, name + "x": 1}, "did you mean"),
    ],
)
def test_illegal_choices_are_refused_by_name(finite: FiniteSpace, change: Any, sentence: str) -> None:
    name = next(iter(finite.decisions))
    with pytest.raises(ValueError, match=sentence):
        finite.architecture(change(name, finite.sample(Random(0)).as_dict()))


def test_only_holds_the_rest(finite: FiniteSpace) -> None:
    rest = finite.sample(Random(0))
    prefix = next(iter(finite.decisions))
    part = finite.only(prefix, rest)
    for arch in islice(walk(part, Random(0)), 20):
        assert all(arch[name] == rest[name] for name in finite.decisions if not name.startswith(prefix))
        assert finite.architecture(arch.as_dict()) == arch
        assert part.model(arch) == finite.model(arch)
    assert part.size < finite.size
    with pytest.raises(TypeError, match=f"the part '{prefix}' of the space {type(finite).__name__} has no supernet"):
        part.supernet()
