"""nuclei-v1 is what it says: pinned pixels, splits apart, outlines, boxes and classes that agree."""

from __future__ import annotations

import csv
from random import Random
from typing import Any

import numpy as np
import pytest
from skimage.measure import regionprops

from core import build
from search_spaces.mbconv.space import MBConv
from tasks import TASKS, nuclei
from tasks.detection.data import NucleiDetection
from tasks.registry import DATA
from tasks.segmentation.data import NucleiSegmentation

SPLITS = {"train": 73, "val": 28, "test": 43}
VIEWS = ("NucleiSegmentation", "NucleiDetection", "NucleiImages")


def every() -> list[nuclei.Field]:
    return [field for split in SPLITS for field in nuclei.fields(split)]


def test_fingerprint() -> None:
    """A change of one pixel is a new version of every benchmark on the nuclei: make it nuclei-v2."""
    assert nuclei.fingerprint() == "d329314fbef37b11"


def test_splits_share_no_image_and_have_the_same_modalities() -> None:
    assert {split: len(nuclei.fields(split)) for split in SPLITS} == SPLITS
    assert len({field.image.tobytes() for field in every()}) == sum(SPLITS.values())
    for split, count in SPLITS.items():
        stained = sum(field.image.shape == (256, 320, 3) for field in nuclei.fields(split))
        assert 0.1 < stained / count < 0.2


def test_contents_are_those_of_the_index() -> None:
    with open(nuclei.FOLDER / "index.csv", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for field in every():
        row = rows.pop(field.name)
        assert field.image.shape == (int(row["height"]), int(row["width"]), 3)
        assert field.image.dtype == field.mask.dtype == np.uint8
        assert field.instances.shape == field.mask.shape == field.image.shape[:2]
        assert np.unique(field.instances).tolist() == list(range(int(row["nuclei"]) + 1))
        assert (field.image.min(), field.image.max()) == (0, 255)
        gray = (field.image == field.image[..., :1]).all()
        assert gray == (row["modality"] == "fluorescence")
    assert not rows


def test_boxes_and_areas_are_those_of_the_outlines() -> None:
    for field in nuclei.fields("val"):
        regions = regionprops(field.instances)
        corners = np.concatenate([field.boxes[:, :2], field.boxes[:, :2] + field.boxes[:, 2:]], 1)
        assert corners.tolist() == [
            [left, top, right, bottom] for top, left, bottom, right in (r.bbox for r in regions)
        ]
        assert field.areas.tolist() == [region.area for region in regions]


def test_a_border_is_what_has_something_else_near() -> None:
    """Also between nuclei that touch, and not where an edge of the image cuts one."""
    instances = np.zeros((12, 20), dtype=np.uint8)
    instances[2:12, 1:10], instances[2:12, 10:19] = 1, 2
    expected = np.where(instances, 2, 0)
    expected[4:12, 3:8] = expected[4:12, 12:17] = 1
    assert (nuclei.Field("", np.zeros((12, 20, 3)), instances).mask == expected).all()


def test_every_class_is_frequent() -> None:
    counts = sum(np.bincount(field.mask.ravel(), minlength=3) for field in every())
    assert (counts / counts.sum() > 0.04).all()
    for field in every():
        assert ((field.mask > 0) == (field.instances > 0)).all()


def test_exposures_are_evened_out_and_nothing_else() -> None:
    image = np.arange(100, dtype=np.uint8).reshape(10, 10, 1).repeat(3, 2) // 2 + 7
    stretched = nuclei.stretched(image)
    assert (stretched.min(), stretched.max(), stretched.dtype) == (0, 255, np.uint8)
    assert (np.diff(stretched[..., 0].ravel().astype(int)) >= 0).all()


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_task_sees(view: str) -> None:
    data: Any = build(DATA, dict(type=view))
    data.check(SPLITS, scored=["val", "test"])
    assert {split: data.size(split) for split in SPLITS} == SPLITS
    assert data.in_memory
    assert nuclei.fingerprint() in data.fingerprint()
    image, truth = data.read("test", 5)
    field = nuclei.fields("test")[5]
    if view == "NucleiSegmentation":
        assert (image == field.image).all()
        assert (truth == field.mask).all()
        assert data.classes == ("background", "inside", "border")
    elif view == "NucleiDetection":
        assert (image == field.image).all()
        assert (truth.areas == field.areas).all()
        assert ((truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(1) >= truth.areas).all()
        assert (data.classes, data.limit) == (("nucleus",), 300)
        assert max(len(data.annotated("val", index).objects.labels) for index in range(28)) == 111
    else:
        assert image.shape == (*field.image.shape[:2], 1)
        assert image is truth
        assert build(DATA, dict(type=view, gray=False)).read("test", 5)[0].shape == field.image.shape
    with pytest.raises(ValueError, match="nuclei-v1 has no split 'dev': use one of train, val, test"):
        data.check(["dev"])


@pytest.mark.parametrize(
    ("data", "template", "boxes", "recall"),
    [
        ("NucleiDetection", "FCOS", 300, "AR300"),
        ("ScenesDetection", "FCOS", 100, "AR100"),
        ("ScenesDetection", "SSDLite", 200, "AR100"),
    ],
)
def test_a_detector_gives_as_many_boxes_as_count(data: str, template: str, boxes: int, recall: str) -> None:
    task: Any = build(
        TASKS,
        dict(type="DetectionTask", data=dict(type=data), encoder=dict(width=0.1), template=dict(type=template)),
        cache="",
    )
    space = MBConv(width=0.25)
    parts = space.model(space.sample(Random(0))) if template == "SSDLite" else {}
    assert task.config(parts)["test_cfg"]["max_per_img"] == boxes
    assert recall in task.metrics


def test_a_window_is_the_middle_of_each_image() -> None:
    whole, window = (NucleiDetection(window) for window in (None, 64))
    assert window.fingerprint() == f"{whole.fingerprint()} in windows of 64"
    counts = []
    for index, field in enumerate(nuclei.fields("val")):
        image, objects = window.read("val", index)
        top, left = ((side - 64) // 2 for side in field.instances.shape)
        assert (image == field.image[top : top + 64, left : left + 64]).all()
        seen = field.instances[top : top + 64, left : left + 64]
        counts.append(len(np.unique(seen[seen > 0])))
        assert len(objects.boxes) == counts[-1]
        areas = np.sort(np.bincount(seen.ravel(), minlength=1)[1:])
        assert np.sort(objects.areas).tolist() == areas[areas > 0].tolist()
        assert window.annotated("val", index).size == (64, 64)
    assert min(counts) == 0  # some windows have no nucleus, and are scored all the same
    with pytest.raises(ValueError, match="the window must be 32 to 256 pixels"):
        NucleiSegmentation(512)
