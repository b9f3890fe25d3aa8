"""How persons are cut out of images, and where their joints are then."""

from __future__ import annotations

import numpy as np

from tasks.augment import random_warp, recolour, warp
from tasks.keypoints.data import PADDING, Box, KeypointData, Person
from tasks.samples import Sample, Samples

Size = tuple[int, int]  # (height, width) in pixels


def region(box: Box, size: Size, padding: float = PADDING) -> Box:
    """x, y, width and height of what is seen of an image: around a box, `padding` times as large, in the aspect of `size`."""
    x, y, width, height = box
    middle = x + width / 2, y + height / 2
    side = padding * max(width / size[1], height / size[0])  # pixels of the image to one of the view
    width, height = side * size[1], side * size[0]
    return middle[0] - width / 2, middle[1] - height / 2, width, height


def whole_view(box: Box, size: Size, padding: float = PADDING) -> np.ndarray:
    """The matrix (2, 3) from pixels of a view of `size` to those of the image, as a person with this box is scored."""
    x, y, width, _ = region(box, size, padding)
    step = width / size[1]
    return np.array([[step, 0, x + 0.5 * step - 0.5], [0, step, y + 0.5 * step - 0.5]])


def to_view(joints: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Joints (K, 3) of an image in the view that `matrix`, from the view's pixels to the image's, describes."""
    places = (joints[:, :2] - matrix[:, 2]) / matrix[[0, 1], [0, 1]]
    return np.concatenate([places, joints[:, 2:]], 1)


def to_image(joints: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """And the other way round."""
    places = joints[:, :2] * matrix[[0, 1], [0, 1]] + matrix[:, 2]
    return np.concatenate([places, joints[:, 2:]], 1)


def in_images(found: np.ndarray, data: KeypointData, split: str, size: Size) -> np.ndarray:
    """Joints (n, K, 3) that were found in the views, of `size`, of a split's n persons, in pixels of their images."""
    views = (whole_view(data.person(split, index).box, size) for index in range(len(found)))
    return np.stack([to_image(joints, matrix) for joints, matrix in zip(found, views, strict=True)])


class KeypointSamples(Samples):
    """The truth of a sample is (K, 3), float32: x and y in pixels of the view, and v, which is 0 where a joint is outside.

    A view is the `region` around a person; the view's `scale` enlarges it, or, below 1, shows more. In a mirrored one left and
    right have changed places.
    """

    data: KeypointData

    def cut(self, image: np.ndarray, truth: Person, rng: np.random.Generator) -> Sample:
        size = self.view.size
        x, y, width, height = region(truth.box, size)
        matrix = random_warp((height, width), self.view, rng)
        matrix[:, 2] += x, y
        view = recolour(warp(image, matrix, size), self.view.jitter, rng)
        mirrored = matrix[0, 0] < 0
        return view, self._seen(truth.joints[self.data.skeleton.mirrored] if mirrored else truth.joints, matrix, size)

    def whole(self, image: np.ndarray, truth: Person) -> Sample:
        size = self.view.eval_size or self.view.size
        matrix = whole_view(truth.box, size)
        return warp(image, matrix, size), self._seen(truth.joints, matrix, size)

    def _seen(self, joints: np.ndarray, matrix: np.ndarray, size: Size) -> np.ndarray:
        moved = to_view(joints, matrix)
        inside = ((moved[:, :2] >= -0.5) & (moved[:, :2] < np.array(size[::-1]) - 0.5)).all(1)
        moved[~inside, 2] = 0
        return moved.astype(np.float32)
