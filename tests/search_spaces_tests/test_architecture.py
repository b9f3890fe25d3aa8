"""Architectures: equal where the network is, by a canonical form that nobody computes before it is needed."""

from __future__ import annotations

import dataclasses
import pickle
from random import Random

import pytest

from core import content_key
from search_spaces import Architecture
from search_spaces.architecture import Choices
from search_spaces.toy.space import ToySpace


class Forgetful(ToySpace):
    """A layer without an activation is as wide as any; `asked` counts how often that was looked up."""

    asked = 0

    def canonical(self, choices: Choices) -> Choices:
        self.asked += 1
        widths = {name.replace("act", "width"): 4 for name, choice in choices.items() if choice == "none"}
        return {**choices, **widths}


CHOICES = dict(ToySpace(1).sample(Random(0)).choices) | {"layer0.act": "none"}


def test_equal_are_spellings_of_one_network() -> None:
    space = Forgetful(1)
    narrow, wide = (space.architecture({**CHOICES, "layer0.width": width}) for width in (4, 16))
    assert narrow == wide
    assert hash(narrow) == hash(wide)
    assert narrow.key == wide.key == content_key(dict(narrow.choices))
    assert narrow.choices != wide.choices
    assert len({narrow, wide, space.architecture({**CHOICES, "layer0.act": "relu"})}) == 2
    assert narrow != "narrow"


def test_the_canonical_form_is_found_once_and_only_when_it_is_asked_for() -> None:
    space = Forgetful(2)
    arch = space.sample(Random(0))
    for seed in range(50):
        arch = space.mutate(arch, Random(seed))
    assert arch["layer1.kernel"] == arch.as_dict()["layer1.kernel"]
    assert space.asked == 0
    assert (hash(arch), arch.key, arch.canonical) == (hash(arch), arch.key, arch.canonical)
    assert space.asked == 1


def test_an_architecture_is_frozen_sorted_and_travels() -> None:
    arch = ToySpace().sample(Random(0))
    assert list(arch.choices) == sorted(arch.choices)
    assert ToySpace().architecture(dict(reversed(arch.choices))).choices == arch.choices
    with pytest.raises(dataclasses.FrozenInstanceError):
        arch.choices = ()  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(arch)) == arch


def test_one_that_is_read_without_its_space_is_known_by_its_key() -> None:
    space = Forgetful(1)
    wide = space.architecture({**CHOICES, "layer0.width": 16})
    read = Architecture.recorded(wide.as_dict(), wide.key)
    assert (read.choices, read.key) == (wide.choices, wide.key)
    assert read == wide == read
    assert read == Architecture.recorded(CHOICES, wide.key)
    assert read != Architecture.recorded(wide.as_dict(), "another")
    with pytest.raises(TypeError, match="was read without its space: compare its key"):
        hash(read)
