"""COCO's instances files: the layouts, what boxes mean, one sentence for everything that can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tasks.detection.coco import CocoDetection

CAT, DOG = {"id": 3, "name": "cat"}, {"id": 8, "name": "dog"}


def picture(path: Path, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 200, 30)).save(path)


def instances(count: int = 2) -> dict[str, Any]:
    """A COCO split: images 100, 101, ... of 40x30 pixels, each with a cat, a dog and a crowd of dogs."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image in range(100, 100 + count):
        images.append({"id": image, "file_name": f"{image}.jpg", "width": 40, "height": 30})
        for category, box, crowd in ((3, [1, 2, 10.5, 20], 0), (8, [30, 0, 10, 5], 0), (8, [0, 0, 40, 30], 1)):
            entry = {"id": len(annotations), "image_id": image, "category_id": category, "bbox": box, "iscrowd": crowd}
            annotations.append({**entry, "area": 7.5} if category == 3 else entry)
    return {"images": images, "annotations": annotations, "categories": [dict(DOG), dict(CAT)]}


def write_coco(annotations: Path, images: Path, record: dict[str, Any]) -> None:
    annotations.parent.mkdir(parents=True, exist_ok=True)
    annotations.write_text(json.dumps(record, indent=0))
    for image in record["images"]:
        picture(images / image["file_name"], image["width"], image["height"])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    for split in ("train", "val"):
        write_coco(tmp_path / f"annotations/{split}.json", tmp_path / "images" / split, instances())
    return tmp_path


def test_coco_boxes_areas_and_crowds(coco: Path) -> None:
    data = CocoDetection(str(coco))
    assert data.classes == ("cat", "dog")
    image, objects = data.read("train", 1)
    assert image.shape == (30, 40, 3)
    assert objects.boxes.tolist() == [[1, 2, 11.5, 22], [30, 0, 40, 5], [0, 0, 40, 30]]
    assert objects.labels.tolist() == [0, 1, 1]
    assert objects.areas.tolist() == [7.5, 50, 1200]
    assert objects.crowd.tolist() == [False, False, True]
    assert not objects.difficult.any()
    assert data.annotated("train", 1).size == (30, 40)
    data.check(["train", "val"])


def test_boxes_without_area_are_left_out_and_counted(coco: Path) -> None:
    record = instances()
    record["annotations"][3]["bbox"] = [5, 5, 0, 3]
    write_coco(coco / "annotations/train.json", coco / "images/train", record)
    data = CocoDetection(str(coco))
    for split, count in (("train", 1), ("val", 0)):
        assert data.summary(split).endswith(f"boxes without area, left out: {count}")
    data.check(["train"])


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        ("annotations/instances_{}2017.json", "{}2017"),
        ("annotations/instances_{}2017.json", "images/{}2017"),
        ("annotations/instances_{}.json", "{}"),
        ("annotations/{}.json", "images/{}"),
        ("annotations/{}.json", "images"),
        ("{}/_annotations.coco.json", "{}"),
        ("labels/my_{}.json", "pictures"),
    ],
)
def test_coco_layouts(tmp_path: Path, annotations: str, images: str) -> None:
    for split in ("train", "val"):
        write_coco(tmp_path / annotations.format(split), tmp_path / images.format(split), instances())
    splits = {s: {"annotations": annotations.format(s), "images": images.format(s)} for s in ("train", "val")}
    data = CocoDetection(str(tmp_path), splits if "my" in annotations else None)
    data.check(["train", "val"])
    assert data.annotated("val", 0).name == f"{images.format('val')}/100.jpg"
    with pytest.raises(
        OSError, match=r"split 'test' .* has no annotations: there is none of annotations/instances_test2017"
    ):
        data.check(["test"])


def test_roboflows_export(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        record = instances()
        record["categories"] = [{"id": 0, "name": "pets", "supercategory": "none"}] + [
            {**category, "supercategory": "pets"} for category in record["categories"]
        ]
        write_coco(tmp_path / split / "_annotations.coco.json", tmp_path / split, record)
    data = CocoDetection(str(tmp_path))
    assert data.classes == ("cat", "dog")
    data.check(["train", "val"])


@pytest.mark.parametrize("empty", [False, True])
def test_roboflows_export_of_one_class_that_is_called_like_its_group(tmp_path: Path, empty: bool) -> None:
    """Also in a split without objects."""
    for split in ("train", "valid"):
        record = instances()
        record["categories"] = [
            {"id": 0, "name": "cat", "supercategory": "none"},
            {"id": 3, "name": "cat", "supercategory": "cat"},
        ]
        record["annotations"] = [entry for entry in record["annotations"] if entry["category_id"] == 3]
        if empty and split == "valid":
            record["annotations"] = []
        write_coco(tmp_path / split / "_annotations.coco.json", tmp_path / split, record)
    data = CocoDetection(str(tmp_path))
    assert data.classes == ("cat",)
    assert [len(data.annotated("train", index).objects.labels) for index in range(2)] == [1, 1]
    data.check(["train", "val"])


def test_marks_and_sizes_as_exporters_write_them(coco: Path) -> None:
    path = coco / "annotations/train.json"
    record = instances()
    for entry, crowd in zip(record["annotations"], (None, False, True, 0.0, 0, 1), strict=True):
        entry["iscrowd"] = crowd
    record["images"][0].update(width=40.0, height=30.0)
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(record).encode())
    data = CocoDetection(str(coco))
    data.check(["train"])
    assert data.annotated("train", 0).size == (30, 40)
    crowds = [data.annotated("train", index).objects.crowd.tolist() for index in range(2)]
    assert crowds == [[False, False, True], [False, False, True]]
    assert data.annotated("train", 0).objects.areas[0] == 7.5, "areas are believed"


def test_a_file_without_the_name_of_a_split_is_not_guessed(coco: Path) -> None:
    """CVAT writes instances_default.json."""
    for split in ("train", "val"):
        (coco / f"annotations/{split}.json").rename(coco / f"annotations/instances_{split}_default.json")
    with pytest.raises(
        OSError, match=r"split 'train' of .* has no annotations: there is none of annotations/instances_"
    ):
        CocoDetection(str(coco))


def test_categories_are_matched_by_name(coco: Path) -> None:
    record = instances()
    record["categories"] = [{"id": 3, "name": "dog"}, {"id": 8, "name": "cat"}]
    write_coco(coco / "annotations/val.json", coco / "images/val", record)
    data = CocoDetection(str(coco))
    assert data.annotated("train", 0).objects.labels.tolist() == [0, 1, 1]
    assert data.annotated("val", 0).objects.labels.tolist() == [1, 0, 0]


def test_a_choice_of_classes(coco: Path) -> None:
    data = CocoDetection(str(coco), classes=["dog"])
    assert data.annotated("train", 0).objects.boxes.tolist() == [[30, 0, 40, 5], [0, 0, 40, 30]]
    assert "2 objects: dog 2; objects of other names, left out: 2; boxes" in data.summary("train")
    data.check(["train", "val"])
    with pytest.raises(ValueError, match=r"class 'dgo' has no object in split 'train'"):
        CocoDetection(str(coco), classes=["dgo"]).check(["train"])
    with pytest.raises(ValueError, match=r"named twice: dog, dog"):
        CocoDetection(str(coco), classes=["dog", "dog"])


def test_annotations_are_kept_and_images_are_not(coco: Path) -> None:
    data = CocoDetection(str(coco))
    assert data.size("train") == 2
    shutil.rmtree(coco / "annotations")
    shutil.rmtree(coco / "images/train")
    assert data.annotated("train", 0).objects.labels.tolist() == [0, 1, 1]
    assert data.annotated("train", 0).size == (30, 40)
    with pytest.raises(ValueError, match=r"images/train/100\.jpg is missing"):
        data.read("train", 0)


def change(**entries: Any) -> Callable[[dict[str, Any]], None]:
    """Change the second annotation."""
    return lambda record: record["annotations"][1].update(entries)


def of_image(**entries: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["images"][1].update(entries)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            change(bbox=[30, 0, 12, 5]),
            r"box \[30, 0, 12, 5\] of annotation 1 \(100\.jpg\) lies 2 pixels outside its .* 40x30",
        ),
        (change(bbox=[30, 0, -3, 5]), r"annotation 1 \(100\.jpg\) has a negative width"),
        (change(bbox=[30, 0, float("nan"), 5]), r"annotation 1 \(100\.jpg\) is not made of finite numbers"),
        (change(bbox=[30, 0, "3", 5]), r"annotation 1 has the box \[30, 0, '3', 5\]: give x, y, width"),
        (change(bbox=[30, 0, 5]), r"annotation 1 has the box \[30, 0, 5\]"),
        (change(area="big"), r"annotation 1 has the area 'big'"),
        (change(category_id=5), r"annotation 1 is of the category 5, which is not in the file"),
        (change(image_id=7), r"annotation 1 is of the image 7, which is not in the file"),
        (change(category_id=[3]), r"annotation 1 is of the category \[3\], which is not in the file"),
        (change(id=0), r"annotation with the id 0 for the second time"),
        (change(id=None), r"annotation with the id None: ids must be whole numbers"),
        (of_image(id=100), r"image with the id 100 for the second time"),
        (of_image(width="40"), r"image 101 has the width '40'"),
        (of_image(height=0), r"image 101 has the height 0"),
        (of_image(width=40.5), r"image 101 has the width 40\.5: give it in whole pixels"),
        (of_image(width=True), r"image 101 has the width True"),
        (of_image(width=10**400), r"image 101 has the width 1000"),
        (of_image(file_name="100.jpg"), r"image 101 has the file of image 100, '100\.jpg': make one of both"),
        (of_image(file_name="./a/../100.jpg"), r"image 101 has the file of image 100"),
        (of_image(file_name="../../../y.jpg"), r"image 101 has the file_name '\.\./.*', which leads out of"),
        (of_image(file_name="/etc/hostname"), r"image 101 has the file_name '/etc/hostname', which leads out of"),
        (of_image(file_name="a\nb.jpg"), r"image 101 has the file_name 'a\\nb\.jpg' has characters that cannot"),
        (of_image(file_name=""), r"images/train is no regular file"),
        (change(iscrowd="0"), r"annotation 1 has the iscrowd '0': make it 0 or 1"),
        (change(iscrowd="false"), r"annotation 1 has the iscrowd 'false'"),
        (change(iscrowd=2), r"annotation 1 has the iscrowd 2"),
        (change(iscrowd=[]), r"annotation 1 has the iscrowd \[\]"),
        (change(difficult="no"), r"annotation 1 has the difficult 'no'"),
        (change(bbox=[10**400, 0, 3, 5]), r"annotation 1 has the box \[1000"),
        (change(bbox=[True, 0, 3, 5]), r"annotation 1 has the box \[True"),
        (change(area=float("nan")), r"annotation 1 has the area nan"),
        (change(id=True), r"annotation with the id True: ids must be whole numbers"),
        (lambda record: record["categories"][0].update(name="Cat"), r"has 'Cat' beside 'cat': name them alike"),
        (of_image(file_name=None), r"image 101 has no file_name"),
        (of_image(width=41), r"101\.jpg is 40x30, its annotations say 41x30"),
        (of_image(file_name="x.jpg"), r"images/train/x\.jpg is missing"),
        (
            lambda record: record["categories"].append({"id": 3, "name": "cow"}),
            r"category with the id 3 for the second",
        ),
        (lambda record: record["categories"].append({"id": 9, "name": "cat"}), r"category 9 has the name 'cat'"),
        (
            lambda record: record["categories"].append({"id": 9, "name": "cow"}),
            r"class 'cow' has no object in split 'train'",
        ),
        (lambda record: record.pop("images"), r"train\.json has no list 'images'"),
        (lambda record: record.update(images=[], annotations=[]), r"split 'train' of .* holds no images"),
        (lambda record: record.update(categories=[], annotations=[]), r"has no classes"),
    ],
)
def test_damage_in_coco_is_named(coco: Path, damage: Callable, sentence: str) -> None:
    path = coco / "annotations/train.json"
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=sentence):
        CocoDetection(str(coco)).check(["train"])


def test_damaged_files_in_coco_are_named(coco: Path) -> None:
    val = coco / "annotations/val.json"
    record = instances()
    record["categories"][0]["name"] = "cow"
    val.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"val\.json: category 8 is 'cow', which split 'train' does not have"):
        CocoDetection(str(coco)).check(["val"])
    CocoDetection(str(coco), classes=["cat"]).check(["val"])
    val.write_text(json.dumps(instances(), indent=0).replace('"id"', "id", 1))
    with pytest.raises(ValueError, match=r"val\.json, line 4: this is not JSON"):
        CocoDetection(str(coco)).check(["val"])
    shutil.rmtree(coco / "images")
    with pytest.raises(ValueError, match=r"train\.json has no folder of images: put them in .*images/train"):
        CocoDetection(str(coco))
    with pytest.raises(ValueError, match=r"split 'train' names \['json'\]: name its `annotations` and its `images`"):
        CocoDetection(str(coco), {"train": {"json": "x"}})
    val.with_name("train.json").unlink()
    with pytest.raises(OSError, match=r"split 'train' of .* has no annotations"):
        CocoDetection(str(coco))
    with pytest.raises(OSError, match="there is no folder"):
        CocoDetection(str(coco / "nowhere"))


def test_coco_annotations_with_80_classes(shared, tmp_path: Path) -> None:
    path = shared("detection_anchors") / "coco_fake100/sampled_gts_bbox_area.json"
    data = CocoDetection(str(tmp_path), {"train": {"annotations": str(path), "images": "."}})
    truth = data.ground_truth("train")
    assert [len(truth[name]) for name in ("images", "annotations", "categories")] == [100, 830, 80]
    given = json.loads(path.read_text())
    assert [entry["name"] for entry in truth["categories"]] == [entry["name"] for entry in given["categories"]]
    assert sum(entry["area"] for entry in truth["annotations"]) == pytest.approx(
        sum(e["area"] for e in given["annotations"])
    )
