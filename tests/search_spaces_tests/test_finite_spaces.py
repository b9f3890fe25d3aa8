"""Finite spaces: parts, conditional decisions, and what happens where nothing is legal."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from search_spaces import FiniteSpace
from search_spaces.architecture import Choices
from search_spaces.head_cells.space import HeadCells
from search_spaces.joint import Joint
from search_spaces.restoration_cells.space import RestorationCells
from search_spaces.subset import Subset
from search_spaces.toy.space import ToySpace


class Towers(FiniteSpace):
    """One to three layers; what is decided of the others does not matter."""

    def __init__(self) -> None:
        self.decisions = {"depth": (1, 2, 3), **{f"kernel{k}": (3, 5) for k in range(3)}}

    def active(self, choices: Choices) -> list[str]:
        return ["depth", *(f"kernel{k}" for k in range(int(choices["depth"])))]

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"head": [choices[f"kernel{k}"] for k in range(int(choices["depth"]))]}


class Bits(FiniteSpace):
    """Only networks of at least `zeros` bits at the start that are 0 can be built."""

    def __init__(self, zeros: int, bits: int = 400):
        self.zeros = zeros
        self.decisions = {f"bit{k}": (0, 1) for k in range(bits)}

    def flaw(self, choices: Choices) -> str | None:
        return "a bit is 1" if any(choices[f"bit{k}"] for k in range(self.zeros)) else None

    def parts(self, choices: Choices) -> dict[str, Any]:
        return {"layers": list(choices.values())}


def test_what_is_not_active_makes_no_other_network() -> None:
    space = Towers()
    first = space.architecture({"depth": 1, "kernel0": 5, "kernel1": 5, "kernel2": 3})
    assert first == space.architecture({"depth": 1, "kernel0": 5, "kernel1": 3, "kernel2": 5})
    assert first != space.architecture({"depth": 2, "kernel0": 5, "kernel1": 3, "kernel2": 5})
    assert space.canonical(first.as_dict()) == {"depth": 1, "kernel0": 5, "kernel1": 3, "kernel2": 3}
    assert len({space.sample(Random(seed)) for seed in range(200)}) == 2 + 4 + 8
    assert {space.model(space.sample(Random(seed)))["head"] == [5, 5, 5] for seed in range(50)} == {True, False}


def test_mutations_are_of_what_is_active() -> None:
    space = Towers()
    arch = space.architecture({"depth": 1, "kernel0": 5, "kernel1": 5, "kernel2": 3})
    for seed in range(30):
        child = space.mutate(arch, Random(seed))
        assert child != arch
        assert (child["kernel1"], child["kernel2"]) == (5, 3)


def test_a_part_and_a_joint_know_what_is_active() -> None:
    joint = Joint(Towers(), ToySpace(1))
    arch = joint.architecture({**dict.fromkeys(["depth", "layer0.kernel"], 1), **dict.fromkeys(["kernel0", "kernel1"], 3),
                               "kernel2": 5, "layer0.width": 4, "layer0.act": "relu"})  # fmt: skip
    assert arch == joint.architecture({**arch.as_dict(), "kernel2": 3})
    assert joint.model(arch) == {"head": [3], "layers": [{"width": 4, "kernel": 1, "act": "relu"}]}
    part = joint.only("kernel", arch)
    assert {part.mutate(arch, Random(seed))["kernel0"] for seed in range(10)} == {5}
    nested = part.only("kernel1", arch)
    with pytest.raises(
        ValueError, match="no other answer of the part 'kernel1' of the part 'kernel' of the space Joint"
    ):
        nested.mutate(arch, Random(0))


def test_fewer_choices_leave_the_notation_of_genotypes_as_it_is() -> None:
    whole, config = HeadCells(16, 2), dict(type="HeadCells", channels=16, layers=2)
    arch = whole.read((1, [0, 1]))
    for space in (Subset(config, {"head.split": [0, 1]}), whole.only("head.layer0", arch)):
        assert space.read((1, [0, 1])) == arch
        with pytest.raises(ValueError, match=r"write it as \(index of sharing, 2 operations 0 to 5\)"):
            space.read("head")
    with pytest.raises(ValueError, match=r"decision 'head.split' cannot be 2: give one of \(0, 1\)"):
        Subset(config, {"head.split": [0, 1]}).read((2, [0, 1]))


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ([], "cannot be nothing: give some of"),
        ([1, 2], r"cannot be \[2\]: give some of"),
        ([True], r"cannot be \[True\]: give some of"),
        ([1, 3, 1], r"has a choice twice: give each of \[1, 3, 1\] once"),
    ],
)
def test_choices_that_cannot_be_kept_are_refused(kept: list[Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"decision 'layer0.kernel' {sentence}"):
        Subset(dict(type="ToySpace"), {"layer0.kernel": kept})


def test_a_part_without_decisions_is_refused() -> None:
    with pytest.raises(ValueError, match="no decision starts with 'neck'"):
        ToySpace().only("neck", ToySpace().sample(Random(0)))


def test_a_mutation_without_a_legal_neighbour_ends() -> None:
    space = RestorationCells(nodes=1)
    rest = next(
        arch
        for seed in range(1000)
        if [(arch := space.sample(Random(seed)))[f"layer{layer}.width"] for layer in range(3)] == [0, 1, 2]
    )
    part = space.only("layer1.", rest)
    assert part.sample(Random(0)).choices == rest.choices
    with pytest.raises(ValueError, match=r"no other answer of the part 'layer1\.' of the space RestorationCells"):
        part.mutate(rest, Random(0))


def test_a_rare_neighbour_is_found() -> None:
    space = Bits(399)
    arch = space.architecture(dict.fromkeys(space.decisions, 0))
    for seed in range(10):
        assert space.mutate(arch, Random(seed))["bit399"] == 1


def test_a_sample_of_a_space_without_networks_ends() -> None:
    with pytest.raises(ValueError, match="none of 10000 random answers of the space Bits makes a network"):
        Bits(40, 40).sample(Random(0))


def test_a_space_of_one_answer_has_no_mutant() -> None:
    space = ToySpace()
    arch = space.sample(Random(0))
    part = space.only("layer0.width", arch).only("layer1.act", arch)
    with pytest.raises(ValueError, match="no other answer"):
        part.mutate(arch, Random(0))
