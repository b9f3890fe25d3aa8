"""Joints in folders: COCO's keypoints and MPII's JSON, what is read, and one sentence for what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks.keypoints import skeletons
from tasks.keypoints.coco import CocoKeypoints
from tasks.keypoints.folders import recognise
from tasks.keypoints.mpii import MpiiKeypoints
from tasks.registry import DATA

NAMES = ["nose", "left_eye", "right_eye", "tail"]
Record = Any


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)


def persons(seed: int = 0) -> Record:
    """COCO's keypoints of two images: two persons in the first one, beside one without joints; one and a crowd in the other."""
    category = {"id": 1, "name": "cat", "keypoints": NAMES, "skeleton": [[1, 2], [1, 3]]}
    record: Record = {"images": [], "annotations": [], "categories": [{"id": 7, "name": "cats"}, category]}
    for image in (5, 6):
        record["images"].append({"id": image, "file_name": f"{image}.png", "width": 40, "height": 30})
    for number, (image, joints, crowd) in enumerate(
        (
            (6, [1, 2, 2, 3, 4, 1, 0, 0, 0, 10, 12, 2], 0),
            (5, [5, 6, 2] * 4, 0),
            (5, [0, 0, 0] * 4, 0),
            (5, [9, 9, 1] + [0, 0, 0] * 3, 0),
            (6, [0, 0, 0] * 4, 1),
        ),
        start=seed,
    ):
        entry = {"id": number, "image_id": image, "category_id": 1, "keypoints": joints, "iscrowd": crowd}
        record["annotations"].append({**entry, "bbox": [0, 1, 20, 16], "area": 100 + number})
    return record


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    for number, split in enumerate(("train", "val")):
        for image in (5, 6):
            picture(tmp_path / f"{split}2017/{image}.png", 10 * number + image)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / f"annotations/person_keypoints_{split}2017.json").write_text(json.dumps(persons()))
    return tmp_path


def entries() -> Record:
    joints = [[10.0 + k, 5.0 + k] for k in range(16)]
    seen = [1] * 15 + [0]
    whole = {"image": "a.png", "joints": joints, "joints_vis": seen, "center": [21.0, 16.0], "scale": 0.1}
    return [{**whole, "head_box": [11, 4, 14, 8]}, {**whole, "image": "b.png", "head_box": None}]


@pytest.fixture
def mpii(tmp_path: Path) -> Path:
    for seed, name in enumerate("abcd"):
        picture(tmp_path / f"images/{name}.png", seed)
    (tmp_path / "annot").mkdir()
    (tmp_path / "annot/train.json").write_text(json.dumps(entries()))
    scored = [{**entries()[0], "image": f"{name}.png"} for name in "cd"]
    (tmp_path / "annot/valid.json").write_text(json.dumps(scored))
    return tmp_path


def test_images_may_lie_anywhere_and_have_numbers(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away") / "train"
    (coco / "train2017").rename(away)
    path = "annotations/person_keypoints_train2017.json"
    CocoKeypoints(str(coco), {"train": {"annotations": path, "images": str(away)}}).check(["train"])
    (coco / path).write_text((coco / path).read_text().replace('"image_id": 5', '"image_id": true', 1))
    with pytest.raises(ValueError, match="is of the image True, which is not in the file"):
        CocoKeypoints(str(coco), {"train": {"annotations": path, "images": str(away)}}).check(["train"])


def test_coco_persons_by_images(coco: Path) -> None:
    data = recognise(coco)
    assert isinstance(data, CocoKeypoints)
    assert data.skeleton.joints == tuple(NAMES)
    assert data.skeleton.limbs == ((0, 1), (0, 2))
    assert data.skeleton.mirrored.tolist() == [0, 2, 1, 3]
    assert data.skeleton.sigmas == (0.026, 0.025, 0.025, 0.067)
    assert [data.person("train", index).name for index in range(data.size("train"))] == [
        *("train2017/5.png", "train2017/5.png", "train2017/6.png")
    ]
    image, person = data.read("train", 2)
    assert image.shape == (30, 40, 3)
    assert person.joints.tolist() == [[1, 2, 2], [3, 4, 1], [0, 0, 0], [10, 12, 2]]
    assert (person.box, person.area, person.labelled) == ((0, 1, 20, 16), 100, 3)
    assert [(one.name, one.crowd) for one in data.ignored("val")] == [("val2017/5.png", False), ("val2017/6.png", True)]
    assert data.shape("train", 2) == (20, 25)
    data.check(["train", "val"], ["val"])
    assert data.summary("val") == (
        "3 persons in 2 images, 2.7 of 4 joints labelled on average; pairs of left and right: 1; "
        "persons without joints and crowds, left out: 2"
    )


def test_coco_s_dictionary_goes_round(coco: Path) -> None:
    truth = CocoKeypoints(str(coco)).ground_truth("val")
    assert [image["file_name"] for image in truth["images"]] == ["val2017/5.png", "val2017/6.png"]
    assert [one["num_keypoints"] for one in truth["annotations"]] == [4, 1, 3, 0, 0]
    assert [one["iscrowd"] for one in truth["annotations"]] == [0, 0, 0, 0, 1]
    assert [one["image_id"] for one in truth["annotations"]] == [0, 0, 1, 0, 1]


def test_own_sigmas_and_areas(coco: Path) -> None:
    record = persons()
    record["annotations"][1].pop("area")
    record["annotations"][3]["area"] = 0
    (coco / "annotations/person_keypoints_train2017.json").write_text(json.dumps(record))
    data = CocoKeypoints(str(coco), sigmas=[0.1, 0.2, 0.2, 0.3])
    assert data.skeleton.sigmas == (0.1, 0.2, 0.2, 0.3)
    assert [data.person("train", index).area for index in range(2)] == [320, 320]
    assert data.fingerprint() != CocoKeypoints(str(coco)).fingerprint()
    with pytest.raises(ValueError, match="sigmas must be 4 positive numbers"):
        CocoKeypoints(str(coco), sigmas=[0.1, 0.2])


def test_who_is_left_out_is_part_of_the_data(coco: Path) -> None:
    """Persons without joints may be found, so that AP depends on them."""
    before, record = CocoKeypoints(str(coco)).fingerprint(), persons()
    del record["annotations"][2]
    (coco / "annotations/person_keypoints_val2017.json").write_text(json.dumps(record))
    assert CocoKeypoints(str(coco)).fingerprint() != before


def test_images_without_splits_are_dealt_out_with_all_their_persons(coco: Path) -> None:
    picture(coco / "train2017/8.png", 8)
    record = persons()
    record["images"].append({"id": 8, "file_name": "8.png", "width": 40, "height": 30})
    record["annotations"].append({**record["annotations"][0], "id": 99, "image_id": 8})
    (coco / "annotations/person_keypoints_train2017.json").write_text(json.dumps(record))
    inner = dict(type="CocoKeypoints", root=str(coco))
    data: Any = build(DATA, dict(type="ResplitKeypoints", data=inner, pool="train"))
    names = [{data.person(split, k).name for k in range(data.size(split))} for split in ("train", "val", "test")]
    assert sum(map(len, names)) == len(set.union(*names)) == 3
    assert sum(len(data.ignored(split)) for split in ("train", "val", "test")) == 2
    assert (data.areas, data.heads, data.skeleton.joints) == (True, False, tuple(NAMES))


def test_mpii_counts_from_one(mpii: Path) -> None:
    data = recognise(mpii)
    assert isinstance(data, MpiiKeypoints)
    image, person = data.read("train", 0)
    assert image.shape == (30, 40, 3)
    assert person.joints[0].tolist() == [9, 4, 2]
    assert person.joints[15, 2] == 0
    assert person.box == (20.5 - 10, 15.5 + 1.5 - 10, 20, 20)
    assert person.head == pytest.approx(0.6 * 5)
    data.check(["train", "val"], ["val"])
    with pytest.raises(
        ValueError, match=r"person 1 of split 'train' \(images/b.png\) has no head_box, which PCKh needs"
    ):
        data.check([], ["train"])


def test_the_scores_of_mpii_leave_out_pelvis_and_thorax(mpii: Path) -> None:
    from tasks.keypoints.metrics import scores

    data = MpiiKeypoints(str(mpii))
    found = np.stack([data.person("val", index).joints for index in range(2)])
    found[:, 6:8, 0] += 100
    found[0, 0, 0] += 2  # more than half a head
    found[0, 1, 0] += 1  # more than a tenth
    assert scores(data, "val", found) == {"PCKh": pytest.approx(100 * 25 / 26), "PCKh10": pytest.approx(100 * 24 / 26)}


def change(key: str, value: Any) -> Callable[[Record], None]:
    def changed(record: Record) -> None:
        record["annotations"][0][key] = value

    return changed


def category(**settings: Any) -> Callable[[Record], None]:
    return lambda record: record["categories"][1].update(settings)


COCO = [
    (change("keypoints", [1, 2, 2]), "annotation 0 does not have keypoints of 4 x, y and v"),
    (change("keypoints", ["x"] * 12), "annotation 0 does not have keypoints of 4 x, y and v"),
    (change("keypoints", [math.nan] * 12), "annotation 0 does not have keypoints of 4 x, y and v"),
    (change("keypoints", None), "annotation 0 does not have keypoints of 4 x, y and v"),
    (change("keypoints", [1, 2, 3] * 4), "annotation 0 has keypoints with a v other than 0, 1 and 2"),
    (change("keypoints", [90, 2, 2] * 4), r"6.png has a nose at \(90, 2\), far outside of its 40x30 pixels"),
    (change("bbox", [1, 2]), r"annotation 0 has the box \[1, 2\]: give x, y, width and height"),
    (change("bbox", [5, 5, 0, 5]), "annotation 0 has joints, but a box .* without area"),
    (change("bbox", [0, 0, 90, 5]), "annotation 0: the box .* lies 50 pixels outside its image"),
    (change("bbox", [0.2, 0.2, 0.3, 0.3]), "6.png has a person in a box of 0.3x0.3 pixels: is this another unit"),
    (change("bbox", [35, 25, 4, 4]), r"6.png has a person whose box \(35, 25, 4, 4\) is not around a joint"),
    (change("category_id", "1"), "annotation 0 is of the category '1', which is not in the file"),
    (change("category_id", 99), "annotation 0 is of the category 99, which is not in the file"),
    (category(id=7), "a category with the id 7 for the second time"),
    (category(id="1"), "a category with the id '1': ids must be whole numbers"),
    (change("area", "big"), "annotation 0 has the area 'big'"),
    (change("iscrowd", "no"), "annotation 0 has the iscrowd 'no'"),
    (change("image_id", 4), "annotation 0 is of the image 4, which is not in the file"),
    (change("image_id", []), r"annotation 0 is of the image \[\], which is not in the file"),
    (change("id", 1), "an annotation with the id 1 for the second time"),
    (category(keypoints=[]), "has 0 categories with keypoints"),
    (category(keypoints=["a", "a", "b", "c"]), "are named twice"),
    (category(keypoints={"a": 1}), "give a list of names"),
    (category(skeleton=[[0, 1]]), "a skeleton that is no list of pairs from 1 to 4"),
    (lambda record: record["images"][0].update(file_name="../../x.png"), "leads out of"),
    (lambda record: record["images"][0].update(width=50), "is 40x30, its annotations say 50x30"),
]


@pytest.mark.parametrize(("spoil", "sentence"), COCO)
def test_what_is_wrong_in_coco_is_said(coco: Path, spoil: Callable[[Record], Any], sentence: str) -> None:
    record = persons()
    spoil(record)
    (coco / "annotations/person_keypoints_train2017.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=sentence) as caught:
        CocoKeypoints(str(coco)).check(["train"])
    assert "\n" not in str(caught.value)


def test_other_joints_in_another_split(coco: Path) -> None:
    record = persons()
    record["categories"][1]["keypoints"] = NAMES[::-1]
    (coco / "annotations/person_keypoints_val2017.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=rf"val2017\.json has other joints than {', '.join(NAMES)}"):
        CocoKeypoints(str(coco)).check(["val"])


def test_joints_may_be_named_before_a_file_is_read(coco: Path, tmp_path: Path) -> None:
    known = CocoKeypoints(str(coco), joints=NAMES)
    known.check(["train", "val"])
    assert known.skeleton.joints == CocoKeypoints(str(coco)).skeleton.joints
    nowhere = CocoKeypoints(str(tmp_path), joints=skeletons.COCO.joints)
    assert (nowhere.skeleton, len(nowhere.skeleton.limbs)) == (skeletons.COCO, 19)
    with pytest.raises(ValueError, match=r"train2017\.json has other joints than nose, left_eye, "):
        nowhere.check(["train"])


MPII = [
    ({"image": None}, "person 1 names no image"),
    ({"image": "x.png"}, "x.png is missing"),
    ({"image": "/etc/x.png"}, "leads out of"),
    ({"joints": [[1, 2]] * 15}, "person 1 has joints other than 16 of x and y"),
    ({"joints": [[1, math.nan]] * 16}, "person 1 has joints other than 16 of x and y"),
    ({"joints_vis": [2] * 16}, "person 1 has other joints_vis than 16 of 0 and 1"),
    ({"center": [1]}, r"person 1 has the center \[1\]"),
    ({"scale": 0}, "and the scale 0"),
    ({"scale": 1e-300}, "a.png has a person in a box of 2e-298x2e-298 pixels: is this another unit"),
    ({"scale": 30}, "a.png has a person in a box of 6000x6000 pixels: is this another unit"),
    ({"center": [6000, 50]}, "a.png has a person whose box .* is not around a joint"),
    ({"head_box": [5, 5, 4, 9]}, r"person 1 has the head_box \[5, 5, 4, 9\]"),
]


@pytest.mark.parametrize(("settings", "sentence"), MPII)
def test_what_is_wrong_in_mpii_is_said(mpii: Path, settings: dict[str, Any], sentence: str) -> None:
    first, second = entries()
    (mpii / "annot/train.json").write_text(json.dumps([{**first, **settings}, second]))
    with pytest.raises(ValueError, match=sentence) as caught:
        MpiiKeypoints(str(mpii)).check(["train"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"), [("{}", "no list of persons"), ("[", "is not JSON"), ("[1]", "no image")]
)
def test_files_that_are_none(mpii: Path, text: str, sentence: str) -> None:
    (mpii / "annot/train.json").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        MpiiKeypoints(str(mpii)).check(["train"])


def test_a_folder_without_joints(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has annotations of joints neither as COCO's nor as MPII's"):
        recognise(tmp_path)


def test_check_data_reads_joints(tool: Any, coco: Path) -> None:
    done = tool("check_data", "keypoints", coco)
    assert done.returncode == 0, done.stderr
    assert "train: 3 persons in 2 images" in done.stdout
    (coco / "train2017/6.png").write_bytes(b"no picture")
    done = tool("check_data", "keypoints", coco)
    assert done.returncode == 2
    assert "6.png cannot be decoded" in done.stdout
