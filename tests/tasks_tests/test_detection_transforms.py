"""MMDetection's transforms in a detection view: they draw from our generators, and boxes stay with their objects."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from core import build
from tasks import TASKS, Recipe, Stage, View
from tasks.detection.data import Objects, ScenesDetection
from tasks.detection.samples import EMPTY, DetectionSamples
from tasks.detection.transforms import Transforms, drawing_from

MEAN = [123.675, 116.28, 103.53]
SSD: list[dict[str, Any]] = [  # Liu et al., ECCV 2016, as MMDetection has it
    dict(type="Expand", mean=MEAN, to_rgb=True, ratio_range=(1, 4)),
    dict(type="MinIoURandomCrop", min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3),
    dict(type="RandomFlip", prob=0.5),
]
COLOURS = dict(type="PhotoMetricDistortion")


def samples(**view: Any) -> DetectionSamples:
    return DetectionSamples(ScenesDetection(), Stage("short", View(**view), Recipe(epochs=1)))


def rectangles() -> tuple[np.ndarray, Objects]:
    """A red and a green one on black; the green one is a crowd."""
    image = np.zeros((60, 90, 3), dtype=np.uint8)
    boxes = [(5, 5, 45, 40), (50, 20, 80, 50)]
    for channel, (left, top, right, bottom) in enumerate(boxes):
        image[top:bottom, left:right, channel] = 255
    return image, Objects.of([(box, label, 1.0, label == 1, False) for label, box in enumerate(boxes)])


def test_boxes_stay_with_their_objects() -> None:
    """The red one is where its box is, wherever it goes; a crowd is not learnt."""
    view = samples(size=(120, 180), transforms=SSD)
    image, truth = rectangles()
    sizes = []
    for seed in range(40):
        seen, table = view.cut(image, truth, np.random.default_rng(seed))
        assert seen.shape == (120, 180, 3)
        found = [row for row in table.tolist() if row[4] != EMPTY]
        assert [row[4] for row in found] in ([0.0], [])
        rows, columns = np.nonzero((seen[..., 0] > 190) & (seen[..., 1] < 60))
        if found:
            left, top, right, bottom = found[0][:4]
            assert [columns.min(), rows.min()] == pytest.approx([left, top], abs=3)
            assert [columns.max() + 1, rows.max() + 1] == pytest.approx([right, bottom], abs=3)
            sizes.append((right - left) * (bottom - top))
    assert len(sizes) >= 25
    assert min(sizes) < 2400 < 5600 < max(sizes)  # out from 5600 of 120 x 180, and in


def test_equal_seeds_give_equal_crops_and_leave_global_generators_alone() -> None:
    view = samples(size=(64, 64), transforms=[*SSD, COLOURS], jitter=0.1)
    np.random.seed(5)
    random.seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[union-attr]
    first = [view.crop(place, seed=3, epoch=2) for place in range(6)]
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # type: ignore[union-attr]
    np.random.seed(6)
    again = [view.crop(place, seed=3, epoch=2) for place in reversed(range(6))][::-1]
    other = [view.crop(place, seed=3, epoch=3) for place in range(6)]
    for (image, table), (same, boxes) in zip(first, again, strict=True):
        assert np.array_equal(image, same)
        assert np.array_equal(table, boxes)
    assert not any(np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True))


def test_the_generators_are_given_back_where_a_transform_fails() -> None:
    before = random.getstate()
    with pytest.raises(ZeroDivisionError), drawing_from(np.random.default_rng(0)):
        raise ZeroDivisionError
    assert random.getstate() == before


def test_it_is_what_mmdetection_makes_of_the_image() -> None:
    image, truth = rectangles()
    for seed in range(10):
        ours, boxes, _ = Transforms([*SSD, COLOURS])(image, truth.boxes, np.random.default_rng(seed))
        start = dict(
            img=image[..., ::-1].copy(),
            img_shape=(60, 90),
            gt_bboxes=HorizontalBoxes(truth.boxes.astype(np.float32)),
            gt_bboxes_labels=truth.labels,
        )
        with drawing_from(np.random.default_rng(seed)):
            theirs: Any = Compose([TRANSFORMS.build(step) for step in [*SSD, COLOURS]])(start)
        assert np.abs(ours - theirs["img"][..., ::-1].clip(0, 255)).max() <= 0.5
        assert np.array_equal(boxes, theirs["gt_bboxes"].numpy())


def test_an_image_without_objects() -> None:
    image, _ = rectangles()
    for seed in range(5):
        seen, table = samples(transforms=SSD).cut(image, Objects.of([]), np.random.default_rng(seed))
        assert seen.shape == (64, 64, 3)
        assert (table[:, 4] == EMPTY).all()


@pytest.mark.parametrize(
    ("transform", "sentence"),
    [
        (dict(type="Expnd"), "transforms cannot have"),
        (dict(type="Expand", mena=0), "transforms cannot have"),
        (dict(prob=0.5), "transforms cannot have"),
        (dict(type="LoadAnnotations", with_bbox=True), "images are loaded and packed anyway, leave it out"),
        (dict(type="mmdet.PackDetInputs"), "images are loaded and packed anyway, leave it out"),
        (dict(type="Mosaic"), r"stage 'short': the transform Mosaic fails \(AssertionError\): leave it out"),
        (dict(type="CopyPaste"), r"stage 'short': the transform CopyPaste fails \("),
    ],
)
def test_a_transform_that_cannot_be_used_is_refused_before_a_run(transform: dict[str, Any], sentence: str) -> None:
    task = build(TASKS, dict(type="DetectionTask", data=dict(type="ScenesDetection"), encoder={}, cache=""))
    stage = Stage("short", View(transforms=(transform,)), Recipe(epochs=1))
    with pytest.raises(ValueError, match=sentence):
        task.check([stage])


def test_where_transforms_mean_nothing_they_are_refused() -> None:
    with pytest.raises(ValueError, match="scale and transforms both say how images are cropped"):
        View(scale=(1.0, 2.0), transforms=tuple(SSD))
    task = build(TASKS, dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder={}, cache=""))
    with pytest.raises(ValueError, match="sets transforms, which means nothing to SegmentationTask"):
        task.check([Stage("short", View(transforms=tuple(SSD)), Recipe(epochs=1))])


def test_an_image_of_which_transforms_leave_nothing_is_seen_as_it_is() -> None:
    image, truth = rectangles()
    transforms = Transforms([dict(type="RandomCrop", crop_size=(40, 40)), dict(type="RandomFlip", prob=1.0)])
    seen, boxes, kept = transforms(image, truth.boxes[:0], np.random.default_rng(0))
    assert (np.array_equal(seen, image), len(boxes), len(kept)) == (True, 0, 0)
    assert transforms(image, truth.boxes, np.random.default_rng(0))[0].shape == (40, 40, 3)


def test_a_training_with_them_is_repeatable(tmp_path: Path) -> None:
    """With RMSProp, a warm-up and steps, as FNA's."""
    view = dict(share=0.02, size=(64, 64), eval_size=(64, 64), transforms=[COLOURS, *SSD])
    recipe = dict(
        epochs=2,
        batch=4,
        optimizer=dict(type="RMSprop", lr=0.01, eps=1.0, momentum=0.9, weight_decay=4e-5),
        schedule=[dict(type="LinearLR", start_factor=1 / 3, end=2, by_epoch=False)],
    )
    stages = [Stage.of(dict(name="s", view={**view, **own}, recipe=recipe)) for own in ({}, dict(transforms=[]))]
    settings = dict(data=dict(type="ScenesDetection"), encoder=dict(width=0.1), input_size=(64, 64))
    template = dict(type="SSDLite", overlap=0.6)
    task = build(TASKS, dict(type="DetectionTask", template=template, cache=str(tmp_path), **settings))
    model = dict(backbone=dict(type="densebench.MBConvNet", stages=[["k3e3"]] * 6, width=0.1))
    first, again, other = (task.fit(model, stages[k], seed=1).metrics for k in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("seen", [dict(size=(48, 64)), dict(eval_size=(96, 96)), dict(eval_size=None)])
def test_anchors_of_ssdlite_are_for_one_size(seen: dict[str, Any], tmp_path: Path) -> None:
    view = {"size": (64, 64), "eval_size": (64, 64), **seen}
    settings = dict(
        data=dict(type="ScenesDetection"), encoder=dict(width=0.1), input_size=(64, 64), cache=str(tmp_path)
    )
    stage = Stage.of(dict(name="s", view=view, recipe=dict(epochs=1, batch=4)))
    build(TASKS, dict(type="DetectionTask", **settings)).check([stage])  # FCOS has no anchors
    with pytest.raises(
        ValueError, match=r"'s' sees images of \(\d+, \d+\) pixels, and the anchors of SSDLite are .*\(64, 64\)"
    ):
        build(TASKS, dict(type="DetectionTask", template=dict(type="SSDLite"), **settings)).check([stage])


def test_the_protocol_of_fnas_detector() -> None:
    benchmark = Benchmark(read_protocol("coco-ssdlite-fna-v1")["benchmark"])
    for stage in (*benchmark.stages, benchmark.final):
        Transforms(stage.view.transforms)
        assert [step["type"] for step in stage.view.transforms] == [COLOURS["type"], *(step["type"] for step in SSD)]
    template = benchmark.task["template"]
    assert template["overlap"] == 0.6
    assert [scale * 320 for scale in template["scales"]] == [30, 60, 114, 168, 222, 276, 330]
