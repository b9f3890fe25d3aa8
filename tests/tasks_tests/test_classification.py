"""Classification: the scores, the network, the embedded data, and how a stage learns."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from core import build
from search_spaces.mbconv.space import MBConv
from tasks import TASKS, Stage
from tasks import looks as module
from tasks.classification.data import NucleiClassification, ScenesClassification
from tasks.classification.folders import FolderClassification
from tasks.classification.metrics import Ranks
from tasks.classification.task import ClassificationTask
from tasks.samples import Samples

SPACE = MBConv(width=0.25, layers=[1, 1, 1, 1, 1, 1])
VIEW = dict(share=0.05, size=[32, 32], eval_size=[32, 32])


def staged(options: dict[str, Any] | None = None, view: dict[str, Any] | None = None, **recipe: Any) -> Stage:
    settings = {"epochs": 1, "batch": 16, **recipe}
    return Stage.of(dict(name="short", view={**VIEW, **(view or {})}, recipe=settings, options=options or {}))


def of(cache: Path, **settings: Any) -> ClassificationTask:
    config = dict(type="ClassificationTask", data=dict(type="ScenesClassification"), encoder=dict(width=0.25))
    return build(TASKS, {**config, "cache": str(cache), "input_size": (32, 32), **settings})


@pytest.fixture
def task(cache: Path) -> ClassificationTask:
    return of(cache)


@pytest.fixture
def parts() -> Any:
    return SPACE.model(SPACE.sample(Random(0)))


@pytest.mark.parametrize("classes", [2, 5, 6, 300])
def test_scores_are_those_of_a_plain_count(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    scores = torch.randn(101, classes, generator=generator)
    labels = torch.randint(classes, (101,), generator=generator)
    ranks = Ranks(classes)
    for first in range(0, 101, 25):  # the last batch is smaller
        ranks.add(scores[first : first + 25], labels[first : first + 25])
    ordered = scores.argsort(1, descending=True)
    found = ranks.metrics()
    assert found["top1"] == pytest.approx(100 * (ordered[:, 0] == labels).double().mean())
    assert ("top5" in found) == (classes > 5)
    if classes > 5:
        assert found["top5"] == pytest.approx(100 * (ordered[:, :5] == labels[:, None]).any(1).double().mean())
    recalls = [(ordered[:, 0] == labels)[labels == label].double().mean() for label in labels.unique()]
    assert found["mAcc"] == pytest.approx(100 * torch.stack(recalls).mean())
    assert found["cross_entropy"] == pytest.approx(float(F.cross_entropy(scores, labels)), rel=1e-5)
    assert ranks.counts.sum() == 101
    assert ranks.counts[int(labels[0]), int(ordered[0, 0])] > 0


def test_a_network_that_says_the_same_of_everything_is_not_right() -> None:
    ranks = Ranks(10)
    ranks.add(torch.zeros(100, 10), torch.arange(100) % 10)
    assert (ranks.metrics()["top1"], ranks.metrics()["top5"]) == (10, 50)


def test_every_scored_image_counts_once_whatever_the_batch(task: ClassificationTask, parts: Any) -> None:
    task.prepare([stage := staged(epochs=0)])
    network = task.begin(parts, stage, 0).eval()
    with torch.no_grad():
        whole = task.confusion(network, staged(epochs=0, batch=97))
        assert int(task.confusion(network, stage).counts.sum()) == task.data.size("val")
        assert int(whole.counts.sum()) == task.data.size("val")
    labels = [task.data.read("val", index)[1] for index in range(task.data.size("val"))]
    assert whole.counts.sum(1).tolist() == np.bincount(labels, minlength=6).tolist()


def test_the_network_averages_the_last_map(task: ClassificationTask, parts: Any) -> None:
    network: Any = task.network(parts)
    images = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        averaged = network.backbone(images)[-1].mean((2, 3))
        assert torch.allclose(network(images), averaged @ network.head.weight.T + network.head.bias, atol=1e-6)


@pytest.mark.parametrize("tap", ["16", "32", "32+"])
def test_a_backbone_is_told_the_tap(cache: Path, parts: Any, tap: str) -> None:
    task = of(cache, template=dict(tap=tap))
    config = task.config(parts)
    assert config["backbone"]["taps"] == [tap]
    assert config["channels"] == {"16": 24, "32": 80, "32+": 1280}[tap]
    assert task.network(parts)(torch.zeros(1, 3, 32, 32)).shape == (1, 6)


def test_any_backbone_with_one_map_will_do(cache: Path) -> None:
    resnet = dict(type="mmdet.ResNet", depth=18, out_indices=[3])
    assert of(cache, encoder=dict(backbone=resnet)).config({})["channels"] == 512
    alone = of(cache, encoder=dict(backbone=dict(type="mmseg.MobileNetV2", out_indices=[6])))
    with pytest.raises(ValueError, match=r"mmseg.MobileNetV2 gives one map and no tuple"):
        alone.config({})
    several = of(cache, encoder=dict(backbone={**resnet, "out_indices": [2, 3]}))
    with pytest.raises(ValueError, match=r"gives maps of strides \[16, 32\], the template Classifier needs \[32\]"):
        several.config({})


def test_smoothing_is_torch_s(task: ClassificationTask) -> None:
    scores, labels = torch.randn(4, 6), torch.tensor([0, 1, 2, 5])
    batch = type("Batch", (), {"truth": labels})
    for smoothing in (0.0, 0.1):
        found: Tensor = task.criterion(None, staged({"smoothing": smoothing}), scores, batch)  # type: ignore[arg-type]
        dealt = F.one_hot(labels, 6) * (1 - smoothing) + smoothing / 6
        assert torch.allclose(found, -(dealt * scores.log_softmax(1)).sum(1).mean())
    with pytest.raises(ValueError, match="smoothing must be at least 0 and below 1, not 1"):
        task.options(staged({"smoothing": 1.0}))


def test_cached_features_are_those_of_the_live_encoder(cache: Path) -> None:
    task = of(cache, encoder=dict(width=0.1))
    live, cached = staged(view={"copies": 1}), staged({"cached": True}, view={"copies": 1})
    task.prepare([live, cached])
    one, other = (task.fit({}, stage, seed=0).metrics for stage in (live, cached))
    assert one == pytest.approx(other, rel=1e-3)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Any]:
    """Two classes in folders, three pictures of 32 to 34 x 32 each in every split."""
    rng = np.random.default_rng(0)
    for split, name, index in product(("train", "val", "test"), "ab", range(3)):
        path = tmp_path / split / name / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32 + index, 32, 3), dtype=np.uint8)).save(path)
    return dict(type="FolderClassification", root=str(tmp_path))


def test_images_of_their_own_sizes_are_decoded_once(cache: Path, folders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = FolderClassification.open, []
    monkeypatch.setattr(FolderClassification, "open", lambda self, item: (seen.append(item), read(self, item))[1])
    task, stage = of(cache, data=folders, workers=0), staged(view={"eval_size": None, "share": 1.0}, epochs=0)
    task.prepare([stage])
    seen.clear()
    outcome = task.fit({}, stage, seed=0)
    assert len(seen) == len(set(seen)) == 6
    assert outcome.cost.pixels == 2 * 32 * (32 + 33 + 34)


def test_the_fingerprint_reads_each_file_once(cache: Path, folders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = module.file_digest, []
    monkeypatch.setattr(module, "file_digest", lambda path: (seen.append(path), read(path))[1])
    of(cache, data=folders, encoder=dict(width=0.25, refit_norms=True)).fingerprint()
    assert len(seen) == 18


@pytest.mark.parametrize("data", [ScenesClassification(), NucleiClassification()], ids=lambda data: data.called)
def test_embedded_images_have_one_size_and_all_classes(data: Any) -> None:
    labels = []
    for split in ("train", "val", "test"):
        assert data.size(split) > 100
        seen = [data.read(split, index) for index in range(data.size(split))]
        assert len({image.shape for image, _ in seen}) == 1
        assert {label for _, label in seen} == set(range(len(data.classes)))
        labels += [label for _, label in seen]
    assert np.bincount(labels).min() > 100


def test_an_object_lies_in_the_middle_of_its_image() -> None:
    from tasks import scenes

    data = ScenesClassification()
    for index in (0, 7, 50):
        found = scenes.objects("train")[index]
        image, label = data.read("train", index)
        assert label == found.label - 1
        assert (image[32, 32] == found.image[found.centre]).all()


def test_a_nucleus_lies_in_the_middle_or_none_is_near() -> None:
    from tasks import nuclei
    from tasks.classification import data as module

    for index, (row, column), label in module._places("val", None):
        instances = nuclei.fields("val")[index].instances
        assert (instances[row, column] > 0) == bool(label)
        if not label:
            assert not instances[max(0, row - 8) : row + 9, max(0, column - 8) : column + 9].any()


def test_views_are_cut_and_scored_images_are_whole(task: ClassificationTask) -> None:
    samples: Samples = task.samples(staged(view={"size": [24, 40], "eval_size": [16, 48], "scale": [1.0, 2.0]}))
    image, label = samples.crop(3)
    assert (image.shape, label.shape, label.dtype) == ((24, 40, 3), (), np.int64)
    assert samples.scored(0)[0].shape == (16, 48, 3)
    assert (samples.crop(3, 1, 2)[0] == samples.crop(3, 1, 2)[0]).all()
    assert (samples.crop(3, 1, 2)[0] != samples.crop(3, 1, 3)[0]).any()


def test_data_of_another_task_and_a_wrong_template_are_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match="ScenesSegmentation is no data set for ClassificationTask"):
        of(cache, data=dict(type="ScenesSegmentation"))
    for template, sentence in (({"dropout": 1}, "dropout must be"), ({"tap": "64"}, "unknown tap '64'")):
        with pytest.raises(ValueError, match=sentence):
            of(cache, template=template).network(SPACE.model(SPACE.sample(Random(0))))
