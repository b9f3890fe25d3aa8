"""figures-v1 is what it says: pinned pixels, and joints where limbs are."""

from __future__ import annotations

import numpy as np
import pytest

from tasks import figures, scenes
from tasks.keypoints.data import FiguresKeypoints


def test_fingerprint() -> None:
    """A change of one pixel is a new version of every benchmark on the figures: make it figures-v2."""
    assert FiguresKeypoints().fingerprint() == "figures-v1 e59fa683a33434f8"


@pytest.mark.parametrize("split", sorted(figures.COUNTS))
def test_contents(split: str) -> None:
    every = figures.figures(split)
    assert len(every) == figures.COUNTS[split]
    outside, hidden, seen = np.bincount(np.stack([one.joints[:, 2] for one in every]).ravel().astype(int), minlength=3)
    assert outside < 0.01 * seen
    assert 0.02 * seen < hidden < 0.2 * seen
    for figure in every:
        assert (figure.image.shape, figure.image.dtype) == ((scenes.SIZE, scenes.SIZE, 3), np.uint8)
        assert 500 < figure.mask.sum() < 5000
        assert 8 < figure.head < 20
        columns, rows = np.rint(figure.joints[figure.joints[:, 2] == 2, :2]).astype(int).clip(0, scenes.SIZE - 1).T
        assert figure.mask[rows, columns].mean() > 0.9  # but for the top of the head, which is where it ends


def test_boxes_are_around_what_is_labelled() -> None:
    data = FiguresKeypoints()
    for index in range(data.size("val")):
        person = data.person("val", index)
        x, y, width, height = person.box
        places = person.joints[person.joints[:, 2] > 0, :2] + 0.5
        assert (places >= (x, y)).all()
        assert (places <= (x + width, y + height)).all()
        assert x >= 0
        assert y + height <= scenes.SIZE
