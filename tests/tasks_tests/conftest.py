"""What tests of tasks share: small restoration data, and the task on them; VOC's files, `written_voc` by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tasks import Stage
from tasks.restoration.task import RestorationTask

sys.path.insert(0, str(Path(__file__).parent))
from written_voc import marked, picture


class MakeStage(Protocol):
    def __call__(self, **settings: Any) -> Stage: ...


class MakeTask(Protocol):
    def __call__(self, **settings: Any) -> RestorationTask: ...


VIEW = ("train", "eval", "share", "half", "size", "eval_size", "scale", "jitter", "copies")


@pytest.fixture
def stage() -> MakeStage:
    """A short stage for small images, with these settings of its view and its recipe."""

    def make(**settings: Any) -> Stage:
        view = {name: settings.pop(name) for name in VIEW if name in settings}
        options = settings.pop("options", {})
        recipe = {"epochs": 2, "batch": 4, **settings}
        return Stage.of(dict(name="short", view={"size": (24, 24), **view}, recipe=recipe, options=options))

    return make


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pieces of a photograph: 8 of 40x56 to learn from, 3 of 44x32 to score."""
    root, photo = tmp_path_factory.mktemp("restoration"), skimage.data.camera()
    for split, count, height, width in (("train", 8, 40, 56), ("val", 3, 44, 32)):
        (root / split).mkdir()
        for index in range(count):
            piece = photo[100 + 20 * index :, 150 + 10 * index :][:height, :width]
            Image.fromarray(piece).save(root / split / f"{index}.png")
    return root


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs of 30x20; the degraded image is the clean one, inverted."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for kind in ("bad", "good"):
        (root / "train" / kind).mkdir(parents=True)
    for index in range(3):
        image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(image).save(root / f"train/good/{index}.png")
        Image.fromarray(255 - image).save(root / f"train/bad/{index}.png")
    return root


@pytest.fixture
def denoising(photos: Path) -> MakeTask:
    """The task on `photos` with noise, with these settings."""

    def make(**settings: Any) -> RestorationTask:
        noise = dict(type="Noise", sigma=40)
        return RestorationTask(dict(type="FolderImages", root=str(photos)), "", **{"degradation": noise, **settings})

    return make


@pytest.fixture
def on_pairs(pairs: Path) -> MakeTask:
    """The task on pairs, those of `pairs` or of another folder with the same names."""

    def make(root: Path = pairs, **settings: Any) -> RestorationTask:
        data = dict(type="FolderPairs", root=str(root), degraded="bad", clean="good")
        return RestorationTask(data, "", **settings)

    return make


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """VOC's own layout, one folder below the root: two images in train, one in val."""
    root = tmp_path / "VOC2042"
    for kind in ("Annotations", "ImageSets/Main"):
        (root / kind).mkdir(parents=True)
    for name in "abc":
        picture(root / f"JPEGImages/{name}.jpg")
        (root / f"Annotations/{name}.xml").write_text(marked(("dog", (1, 1, 40, 30)), ("cat", (5, 6, 7, 9))))
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")
    (root / "ImageSets/Main/val.txt").write_text("c\n")
    return tmp_path
