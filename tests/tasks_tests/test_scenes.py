"""scenes-v1 is what it says: pinned pixels, splits apart, boxes and masks that agree."""

from __future__ import annotations

import numpy as np
import pytest

from tasks import scenes

SPLITS = sorted(scenes.COUNTS)


def test_fingerprint() -> None:
    """A change of one pixel is a new version of every benchmark on the scenes: make it scenes-v2."""
    assert scenes.fingerprint() == "fe4599b29cd7ab9f"


def test_splits_share_no_photograph() -> None:
    names = [name for split in SPLITS for name in scenes.SOURCES[split]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("split", SPLITS)
def test_contents(split: str) -> None:
    every = scenes.scenes(split)
    assert len(every) == scenes.COUNTS[split]
    seen = np.zeros(len(scenes.CLASSES))
    for scene in every:
        assert scene.image.shape == (scenes.SIZE, scenes.SIZE, 3)
        assert scene.image.dtype == scene.mask.dtype == np.uint8
        assert len(scene.boxes) == len(scene.labels) > 0
        for (x, y, width, height), label in zip(scene.boxes, scene.labels, strict=True):
            assert width > 0
            assert height > 0
            assert x + width <= scenes.SIZE
            assert y + height <= scenes.SIZE
            assert (scene.mask[y : y + height, x : x + width] == label).any()
        seen += np.bincount(scene.mask.ravel(), minlength=len(seen))
    assert (seen / seen.sum() > 0.01).all()


def test_shapes_differ() -> None:
    """Every two shapes of the same radius and turn differ in at least an eighth of the pixels that either covers."""
    covers = [scenes.covered(label, 0.3, 24.0, 64.0, 64.0) for label in range(1, len(scenes.CLASSES))]
    for place, one in enumerate(covers):
        for other in covers[:place]:
            assert (one ^ other).sum() > (one | other).sum() / 8
