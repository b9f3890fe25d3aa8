"""The detection task: boxes follow their images everywhere, cached equals live, searched heads and backbones learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from core import build
from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.mbconv.space import MBConv
from tasks import TASKS, Stage
from tasks.augment import normalise
from tasks.detection.data import Annotated, DetectionData, Objects
from tasks.detection.samples import EMPTY
from tasks.detection.task import LOSSES, DetectionTask
from tasks.registry import DATA

VIEW = dict(size=(64, 64), eval_size=(64, 64), scale=(1.0, 1.5), jitter=0.2, copies=1)
NORMALISED = dict(
    regress_ranges=[[-1, 24], [24, 48], [48, 96], [96, 192], [192, 1e8]],
    center_sampling=True,
    norm_on_bbox=True,
    centerness_on_reg=True,
    loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
)


@DATA.register_module()
class Shapes(DetectionData):
    """Bright squares and discs on dark noise, `count` images in every split, of all `sizes` in turn; some have none."""

    classes = ("square", "disc")

    def __init__(self, sizes: Sequence[tuple[int, int]] = ((64, 64),), count: int = 6, empty: Sequence[int] = ()):
        self.sizes, self.count, self.empty = sizes, count, empty

    def size(self, split: str) -> int:
        return self.count

    def annotated(self, split: str, index: int) -> Annotated:
        (height, width), rng = self.sizes[index % len(self.sizes)], np.random.default_rng(index)
        rows: list[Any] = []
        for label in () if index in self.empty else (0, 1):  # one in the left half, one in the right
            side = int(rng.integers(width // 4, width // 2 - 4))
            x, y = int(rng.integers(2, width // 2 - side)) + label * width // 2, int(rng.integers(2, height - side))
            rows.append(((x, y, x + side, y + side), (label + index) % 2, side * side, False, False))
        return Annotated(f"{index}.png", (height, width), Objects.of(rows))

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        known = self.annotated(split, index)
        objects, (height, width) = known.objects, known.size
        image = np.random.default_rng(index).integers(0, 60, (height, width, 3), dtype=np.uint8)
        rows, columns = np.mgrid[:height, :width] + 0.5
        for (x1, y1, x2, y2), label in zip(objects.boxes, objects.labels, strict=True):
            power = 2 if label else 40  # a disc, nearly a square
            inside = (
                abs((columns - (x1 + x2) / 2) * 2 / (x2 - x1)) ** power
                + abs((rows - (y1 + y2) / 2) * 2 / (y2 - y1)) ** power
            )
            image[inside <= 1] = (230, 60, 60) if label else (60, 220, 240)
        return image, objects

    def fingerprint(self, *others: str) -> str:
        return f"shapes {self.sizes} {self.count} {self.empty}"

    def problems(self, split: str) -> Iterator[str]:
        return iter(())


def make(cache: Path, **settings: Any) -> DetectionTask:
    plain = dict(data=dict(type="Shapes"), encoder=dict(width=0.1), template=FCOS)
    return build(TASKS, {"type": "DetectionTask", "cache": str(cache), "input_size": (64, 64), **plain, **settings})


def staged(view: dict[str, Any] | None = None, cached: bool = False, **recipe: Any) -> Stage:
    recipe = {"epochs": 1, "batch": 4, **recipe}
    return Stage.of(dict(name="short", view={**VIEW, **(view or {})}, recipe=recipe, options=dict(cached=cached)))


@pytest.fixture
def task(tmp_path: Path) -> DetectionTask:
    return make(tmp_path / "cache")


FCOS, SSDLITE = dict(type="FCOS", head=NORMALISED, width=16), dict(type="SSDLite")
SPACE, BACKBONES = FCOSDecoder(8, 4, 3), MBConv((1,) * 6, width=0.25)
DECODER = SPACE.model(SPACE.sample(Random(0)))
BACKBONE = BACKBONES.model(BACKBONES.read([["k3e6"], ["k3e6"], ["k3e6"], ["k5e6"], ["k3e6"], ["k3e6"]]))
RETINANET = dict(type="RetinaNet", width=16)
all_of_them = pytest.mark.parametrize(
    ("template", "parts"),
    [(FCOS, DECODER), (SSDLITE, BACKBONE), (RETINANET, BACKBONE)],
    ids=["fcos", "ssdlite", "retinanet"],
)


def test_cached_and_live_features_give_equal_losses_and_scores(task: DetectionTask) -> None:
    cached, live = (staged(dict(copies=2), option, epochs=2, polyak=0.9) for option in (True, False))
    task.prepare([cached])
    first, second = (task.fit(DECODER, stage, seed=3) for stage in (cached, live))
    assert first.metrics == pytest.approx(second.metrics, rel=1e-4)
    assert (first.cost.images, first.cost.pixels) == (second.cost.images, second.cost.pixels)


def test_all_passes_are_metered(task: DetectionTask) -> None:
    """Three epochs of six crops, the statistics of norms for averaged weights, and six images to score."""
    cost = task.fit(DECODER, staged(dict(eval_size=None), epochs=3, polyak=0.5), seed=0).cost
    assert cost.images == 3 * 6 + 6 + 6
    assert cost.pixels == cost.images * 64 * 64


def test_another_task_does_not_take_the_features_of_the_same_images(tmp_path: Path) -> None:
    stage = staged(dict(share=0.02), cached=True)
    segmentation = dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder=dict(width=0.1))
    masks = build(TASKS, {**segmentation, "cache": str(tmp_path)}).features(stage, training=True)[0]
    boxes = make(tmp_path, data=dict(type="ScenesDetection")).features(stage, training=True)[0]
    assert masks.batch([0], "cpu").truth.shape == (1, 64, 64)
    assert boxes.batch([0], "cpu").truth.shape[2] == 5


@all_of_them
def test_the_same_seed_gives_the_same_metrics_and_another_does_not(
    tmp_path: Path, template: dict[str, Any], parts: dict[str, Any]
) -> None:
    task, before = make(tmp_path, template=template), torch.random.get_rng_state()
    first = task.fit(parts, staged(), seed=1).metrics
    assert task.fit(parts, staged(), seed=1).metrics == first
    assert task.fit(parts, staged(), seed=2).metrics != first
    assert torch.equal(torch.random.get_rng_state(), before), "torch's own generator is left alone"


def test_heads_start_as_mmdetections(task: DetectionTask) -> None:
    """A focal loss needs a low score everywhere at the start (Lin et al., ICCV 2017, section 3.3)."""
    first, second, other = (task.build(task.config(DECODER), seed).bbox_head.conv_cls for seed in (0, 0, 1))
    assert first.bias.sigmoid().tolist() == pytest.approx([0.01] * 2)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


# Scores.


@pytest.mark.parametrize("eval_size", [(64, 80), None])
def test_found_boxes_are_compared_in_the_pixels_of_the_original(tmp_path: Path, monkeypatch, eval_size) -> None:
    """A detector that knows the truth in the images it is shown scores 100, also where each has another size."""
    task, order = make(tmp_path, data=dict(type="Shapes", sizes=((64, 96), (80, 48), (50, 70)))), iter(range(6))

    def truth(self: Any, *outputs: Any, batch_img_metas: list[dict[str, Any]]) -> list[InstanceData]:
        results = []
        for meta, index in zip(batch_img_metas, order, strict=False):
            known = task.data.annotated("val", index)
            own, objects = known.size, known.objects
            assert meta["img_shape"] == (eval_size or own)
            factors = np.array([meta["img_shape"][1] / own[1], meta["img_shape"][0] / own[0]] * 2)
            boxes, labels = torch.tensor(objects.boxes * factors).float(), torch.tensor(objects.labels)
            results.append(InstanceData(bboxes=boxes, labels=labels, scores=torch.ones(len(labels))))
        return results

    monkeypatch.setattr(FCOSHead, "predict_by_feat", truth)
    metrics = task.fit({}, staged(dict(eval_size=eval_size), epochs=0), seed=0).metrics
    assert (metrics["mAP"], metrics["VOC_mAP"]) == pytest.approx((100, 100))


@pytest.mark.parametrize("head", [{}, NORMALISED], ids=["plain", "norm_on_bbox"])
def test_losses_on_the_scored_images_are_those_of_training(tmp_path: Path, head: dict[str, Any]) -> None:
    task, stage = make(tmp_path, template=dict(type="FCOS", head=head)), staged(dict(eval_size=(48, 80)))
    weights = str(tmp_path / "w.pth")
    metrics = task.fit(DECODER, stage, seed=0, keep=weights).metrics
    network = task.begin(DECODER, stage, 0).eval()
    network.load_state_dict(torch.load(weights), strict=False)
    network.bbox_head.train()
    totals = dict.fromkeys(LOSSES, 0.0)
    for chosen in (range(4), range(4, 6)):
        images, tables = zip(*(task.samples(stage).scored(index) for index in chosen), strict=True)
        samples = [DetDataSample(metainfo=dict(img_shape=(48, 80))) for _ in chosen]
        for sample, table in zip(samples, tables, strict=True):
            rows = torch.tensor(table[table[:, 4] != EMPTY])
            sample.gt_instances = InstanceData(bboxes=rows[:, :4], labels=rows[:, 4].long())
        for name, value in network.loss(normalise(torch.tensor(np.stack(images)), "cpu"), samples).items():
            totals[name] += value.item() * len(chosen) / 6
    assert {name: metrics[name] for name in LOSSES} == pytest.approx(totals, rel=1e-4)


# What is trained.


def test_a_detector_learns_its_training_images(tmp_path: Path) -> None:
    """Views, scored images and originals all have other sizes: every change of coordinates must be right."""
    task = make(tmp_path, data=dict(type="Shapes", sizes=((80, 96),)))
    view = dict(size=(64, 80), eval="train", eval_size=(72, 64), scale=(1.0, 1.2), copies=0)
    stage = staged(view, epochs=60, batch=3, lr=5e-3, encoder_lr=5e-3, polyak=0.9)
    metrics = task.fit({}, stage, seed=0).metrics
    assert min(metrics["mAP50"], metrics["VOC_mAP"]) > 75
    assert metrics["mAP"] > 25


def fitted(task: DetectionTask, parts: dict[str, Any], folder: Path, **recipe: Any) -> dict[str, torch.Tensor]:
    """The learnt weights of the backbone after a training, as far as it leaves them."""
    task.fit(parts, staged(**recipe), seed=0, keep=str(folder / "w.pth"))
    state = torch.load(folder / "w.pth", weights_only=True)
    return learnt({k.removeprefix("backbone."): value for k, value in state.items() if k.startswith("backbone.")})


def learnt(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if name.endswith((".weight", ".bias"))}


def moved(start: dict[str, torch.Tensor], end: dict[str, torch.Tensor]) -> set[bool]:
    assert start.keys() == end.keys()
    return {not torch.equal(value, end[name]) for name, value in start.items()}


def test_a_frozen_encoder_is_not_kept_and_a_trained_one_moves(task: DetectionTask, tmp_path: Path) -> None:
    assert not fitted(task, DECODER, tmp_path)
    assert moved(learnt(task.encoder.weights()), fitted(task, DECODER, tmp_path, encoder_lr=1e-3)) == {True}


def test_a_searched_backbone_trains_all_of_its_weights(tmp_path: Path) -> None:
    task = make(tmp_path, template=SSDLITE)
    assert moved(fitted(task, BACKBONE, tmp_path, epochs=0), fitted(task, BACKBONE, tmp_path)) == {True}


def test_a_searched_backbone_starts_from_what_fits_of_the_encoder(tmp_path: Path) -> None:
    """Its layer5 begins with another kernel than MobileNetV2's; all else that both have fits."""
    weights = make(tmp_path, encoder=dict(width=0.25)).encoder.weights()
    weights = {name: value + 0.1 if value.is_floating_point() else value for name, value in weights.items()}
    checkpoint, kernel = str(tmp_path / "mobilenet.pth"), "layer5.0.conv.1.conv.weight"
    torch.save(weights, checkpoint)
    for source, taken in ((checkpoint, True), (None, False)):
        task = make(tmp_path, template=SSDLITE, encoder=dict(width=0.25, checkpoint=source))
        state = fitted(task, BACKBONE, tmp_path, epochs=0)
        common = state.keys() & weights.keys()
        assert state[kernel].shape != weights[kernel].shape
        assert len(common) > 50
        assert {torch.equal(state[name], weights[name]) for name in common - {kernel}} == {taken}


@all_of_them
def test_batches_without_objects_are_survived(tmp_path: Path, template: dict[str, Any], parts: dict[str, Any]) -> None:
    """Two of six images have objects: one of three batches has none."""
    task = make(tmp_path, template=template, data=dict(type="Shapes", empty=(0, 2, 3, 5)))
    metrics = task.fit(parts, staged(batch=2), seed=0).metrics
    assert all(math.isfinite(value) for value in metrics.values())


def test_bccd_trains_and_scores(shared, tmp_path: Path) -> None:
    task = make(tmp_path, data=dict(type="VocDetection", root=str(shared("bccd"))))
    assert task.data.classes == ("Platelets", "RBC", "WBC")
    stage = staged(dict(share=0.04, size=(96, 128), eval_size=(96, 128)), cached=True)
    task.prepare([stage])
    outcome = task.fit(DECODER, stage, seed=0)
    assert all(math.isfinite(value) for value in outcome.metrics.values())
    assert outcome.cost.images == 8 + 87


def test_stock_tools_score_as_the_task_does(task: DetectionTask) -> None:
    assert task.stock(DECODER, staged())["evaluator"] == dict(type="CocoScores", limit=100)
