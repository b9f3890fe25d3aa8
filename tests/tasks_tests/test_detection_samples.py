"""How detection cuts images: boxes are where the objects are to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks import Recipe, Stage, View
from tasks.augment import random_warp
from tasks.detection.data import Objects, ScenesDetection
from tasks.detection.samples import EMPTY, VISIBLE, DetectionSamples

BOX = (4, 13, 43, 41)


def sampled(**view: Any) -> DetectionSamples:
    return DetectionSamples(ScenesDetection(), Stage("short", View(**view), Recipe(epochs=1)))


def rectangle(*marks: str) -> tuple[np.ndarray, Objects]:
    """A white rectangle, and an object that is there for each of `marks`, "" for one like any other."""
    image = np.zeros((60, 90, 3), dtype=np.uint8)
    image[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
    return image, Objects.of([(BOX, 1, 1.0, mark == "crowd", mark == "difficult") for mark in marks])


def seen(view: np.ndarray) -> list[int]:
    rows, columns = np.nonzero(view[..., 0] > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def objects(table: np.ndarray) -> list[list[float]]:
    assert table.dtype == np.float32
    return [row for row in table.tolist() if row[4] != EMPTY]


def test_crops_keep_images_and_boxes_together() -> None:
    """Whatever the scale, place and side, the box is what is to be seen of the object, or nothing."""
    samples = sampled(size=(48, 64), scale=(1.0, 2.5))
    kept, gone, mirrored = 0, 0, set()
    image, truth = rectangle("", "crowd", "difficult")
    for seed in range(30):
        view, table = samples.cut(image, truth, np.random.default_rng(seed))
        matrix = random_warp(image.shape, samples.view, np.random.default_rng(seed))
        whole = (BOX[2] - BOX[0]) * (BOX[3] - BOX[1]) / matrix[1, 1] ** 2
        visible = (view[..., 0] > 127).sum() / whole
        if visible < VISIBLE - 0.03:
            assert not objects(table)
            gone += 1
        elif visible > VISIBLE + 0.03:
            [[*box, label]] = objects(table)
            assert label == 1
            assert box == pytest.approx(seen(view), abs=1)
            kept += 1
            mirrored.add(bool(matrix[0, 0] < 0))
    assert kept >= 15
    assert gone >= 3
    assert mirrored == {False, True}


@pytest.mark.parametrize("size", [(60, 180), (30, 45), None], ids=str)
def test_scored_images_keep_their_boxes(size: tuple[int, int] | None) -> None:
    view, table = sampled(eval_size=size).whole(*rectangle("difficult", "", "crowd"))
    assert view.shape[:2] == (size or (60, 90))
    [[*box, label]] = objects(table)
    assert label == 1
    assert box == pytest.approx(seen(view), abs=1)
    if size is None:
        assert box == list(BOX)


def test_all_truths_of_a_stage_have_one_shape() -> None:
    """As many rows as the fullest image has objects; a stage counts them once."""
    samples, most = sampled(share=0.1), 0
    for split, index in [*samples.order, *(("val", index) for index in range(64))]:
        most = max(most, len(samples.data.annotated(split, index).objects.labels))
    assert samples.crop(0)[1].shape == samples.scored(5)[1].shape == (most, 5)
