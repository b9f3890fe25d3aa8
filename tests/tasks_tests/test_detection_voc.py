"""Pascal VOC's XML files: the layouts, what boxes mean, one sentence for everything that can be wrong."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_voc import marked, picture

from core import build
from tasks.detection.coco import CocoDetection
from tasks.detection.data import Objects
from tasks.detection.voc import VocDetection
from tasks.registry import DATA


def same(one: Objects, other: Objects) -> bool:
    return all(np.array_equal(value, vars(other)[name]) for name, value in vars(one).items())


def test_voc_boxes_are_one_based_and_inclusive(voc: Path) -> None:
    path = voc / "VOC2042/Annotations/a.xml"
    part = "<difficult>1</difficult><part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>"
    path.write_text(marked(("dog", (1, 1, 40, 30)), ("cat", (5.5, 6, 7, 9)), more=part))
    data = VocDetection(str(voc))
    assert data.classes == ("cat", "dog")
    objects = data.read("train", 0)[1]
    assert objects.boxes.tolist() == [[0, 0, 40, 30], [4.5, 5, 7, 9]]
    assert objects.labels.tolist() == [1, 0]
    assert objects.areas.tolist() == [1200, 10]
    assert objects.difficult.tolist() == [True, True]
    assert not VocDetection(str(voc)).annotated("train", 1).objects.difficult.any()
    plain = VocDetection(str(voc), one_based=False).annotated("train", 0).objects
    assert plain.boxes.tolist() == [[1, 1, 40, 30], [5.5, 6, 7, 9]]
    data.check(["train", "val"])


def test_boxes_without_area_are_left_out_and_counted(voc: Path) -> None:
    objects = (("dog", (4, 4, 4, 9)), ("cat", (9, 9, 9, 9)), ("cat", (1, 1, 2, 2)))
    (voc / "VOC2042/Annotations/a.xml").write_text(marked(*objects))
    data = VocDetection(str(voc))
    assert data.summary("train").endswith("boxes without area, left out: 2")
    assert data.annotated("train", 0).objects.boxes.tolist() == [[0, 0, 2, 2]]
    data.check(["train"])


def test_ground_truth_is_a_coco_file(voc: Path) -> None:
    (voc / "VOC2042/Annotations/b.xml").write_text(marked(more=""))
    (voc / "VOC2042/Annotations/a.xml").write_text(
        marked(("dog", (1, 1, 40, 30)), ("dog", (3, 4, 9, 9)), ("cat", (1, 2, 7, 9)), more="<difficult>1</difficult>")
    )
    data = VocDetection(str(voc))
    truth = data.ground_truth("train")
    assert truth["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    assert truth["images"][1] == {"id": 1, "width": 40, "height": 30, "file_name": "VOC2042/JPEGImages/b.jpg"}
    assert [entry["id"] for entry in truth["annotations"]] == [1, 2, 3]
    first = {"image_id": 0, "category_id": 2, "bbox": [0, 0, 40, 30], "area": 1200, "iscrowd": 0, "difficult": 1}
    assert truth["annotations"][0] == {"id": 1, **first}
    (voc / "truth.json").write_text(json.dumps(truth))
    again = CocoDetection(str(voc), {"train": {"annotations": "truth.json", "images": "."}})
    for index in range(2):
        assert same(again.annotated("train", index).objects, data.annotated("train", index).objects)
    assert again.annotated("train", 1).objects.boxes.shape == (0, 4)
    again.check(["train"])
    assert again.ground_truth("train") == truth


def test_voc_takes_classes_from_the_caller_a_file_or_the_training_split(voc: Path) -> None:
    assert VocDetection(str(voc), classes=["dog"]).annotated("val", 0).objects.labels.tolist() == [0]
    with pytest.raises(ValueError, match="has no classes"):
        VocDetection(str(voc), classes=[])
    (voc / "classes.txt").write_text("mouse\ndog\ncat\n")
    data = VocDetection(str(voc))
    assert data.classes == ("mouse", "dog", "cat")
    assert data.annotated("val", 0).objects.labels.tolist() == [1, 2]
    with pytest.raises(ValueError, match="class 'mouse' has no object in split 'train'"):
        data.check(["train"])


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".PNG", ".bmp"])
def test_xml_files_beside_their_images(tmp_path: Path, suffix: str) -> None:
    for split in ("train", "valid"):
        picture(tmp_path / split / f"x_jpg.rf.12{suffix}")
        (tmp_path / split / "x_jpg.rf.12.xml").write_text(marked(("cat", (1, 1, 9, 9))))
        (tmp_path / split / "README.txt").write_text("not an image")
    data = VocDetection(str(tmp_path))
    data.check(["train", "val"])
    assert data.read("val", 0)[0].shape == (30, 40, 3)
    assert data.annotated("val", 0).name == f"valid/x_jpg.rf.12{suffix}"


def test_voc_splits_by_other_names(voc: Path) -> None:
    (voc / "VOC2042/ImageSets/Main/trainval.txt").write_text("c\n\na\nb\n")
    data = VocDetection(str(voc), splits={"train": "trainval"})
    assert [data.annotated("train", index).name[-5] for index in range(data.size("train"))] == ["c", "a", "b"]
    with pytest.raises(OSError, match=r"split 'test' .* none of VOC2042/ImageSets/Main/test\.txt, test/\*\.xml"):
        data.check(["test"])
    (voc / "VOC2007/ImageSets/Main").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"holds several data sets \(VOC2007, VOC2042\)"):
        VocDetection(str(voc))


def test_configs_name_the_data(voc: Path) -> None:
    config = {"type": "VocDetection", "root": str(voc)}
    whole, subset = build(DATA, config), build(DATA, {"type": "StratifiedSubset", "data": config, "images": 1})
    assert (whole.size("train"), subset.size("train"), subset.size("val")) == (2, 1, 1)
    assert same(subset.annotated("train", 0).objects, whole.annotated("train", int(subset.indices["train"][0])).objects)
    subset.check(["train", "val"])
    (voc / "VOC2042/JPEGImages/c.jpg").unlink()
    with pytest.raises(ValueError, match=r"c\.jpg is missing"):
        subset.check(["val"])


def test_the_fingerprint_follows_all_that_is_read(voc: Path) -> None:
    def fingerprint(**options: Any) -> str:
        return VocDetection(str(voc), **options).fingerprint()

    prints = [
        fingerprint(),
        fingerprint(one_based=False),
        fingerprint(classes=["dog"]),
        fingerprint(classes=["dog", "cat"]),
    ]
    assert fingerprint() == prints[0]
    picture(voc / "VOC2042/JPEGImages/c.jpg", 40, 31)
    prints.append(fingerprint())
    (voc / "VOC2042/Annotations/c.xml").write_text(marked(("dog", (1, 1, 40, 29)), ("cat", (5, 6, 7, 9))))
    prints.append(fingerprint())
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            marked(("dog", (1, 1, 9, 9)), ("cat", (1, 1, 52, 9))),
            r"b\.xml, line 4: .* of 'cat' lies 12 pixels outside .* 40x30",
        ),
        (
            marked(("dog", (9, 1, 5, 9))),
            r"b\.xml, line 3: the box \[9.0, 1.0, 5.0, 9.0\] of 'dog' has a negative width",
        ),
        (marked(("dog", (9, 1, "wide", 9))), r"b\.xml, line 3: the box is \['9', '1', 'wide', '9'\]: give xmin"),
        (marked(("dog", (9, 1, "inf", 9))), r"b\.xml, line 3: .* is not made of finite numbers"),
        (marked(("cow", (1, 1, 9, 9))), r"b\.xml, line 3: 'cow' is none of the 2 classes"),
        (marked(("dog", (1, 1, 9, 9)), more="<difficult>no</difficult>"), r"line 3: difficult is 'no': make it 0 or 1"),
        (marked(width=39), r"b\.jpg is 40x30, its annotations say 39x30"),
        (marked(height=-30), r"b\.xml has no size \(height and width are \['-30', '40'\]\)"),
        ("<annotation>\n</annotation>", r"b\.xml has no size \(height and width are \[None, None\]\)"),
        (marked().replace("</size>", ""), r"b\.xml, line 3: this is not XML \(mismatched tag\)"),
        ("", r"b\.xml, line 1: this is not XML \(no element found\)"),
        (None, r"b\.xml is missing"),
    ],
)
def test_damage_in_voc_is_named(voc: Path, text: str | None, sentence: str) -> None:
    path = voc / "VOC2042/Annotations/b.xml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    data = VocDetection(str(voc), splits={"train": "val", "other": "train"})
    with pytest.raises(ValueError, match=sentence):
        data.check(["other"])
    if text != marked(width=39):  # then nobody gets what is there of it
        with pytest.raises(ValueError, match=sentence):
            data.annotated("other", 0)


def broken_image(root: Path) -> None:
    path = root / "JPEGImages/b.jpg"
    path.write_bytes(path.read_bytes()[:200])


def no_image(root: Path) -> None:
    (root / "JPEGImages/b.jpg").unlink()


def two_images(root: Path) -> None:
    picture(root / "JPEGImages/b.png")


def no_images(root: Path) -> None:
    shutil.rmtree(root / "JPEGImages")


def listed_twice(root: Path) -> None:
    (root / "ImageSets/Main/train.txt").write_text("a\nb\na\n")


def empty_split(root: Path) -> None:
    (root / "ImageSets/Main/train.txt").write_text("\n")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (broken_image, r"b\.jpg cannot be decoded"),
        (no_image, r"JPEGImages/b\.jpg is missing"),
        (two_images, r"b\.png has the name of b\.jpg"),
        (no_images, r"there is no folder .*JPEGImages"),
        (listed_twice, r"train\.txt names 'a' 2 times"),
        (empty_split, r"split 'train' of .* holds no images"),
    ],
)
def test_damaged_files_in_voc_are_named(voc: Path, damage: Callable[[Path], None], sentence: str) -> None:
    damage(voc / "VOC2042")
    with pytest.raises(ValueError, match=sentence):
        VocDetection(str(voc), classes=["cat", "dog"]).check(["train"])


def test_every_problem_is_told(voc: Path) -> None:
    at = voc / "VOC2042/Annotations"
    (at / "a.xml").write_text(marked(("dog", (1, 1, 90, 9)), ("cat", (1, 1, 9, 9)), ("cat", (9, 1, 5, 9))))
    (at / "b.xml").write_text("<annotation>")
    picture(voc / "VOC2042/JPEGImages/a.jpg", 20, 20)
    assert len(list(VocDetection(str(voc)).problems("train"))) == 4
    assert not list(VocDetection(str(voc), classes=["cat", "dog"]).problems("val"))


def test_bccd(shared) -> None:
    data = VocDetection(str(shared("bccd")))
    splits = ("train", "val", "test")
    data.check(splits)
    assert [data.size(split) for split in splits] == [205, 87, 72]
    assert [data.summary(split)[-1] for split in splits] == ["1", "1", "0"]  # boxes without area
    labels = [entry["category_id"] for split in splits for entry in data.ground_truth(split)["annotations"]]
    counts = {name: labels.count(index + 1) for index, name in enumerate(data.classes)}
    assert counts == {"Platelets": 361, "RBC": 4155 - 2, "WBC": 372}  # of the 4888 boxes two have no area


def test_voc_and_coco_annotations_of_the_same_images(shared, tmp_path: Path) -> None:
    """100 images of VOC 2012, as XML and as two exporters' JSON, which took the corners as they are."""
    anchors = shared("detection_anchors") / "voc100/gts"
    (tmp_path / "train").mkdir()
    for path in sorted((anchors / "pascalvoc_format").iterdir()):
        size = ET.parse(path).find("size")
        assert size is not None
        picture(tmp_path / f"train/{path.stem}.jpg", int(size.findtext("width", "")), int(size.findtext("height", "")))
        shutil.copy(path, tmp_path / "train")
    data = VocDetection(str(tmp_path), one_based=False)
    data.check(["train"])
    annotations = data.ground_truth("train")["annotations"]
    assert (data.size("train"), len(annotations), sum(e["difficult"] for e in annotations)) == (100, 273, 38)
    for name in ("coco_format_v1/instances_default.json", "coco_format_v2/instances_v2.json"):
        other = CocoDetection(str(tmp_path), {"train": {"annotations": str(anchors / name), "images": "train"}})
        other.check(["train"])
        index_of = {other.annotated("train", index).name: index for index in range(100)}
        for index in range(100):
            found = []
            for one, at in ((data, index), (other, index_of[data.annotated("train", index).name])):
                objects = one.annotated("train", at).objects
                found.append(
                    sorted(
                        (one.classes[k], *box) for k, box in zip(objects.labels, objects.boxes.tolist(), strict=True)
                    )
                )
            assert found[0] == found[1]
