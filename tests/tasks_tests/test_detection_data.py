"""Detection data: what boxes mean, the embedded scenes, and smaller data sets that keep the shares of their classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks import scenes
from tasks.detection.coco import CocoDetection
from tasks.detection.data import DetectionData, ScenesDetection
from tasks.detection.folders import fit_box
from tasks.detection.subset import StratifiedSubset, stratified
from tasks.registry import DATA


def test_scenes() -> None:
    data = ScenesDetection()
    data.check(["val"])
    image, objects = data.read("val", 3)
    scene = scenes.scenes("val")[3]
    assert np.array_equal(image, scene.image)
    assert (objects.boxes.dtype, objects.labels.dtype) == (np.float64, np.int64)
    for (x1, y1, x2, y2), label in zip(objects.boxes.astype(int), objects.labels, strict=True):
        assert data.classes[label] == scenes.CLASSES[label + 1]
        shape = scene.mask[y1:y2, x1:x2] == label + 1
        assert all(side.any() for side in (shape[0], shape[-1], shape[:, 0], shape[:, -1])), "the box is tight"
    assert data.annotated("val", 3).size == image.shape[:2]
    with pytest.raises(ValueError, match="no split 'dev'"):
        data.check(["dev"])


@pytest.mark.parametrize(
    ("box", "first", "fitted"),
    [
        ((0, 0, 40, 30), 0, (0, 0, 40, 30)),
        ((-1, -0.5, 41, 31), 0, (0, 0, 40, 30)),  # a pixel of rounding
        ((0, 0, 40, 30), 1, (0, 0, 40, 30)),  # 0-based corners in a 1-based file
        ((1, 1, 40, 30), 1, (0, 0, 40, 30)),
        ((7, 3, 7, 3), 1, None),
        ((7, 3, 7, 9), 0, None),
        ((40, 3, 41, 9), 0, None),  # nothing is left of it
    ],
)
def test_boxes_are_fitted(box, first: float, fitted) -> None:
    assert fit_box(box, (30, 40), "it", first) == fitted


@pytest.mark.parametrize("box", [(0, 0, 41.5, 30), (0, 0, 40, 32), (-2, 0, 40, 30), (0, -1.1, 40, 30), (9, 3, 8, 9)])
def test_boxes_are_refused(box) -> None:
    with pytest.raises(ValueError, match=r"pixels outside its image of 40x30|negative"):
        fit_box(box, (30, 40), "it")


def shares(data: DetectionData) -> np.ndarray:
    """(classes,): how many objects of each class the training split has."""
    labels = [data.annotated("train", index).objects.labels for index in range(data.size("train"))]
    return np.bincount(np.concatenate(labels), minlength=len(data.classes))


def test_a_subset_keeps_the_shares_of_the_classes() -> None:
    whole = ScenesDetection()
    for seed in range(3):
        subset = StratifiedSubset({"type": "ScenesDetection"}, images=32, seed=seed)
        assert subset.size("train") == 32
        assert np.abs(shares(subset) / shares(whole) / (32 / 256) - 1).max() < 0.2
        assert len(set(subset.indices["train"])) == 32
        for one, index in ((subset, 31), (whole, int(subset.indices["train"][31]))):
            assert (
                one.read("train", index)[0].tobytes()
                == scenes.scenes("train")[subset.indices["train"][31]].image.tobytes()
            )
            assert one.read("train", index)[1].boxes.tolist() == one.annotated("train", index).objects.boxes.tolist()
            assert one.annotated("train", index).name == f"train_{subset.indices['train'][31]}.png"
        assert subset.annotated("test", 5).objects.boxes.tolist() == whole.annotated("test", 5).objects.boxes.tolist()
        assert subset.size("val") == whole.size("val")


def test_a_subset_is_named_by_all_that_draws_it() -> None:
    def subset(**options: Any) -> StratifiedSubset:
        return StratifiedSubset(
            **{"data": {"type": "ScenesDetection"}, "images": 20, "split": "val", "seed": 0, **options}
        )

    assert subset().fingerprint() == subset().fingerprint()
    assert subset().ground_truth("val") == subset().ground_truth("val")
    different = [subset(), subset(seed=1), subset(images=21), subset(split="train")]
    assert len({data.fingerprint() for data in different}) == 4
    assert ScenesDetection().fingerprint() in subset().fingerprint()
    assert subset().indices["val"].tolist() != subset(seed=1).indices["val"].tolist()
    with pytest.raises(ValueError, match=r"subset of 65 images cannot be drawn from the 64 of split 'val'"):
        subset(images=65)
    with pytest.raises(ValueError, match="subset of 0 images"):
        subset(images=0)


def test_a_holdout_is_drawn_from_the_rest_in_the_same_way() -> None:
    whole = ScenesDetection()
    subset = StratifiedSubset({"type": "ScenesDetection"}, images=80, holdout=40)
    assert (subset.size("train"), subset.size("val"), subset.size("test")) == (80, 40, whole.size("test"))
    assert not set(subset.indices["train"]) & set(subset.indices["val"])
    assert np.abs(shares(subset) / shares(whole) / (80 / 256) - 1).max() < 0.2
    place = int(subset.indices["val"][7])
    assert subset.read("val", 7)[0].tobytes() == whole.read("train", place)[0].tobytes()
    assert subset.fingerprint() != StratifiedSubset({"type": "ScenesDetection"}, images=80).fingerprint()
    with pytest.raises(ValueError, match="and a holdout of 200 cannot be drawn"):
        StratifiedSubset({"type": "ScenesDetection"}, images=80, holdout=200)
    with pytest.raises(ValueError, match="cannot be drawn from itself"):
        StratifiedSubset({"type": "ScenesDetection"}, images=8, split="val", holdout=2)


def test_a_rare_class_keeps_an_object_and_empty_images_their_share() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros((200, 4), dtype=np.int64)
    counts[:100, :2] = rng.poisson(3, (100, 2)) + 1
    counts[7, 2] = 1
    counts[8, 3] = 5
    for seed in range(5):
        rows = stratified(counts, 20, np.random.default_rng(seed))
        assert len(set(rows)) == 20
        assert {7, 8} <= set(rows)
        assert abs((rows >= 100).sum() - 10) <= 2
    assert stratified(counts, 200, rng).tolist() == list(range(200))
    with pytest.raises(ValueError, match="1 images do not hold an object of every class: ask for 2 or more"):
        stratified(counts, 1, rng)


def test_a_subset_of_bccd(shared) -> None:
    config = {"type": "VocDetection", "root": str(shared("bccd"))}
    whole, subset = build(DATA, config), StratifiedSubset(config, images=41)
    assert np.abs(shares(subset) / shares(whole) / (41 / 205) - 1).max() < 0.1


def boxes(root: Path, **settings: Any) -> CocoDetection:
    """One object in one of two pictures of 20x10 pixels."""
    (root / "images").mkdir(exist_ok=True)
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 8, 6], **settings}
    record = {"annotations": [entry], "categories": [{"id": 1, "name": "cat"}]}
    record["images"] = [{"id": image, "file_name": f"{image}.png", "width": 20, "height": 10} for image in (0, 1)]
    for image in (0, 1):
        Image.new("RGB", (20, 10)).save(root / f"images/{image}.png")
    (root / "a.json").write_text(json.dumps(record))
    return CocoDetection(str(root), {"train": {"annotations": "a.json", "images": "images"}})


def test_no_area_is_that_of_the_box(tmp_path: Path) -> None:
    assert boxes(tmp_path, area=None).annotated("train", 1).objects.areas.tolist() == [48]


def test_boxes_that_are_shares_of_images(tmp_path: Path) -> None:
    boxes(tmp_path, bbox=[0.1, 0.1, 1, 0.5]).check(["train"])
    with pytest.raises(ValueError, match="no box of split 'train' reaches beyond one pixel: are they shares of the im"):
        boxes(tmp_path, bbox=[0.1, 0.1, 0.9, 0.5]).check(["train"])


def test_an_image_is_named_by_a_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="annotation 1 is of the image True, which is not in the file"):
        boxes(tmp_path, image_id=True).check(["train"])
