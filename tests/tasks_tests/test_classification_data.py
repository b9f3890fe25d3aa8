"""Images in folders of their classes, and CIFAR's binary files: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks.classification.cifar import CifarClassification
from tasks.classification.folders import FolderClassification, recognise
from tasks.data import POOLS
from tasks.registry import DATA

TEN, HUNDRED = (1, "data_batch_{}.bin", "test_batch.bin"), (2, "train.bin", "test.bin")


def pictures(root: Path, **counts: int) -> None:
    """So many random pictures of 9x8 pixels in the folder of each class."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            seed = [*str(root / name).encode(), index]
            pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{index}.png")


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    root = tmp_path / "animals"
    for split, counts in (("train", dict(cat=4, dog=6)), ("valid", dict(cat=2, dog=1)), ("test", dict(dog=3))):
        pictures(root / split, **counts)
    return root


def records(path: Path, labels: list[int], width: int = 1, seed: int = 0) -> np.ndarray:
    """Write records of `width` bytes of labels, of which the last counts, and of random pixels, which are returned."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    known = np.repeat(np.array(labels, np.uint8)[:, None], width, 1)
    known[:, : width - 1] = 200  # the superclass, which is not read
    np.concatenate([known, pixels], 1).tofile(path)
    return pixels


def wrong(data: Any, split: str) -> str:
    return " | ".join(data.problems(split))


def test_folders_are_classes(animals: Path) -> None:
    data = FolderClassification(str(animals))
    assert data.classes == ("cat", "dog")
    assert [data.size(split) for split in ("train", "val", "test")] == [10, 3, 3]
    image, label = data.read("train", 4)
    assert (image == np.asarray(Image.open(animals / "train/dog/0.png"))).all()
    assert label == 1
    data.check(["train", "val", "test"], ["val", "test"])
    assert data.summary("train") == "10 images; 2 classes of 4 (cat) to 6 (dog)"
    assert len({print for print, _ in data.pictures("train")}) == 10
    assert type(recognise(animals)) is FolderClassification


def test_named_classes_have_the_order_of_the_names(animals: Path) -> None:
    data = FolderClassification(str(animals), ["dog", "cat"])
    assert data.read("train", 0)[1] == 1  # a cat
    assert data.fingerprint() != FolderClassification(str(animals)).fingerprint()
    assert data.fingerprint() == FolderClassification(str(animals), ["dog", "cat"]).fingerprint()


def test_a_moved_image_is_other_data(animals: Path) -> None:
    before = FolderClassification(str(animals)).fingerprint()
    (animals / "train/cat/3.png").rename(animals / "train/dog/9.png")
    assert FolderClassification(str(animals)).fingerprint() != before


def test_folders_without_splits_are_dealt_out(tmp_path: Path) -> None:
    pictures(tmp_path, cat=5, dog=5)
    config = dict(type="ResplitClassification", data=dict(type="FolderClassification", root=str(tmp_path)), pool=".")
    data: Any = build(DATA, config)
    assert data.classes == ("cat", "dog")
    assert [data.size(split) for split in ("train", "val", "test")] == [6, 2, 2]
    assert data.read("test", 0)[0].shape == (8, 9, 3)


def test_what_is_wrong_with_folders_is_said(animals: Path) -> None:
    pictures(animals / "test", cow=1)
    (animals / "valid/cat/0.png").write_text("x")
    (animals / "train/bird").mkdir()
    data = FolderClassification(str(animals))
    assert "test/cow is none of the 3 classes: rename it" in wrong(data, "test")
    assert "valid/cat/0.png cannot be decoded" in wrong(data, "val")
    assert wrong(data, "train") == "class 'bird' has no image in split 'train': add some, or leave it out"
    Image.new("RGB", (4, 4)).save(animals / "train/loose.png")
    assert "train/loose.png is in no class: move it" in wrong(FolderClassification(str(animals)), "train")
    one = FolderClassification(str(animals), ["cat"])
    assert "train/bird is none of the 1 classes" in wrong(one, "train")


@pytest.mark.parametrize("split", POOLS)
def test_one_class_is_nothing_to_tell_apart(tmp_path: Path, split: str) -> None:
    pictures(tmp_path / split, cat=2)
    sentence = f"split {split!r} has images of one class, 'cat': there is nothing to tell apart"
    assert wrong(FolderClassification(str(tmp_path)), split) == sentence
    (tmp_path / split / "dog").mkdir()
    sentence = f"class 'dog' has no image in split {split!r}: add some, or leave it out"
    assert wrong(FolderClassification(str(tmp_path)), split) == sentence


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "has no folder of a class: put images into train/<class>"),
        (["val", "test"], "has no folder of a class"),
        (["cat", "Cat"], "has 'Cat' beside 'cat'"),
        (["a\nb", "c"], "characters that cannot be shown"),
    ],
)
def test_folders_that_are_no_classes_are_refused(tmp_path: Path, names: list[str], sentence: str) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=sentence):
        FolderClassification(str(tmp_path))


@pytest.mark.parametrize(("classes", "layout"), [(10, TEN), (100, HUNDRED)])
def test_cifar(tmp_path: Path, classes: int, layout: tuple[int, str, str]) -> None:
    width, train, test = layout
    place = tmp_path / ("cifar-10-batches-bin" if classes == 10 else "cifar-100-binary")
    place.mkdir()
    labels = list(range(classes))
    pixels = records(place / train.format(1), labels, width)
    if classes == 10:
        pixels = np.concatenate([pixels, records(place / train.format(2), labels, width, seed=2)])
    records(place / test, [3, 1], width, seed=1)
    for root in (tmp_path, place):
        data: Any = recognise(root)
        assert type(data) is CifarClassification
        assert [data.size("train"), data.size("test")] == [len(pixels), 2]
        assert data.classes[3] == "3"
        image, label = data.read("train", len(pixels) - 1)
        assert (image[5, 7] == pixels[-1].reshape(3, 32, 32)[:, 5, 7]).all()
        assert label == classes - 1
        assert [data.read("test", index)[1] for index in range(2)] == [3, 1]
        data.check(["train", "test"], ["test"])
    with pytest.raises(FileNotFoundError, match="for the split 'val'"):
        data.size("val")
    dealt: Any = build(
        DATA,
        dict(
            type="ResplitClassification",
            data=dict(type="CifarClassification", root=str(tmp_path)),
            pool="train",
            shares={"train": 0.9, "val": 0.1},
        ),
    )
    assert dealt.size("train") + dealt.size("val") == len(pixels)
    assert dealt.size("test") == 2


def test_cifars_names_are_those_of_its_list(tmp_path: Path) -> None:
    records(tmp_path / "data_batch_1.bin", list(range(10)))
    (tmp_path / "batches.meta.txt").write_text("\n".join(f"kind {k}" for k in range(10)) + "\n\n")
    assert CifarClassification(str(tmp_path)).classes[9] == "kind 9"
    (tmp_path / "batches.meta.txt").write_text("one\ntwo\n")
    with pytest.raises(ValueError, match="has 2 names, not 10"):
        CifarClassification(str(tmp_path))


def test_what_is_wrong_with_cifar_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has neither data_batch_\*.bin nor train.bin: use the binary version"):
        CifarClassification(str(tmp_path))
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02]q\x01.")
    with pytest.raises(ValueError, match="data_batch_1 is a pickle, which may hold code and is never opened"):
        CifarClassification(str(tmp_path))
    records(tmp_path / "data_batch_1.bin", list(range(10)))
    whole = (tmp_path / "data_batch_1.bin").read_bytes()
    (tmp_path / "data_batch_1.bin").write_bytes(whole[:-1])
    assert "data_batch_1.bin has 30729 bytes, which are no records of 3073" in wrong(
        CifarClassification(str(tmp_path)), "train"
    )
    (tmp_path / "data_batch_1.bin").write_bytes(whole + whole[:3073].replace(b"\0", b"\x0b", 1))
    assert "record 10 has the label 11, there are 10 classes" in wrong(CifarClassification(str(tmp_path)), "train")
    (tmp_path / "data_batch_1.bin").write_bytes(whole[: 5 * 3073])
    assert "class '5' has no image in split 'train'" in wrong(CifarClassification(str(tmp_path)), "train")
