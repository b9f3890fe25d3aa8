"""What is dealt out to splits must show every class to learn from, and something to score."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tasks.classification.data import ClassificationData
from tasks.data import SPLITS, Data
from tasks.detection.data import Annotated, DetectionData, Objects
from tasks.registry import DATA
from tasks.resplit import Resplit, ResplitClassification, ResplitDetection, ResplitSegmentation
from tasks.segmentation.data import IGNORE, SegmentationData

BOX = (0.0, 0.0, 2.0, 2.0)
SENTENCE = "class 'b' is in none of the pictures dealt out to 'train': add some, or make the splits yourself"


class Numbered(Data):
    """Ten pictures of class 0, but for those in `others`."""

    classes = ("a", "b")

    def __init__(self, **others: int):
        self.others = {int(name[1:]): label for name, label in others.items()}

    def size(self, split: str) -> int:
        return 10

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        return [(bytes([index]), str(index)) for index in range(10)]

    def fingerprint(self, *others: str) -> str:
        return "numbers"

    def problems(self, split: str) -> Iterator[str]:
        yield f"wrong with {split}"

    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        return np.full((2, 2, 3), index, np.uint8), self.truth(self.others.get(index, 0))

    def truth(self, label: int) -> Any: ...


class Labels(Numbered, ClassificationData):
    def truth(self, label: int) -> int:
        return label


class Maps(Numbered, SegmentationData):
    named = True

    def truth(self, label: int) -> np.ndarray:
        return np.full((2, 2), label, np.uint8)


class Boxes(Numbered, DetectionData):
    def truth(self, label: int) -> Objects:
        """One of the class that counts, and of the other class a crowd, which does not."""
        return Objects.of([(BOX, label, 4.0, False, False), (BOX, 1 - label, 4.0, True, False)])

    def annotated(self, split: str, index: int) -> Annotated:
        return Annotated(str(index), (2, 2), self.read(split, index)[1])


KINDS: list[tuple[type[Resplit], type[Any]]] = [
    (ResplitClassification, Labels),
    (ResplitSegmentation, Maps),
    (ResplitDetection, Boxes),
]


@pytest.mark.parametrize(("kind", "data"), KINDS)
def test_every_class_must_be_dealt_out_to_training(kind: type[Resplit], data: type[Any]) -> None:
    """Wherever the one picture of a class lies."""
    for index in range(10):
        dealt = kind(data(**{f"p{index}": 1}), "train", others={"extra": "more"})
        wrong = [] if index in dealt.places["train"] else [SENTENCE]
        assert list(dealt.problems("train")) == wrong
        assert not [*dealt.problems("val"), *dealt.problems("test")]
        assert list(dealt.problems("extra")) == ["wrong with more"]


@pytest.mark.parametrize("name", DATA.names())
def test_all_data_take_more_splits_into_their_fingerprint(name: str) -> None:
    """As what is dealt out asks them to: its pool need be none of the splits that they know."""
    inspect.signature(DATA.get(name).fingerprint).bind(None, "train", ".")


def test_what_is_dealt_out_can_be_dealt_out_again() -> None:
    class Told(Labels):
        def fingerprint(self, *others: str) -> str:
            return f"numbers of {', '.join(others)}"

    dealt = ResplitClassification(Told(), "all", others={"extra": "more"})
    assert dealt.fingerprint("train", "extra").endswith(": numbers of all, more")
    assert ResplitClassification(dealt, "train").fingerprint().endswith(": numbers of all")


def test_classes_that_nobody_has_named_may_be_absent() -> None:
    data = Maps()
    data.named, data.classes = False, ("a", "b", "c")  # as those of a layout
    sentence = "the pictures dealt out to 'train' show fewer than 2 classes: add some, or make the splits yourself"
    dealt = ResplitSegmentation(data, "train")
    assert list(dealt.problems("train")) == [sentence]
    data.others = {dealt.places["train"][-1]: 2}
    assert not list(dealt.problems("train"))


def test_label_maps_dealt_out_without_a_label_are_not_scored() -> None:
    data = Maps()
    dealt = ResplitSegmentation(data, "train", others={"extra": "more"})
    data.others = dict.fromkeys(dealt.places["val"], IGNORE)
    wrong = {split: list(dealt.unscorable(split)) for split in (*SPLITS, "extra")}
    assert wrong.pop("val") == ["split 'val' has no label that counts, all are ignored: label some of its pixels"]
    assert not any(wrong.values())
