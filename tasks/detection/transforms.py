"""MMDetection's transforms for training views, drawn from a generator of ours."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import mmdet.datasets.transforms  # noqa: F401 - registers the stock transforms
import numpy as np
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

FRAME = ("Load", "Pack")  # what the names of steps begin with that stand before and behind the transforms of a pipeline


class Transforms:
    """Transforms by their configs, one after the other, on RGB images (H, W, 3) of uint8 and boxes (n, 4) in their pixels.

    They see colours as BGR, as in MMDetection's own pipelines. An image of which they leave nothing, as a RandomCrop does
    without an object in it, is seen as it is, where MMDetection takes another one. Raises ValueError for a config that makes
    none, and for steps that load or pack images.
    """

    def __init__(self, configs: Sequence[Mapping[str, Any]]):
        self.steps = []
        for config in configs:
            if str(config.get("type")).rpartition(".")[2].startswith(FRAME):
                raise ValueError(f"transforms cannot have {config}: images are loaded and packed anyway, leave it out")
            try:
                self.steps.append(TRANSFORMS.build(dict(config)))
            except Exception as error:  # each class refuses in its own way
                raise ValueError(f"transforms cannot have {config}: {error}") from None

    def __call__(
        self, image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Another image, the boxes that are left in it, and which these were. Raises ValueError where a transform fails."""
        results: Any = dict(
            img=image[..., ::-1].copy(),
            img_shape=image.shape[:2],
            gt_bboxes=HorizontalBoxes(boxes.astype(np.float32)),
            gt_bboxes_labels=np.arange(len(boxes)),
            gt_ignore_flags=np.zeros(len(boxes), dtype=bool),
        )
        with drawing_from(rng):
            for step in self.steps:
                try:
                    results = step(results)
                except (OSError, MemoryError):
                    raise
                except Exception as error:  # each class fails in its own way
                    cause = f"{type(error).__name__} {error}".strip()
                    raise ValueError(f"the transform {type(step).__name__} fails ({cause}): leave it out") from error
                if results is None:
                    return image, boxes, np.arange(len(boxes))
        image = results["img"][..., ::-1]
        if image.dtype != np.uint8:
            image = image.round().clip(0, 255).astype(np.uint8)
        kept = results["gt_bboxes_labels"]
        return np.ascontiguousarray(image), results["gt_bboxes"].numpy().astype(np.float64), kept


@contextmanager
def drawing_from(rng: np.random.Generator) -> Iterator[None]:
    """While it lasts, the global generators of Python and numpy are seeded by `rng`; then they are as they were."""
    before = random.getstate(), np.random.get_state()
    seed = int(rng.integers(2**32))
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
