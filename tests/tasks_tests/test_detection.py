"""The detection task: boxes follow their images everywhere, cached equals live, searched heads and backbones learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.dense_heads import FCOSHead
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from search_spaces.fcos_decoder import FCOSDecoder
from search_spaces.mbconv import MBConv
from tasks import TASKS, Stage
from tasks.augment import normalise, random_warp
from tasks.detection.data import DetectionData, Objects
from tasks.detection.pictures import EMPTY, VISIBLE, DetectionPictures
from tasks.detection.task import LOSSES, DetectionTask

STAGE = Stage("short", epochs=1, size=(64, 64), eval_size=(64, 64), scale=(1.0, 1.5), jitter=0.2, copies=1, batch=4)
NORMALISED = dict(
    regress_ranges=[[-1, 24], [24, 48], [48, 96], [96, 192], [192, 1e8]],
    center_sampling=True,
    norm_on_bbox=True,
    centerness_on_reg=True,
    loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
)


class Shapes(DetectionData):
    """Bright squares and discs on dark noise, `count` images in every split, of all `sizes` in turn; some have none."""

    classes = ("square", "disc")

    def __init__(self, sizes: Sequence[tuple[int, int]] = ((64, 64),), count: int = 6, empty: Sequence[int] = ()):
        self.sizes, self.count, self.empty = sizes, count, empty

    def size(self, split: str) -> int:
        return self.count

    def image_size(self, split: str, index: int) -> tuple[int, int]:
        return self.sizes[index % len(self.sizes)]

    def objects(self, split: str, index: int) -> Objects:
        if index in self.empty:
            return Objects.of([])
        (height, width), rng = self.image_size(split, index), np.random.default_rng(index)
        rows: list[Any] = []
        for label in (0, 1):  # one in the left half, one in the right
            side = int(rng.integers(width // 4, width // 2 - 4))
            x, y = int(rng.integers(2, width // 2 - side)) + label * width // 2, int(rng.integers(2, height - side))
            rows.append(((x, y, x + side, y + side), (label + index) % 2, side * side, False, False))
        return Objects.of(rows)

    def read(self, split: str, index: int) -> tuple[np.ndarray, Objects]:
        objects, (height, width) = self.objects(split, index), self.image_size(split, index)
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

    def file_name(self, split: str, index: int) -> str:
        return f"{index}.png"

    def fingerprint(self) -> str:
        return f"shapes {self.sizes} {self.count} {self.empty}"

    def problems(self, split: str) -> Iterator[str]:
        return iter(())


def make(cache: Path, data: dict[str, Any] | None = None, **settings: Any) -> DetectionTask:
    encoder = {"width": 0.1, **settings.pop("encoder", {})}
    data = data or dict(type=Shapes)
    config = dict(type="DetectionTask", data=data, encoder=encoder, cache=str(cache), input_size=(64, 64))
    return TASKS.build({**config, **settings})


@pytest.fixture
def task(tmp_path: Path) -> DetectionTask:
    return make(tmp_path / "cache", head=NORMALISED)


def model(seed: int = 0) -> dict[str, Any]:
    space = FCOSDecoder(8, 4, 3)
    return space.model(space.sample(Random(seed)))


BACKBONE = MBConv((1,) * 6, width=0.25)
SSDLITE = BACKBONE.model(BACKBONE.read([["k3e6"], ["k3e6"], ["k3e6"], ["k5e6"], ["k3e6"], ["k3e6"]]))


def test_cached_and_live_features_give_equal_losses_and_scores(task: DetectionTask) -> None:
    cached = replace(STAGE, epochs=2, copies=2, polyak=0.9, cached=True)
    task.prepare([cached])
    with_cache, live = (task.fit(model(), stage, seed=3) for stage in (cached, replace(cached, cached=False)))
    assert with_cache.metrics == pytest.approx(live.metrics, rel=1e-4)
    assert (with_cache.cost.images, with_cache.cost.pixels) == (live.cost.images, live.cost.pixels)


def test_another_task_does_not_take_the_features_of_the_same_images(tmp_path: Path) -> None:
    stage = replace(STAGE, share=0.02, cached=True)
    encoder = dict(width=0.1)
    segmentation = dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder=encoder)
    masks = TASKS.build({**segmentation, "cache": str(tmp_path)}).features(stage, training=True)[0]
    boxes = make(tmp_path, dict(type="ScenesDetection")).features(stage, training=True)[0]
    assert masks.batch([0], "cpu").truth.shape == (1, 64, 64)
    assert boxes.batch([0], "cpu").truth.shape[2] == 5


def test_the_same_seed_gives_the_same_metrics_and_another_does_not(task: DetectionTask) -> None:
    first = task.fit(model(), STAGE, seed=1).metrics
    assert task.fit(model(), STAGE, seed=1).metrics == first
    assert task.fit(model(), STAGE, seed=2).metrics != first


@pytest.mark.parametrize("part", [model(), SSDLITE], ids=["fcos", "ssdlite"])
def test_torchs_global_generator_is_left_alone(task: DetectionTask, part: dict[str, Any]) -> None:
    before = torch.random.get_rng_state()
    task.fit(part, STAGE, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_heads_start_as_mmdetections(task: DetectionTask) -> None:
    """A focal loss needs a low score everywhere at the start (Lin et al., ICCV 2017, section 3.3)."""
    first, second, other = (task.build(task.config(model()), seed).bbox_head.conv_cls for seed in (0, 0, 1))
    assert first.bias.sigmoid().tolist() == pytest.approx([0.01] * 2)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


# Boxes and images.

BOX = (4, 13, 43, 41)


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
    stage = replace(STAGE, size=(48, 64), scale=(1.0, 2.5), jitter=0.0)
    pictures, kept, gone, mirrored = DetectionPictures(Shapes(), stage), 0, 0, set()
    image, truth = rectangle("", "crowd", "difficult")
    for seed in range(30):
        view, table = pictures.cut(image, truth, np.random.default_rng(seed))
        matrix = random_warp(image.shape, stage, np.random.default_rng(seed))
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
    pictures = DetectionPictures(Shapes(), replace(STAGE, eval_size=size))
    view, table = pictures.fit(*rectangle("difficult", "", "crowd"))
    assert view.shape[:2] == (size or (60, 90))
    [[*box, label]] = objects(table)
    assert label == 1
    assert box == pytest.approx(seen(view), abs=1)
    if size is None:
        assert box == list(BOX)


@pytest.mark.parametrize("eval_size", [(64, 80), None])
def test_found_boxes_are_compared_in_the_pixels_of_the_original(tmp_path: Path, monkeypatch, eval_size) -> None:
    """A detector that knows the truth in the images it is shown scores 100, also where each has another size."""
    task, order = make(tmp_path, dict(type=Shapes, sizes=((64, 96), (80, 48), (50, 70)))), iter(range(6))

    def truth(self: Any, *outputs: Any, batch_img_metas: list[dict[str, Any]]) -> list[InstanceData]:
        results = []
        for meta, index in zip(batch_img_metas, order, strict=False):
            own, objects = task.data.image_size("val", index), task.data.objects("val", index)
            assert meta["img_shape"] == (eval_size or own)
            factors = np.array([meta["img_shape"][1] / own[1], meta["img_shape"][0] / own[0]] * 2)
            boxes, labels = torch.tensor(objects.boxes * factors).float(), torch.tensor(objects.labels)
            results.append(InstanceData(bboxes=boxes, labels=labels, scores=torch.ones(len(labels))))
        return results

    monkeypatch.setattr(FCOSHead, "predict_by_feat", truth)
    metrics = task.fit(dict(template="fcos", width=8), replace(STAGE, eval_size=eval_size), seed=0).metrics
    assert (metrics["mAP"], metrics["VOC_mAP"]) == pytest.approx((100, 100))


@pytest.mark.parametrize("head", [{}, NORMALISED], ids=["plain", "norm_on_bbox"])
def test_losses_on_the_scored_images_are_those_of_training(tmp_path: Path, head: dict[str, Any]) -> None:
    task, weights, stage = make(tmp_path, head=head), str(tmp_path / "w.pth"), replace(STAGE, eval_size=(48, 80))
    metrics = task.fit(model(), stage, seed=0, weights=weights).metrics
    network = task.build(task.config(model()), 0)
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    network.bbox_head.train()
    totals = dict.fromkeys(LOSSES, 0.0)
    for chosen in (range(4), range(4, 6)):
        images, tables = zip(*(task.pictures(stage).scored(index) for index in chosen), strict=True)
        samples = [DetDataSample(metainfo=dict(img_shape=(48, 80))) for _ in chosen]
        for sample, table in zip(samples, tables, strict=True):
            rows = torch.tensor(objects(table))
            sample.gt_instances = InstanceData(bboxes=rows[:, :4], labels=rows[:, 4].long())
        for name, value in network.loss(normalise(list(images), "cpu"), samples).items():
            totals[name] += value.item() * len(chosen) / 6
    assert {name: metrics[name] for name in LOSSES} == pytest.approx(totals, rel=1e-4)


# What is trained.


def test_a_detector_learns_its_training_pictures(tmp_path: Path) -> None:
    """Views, scored images and originals all have other sizes: every change of coordinates must be right."""
    task = make(tmp_path, dict(type=Shapes, sizes=((80, 96),)), head=NORMALISED)
    rates = dict(epochs=60, lr=5e-3, encoder_lr=5e-3, polyak=0.9)
    stage = replace(
        STAGE, size=(64, 80), eval="train", eval_size=(72, 64), scale=(1.0, 1.2), copies=0, batch=3, **rates
    )
    metrics = task.fit(dict(template="fcos", width=16), stage, seed=0).metrics
    assert min(metrics["mAP50"], metrics["VOC_mAP"]) > 75
    assert metrics["mAP"] > 25


def test_a_frozen_encoder_stays_and_a_trained_one_moves(task: DetectionTask, tmp_path: Path) -> None:
    start = task.encoder.weights()
    frozen = fitted(task, model(), STAGE, tmp_path)
    assert all(torch.equal(frozen[name], value) for name, value in start.items())
    moved = fitted(task, model(), replace(STAGE, lr=0.0, encoder_lr=1e-3), tmp_path)
    assert not [name for name in learnt(start) if torch.equal(moved[name], start[name])]


def fitted(task: DetectionTask, part: dict[str, Any], stage: Stage, folder: Path) -> dict[str, torch.Tensor]:
    """The backbone's weights after a training."""
    task.fit(part, stage, seed=0, weights=str(folder / "w.pth"))
    state = torch.load(folder / "w.pth", weights_only=True)
    return {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}


def learnt(state: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in state if name.endswith((".weight", ".bias"))}


def test_a_searched_backbone_trains_all_of_its_weights(task: DetectionTask, tmp_path: Path) -> None:
    start = fitted(task, SSDLITE, replace(STAGE, lr=0.0), tmp_path)
    end = fitted(task, SSDLITE, STAGE, tmp_path)
    assert not [name for name in learnt(start) if torch.equal(start[name], end[name])]


def test_a_searched_backbone_starts_from_what_fits_of_the_encoder(tmp_path: Path) -> None:
    """Its layer5 begins with another kernel than MobileNetV2's; all else that both have fits."""
    weights = make(tmp_path, encoder=dict(width=0.25)).encoder.weights()
    weights = {name: value + 0.1 if value.is_floating_point() else value for name, value in weights.items()}
    checkpoint, kernel = str(tmp_path / "mobilenet.pth"), "layer5.0.conv.1.conv.weight"
    torch.save(weights, checkpoint)
    for source, taken in ((checkpoint, True), (None, False)):
        task = make(tmp_path, encoder=dict(width=0.25, checkpoint=source))
        state = fitted(task, SSDLITE, replace(STAGE, lr=0.0), tmp_path)
        common = learnt(state) & set(weights)
        assert state[kernel].shape != weights[kernel].shape
        assert len(common) > 50
        assert {torch.equal(state[name], weights[name]) for name in common - {kernel}} == {taken}


def test_a_searched_backbone_cannot_use_cached_features(task: DetectionTask) -> None:
    with pytest.raises(ValueError, match="reads cached features, but the backbone itself is searched"):
        task.fit(SSDLITE, replace(STAGE, cached=True), seed=0)


@pytest.mark.parametrize("part", [model(), SSDLITE], ids=["fcos", "ssdlite"])
def test_batches_without_objects_are_survived(tmp_path: Path, part: dict[str, Any]) -> None:
    """Two of six images have objects: one of three batches has none."""
    task = make(tmp_path, dict(type=Shapes, empty=(0, 2, 3, 5)))
    metrics = task.fit(part, replace(STAGE, batch=2), seed=0).metrics
    assert all(math.isfinite(value) for value in metrics.values())


def test_what_is_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ScenesSegmentation is no data for DetectionTask: use a DetectionData"):
        make(tmp_path, dict(type="ScenesSegmentation"))
    with pytest.raises(ValueError, match="Shapes is no data for SegmentationTask: use a SegmentationData"):
        TASKS.build(dict(type="SegmentationTask", data=dict(type=Shapes), encoder={}, cache=str(tmp_path)))
    with pytest.raises(ValueError, match="template is 'fcos' or 'ssdlite', not None"):
        make(tmp_path).network(dict(decode_head=dict(type="densebench.CellDecoder")))


@pytest.mark.parametrize("width", [2, 18])
def test_a_width_that_norms_cannot_group_is_refused(tmp_path: Path, width: int) -> None:
    with pytest.raises(ValueError, match=f"width of a plain FCOS must be a multiple of 4, not {width}"):
        make(tmp_path).network(dict(template="fcos", width=width))


def test_bccd_trains_and_scores(shared, tmp_path: Path) -> None:
    task = make(tmp_path, dict(type="VocDetection", root=str(shared("bccd"))), head=NORMALISED)
    assert task.data.classes == ("Platelets", "RBC", "WBC")
    stage = replace(STAGE, share=0.04, size=(96, 128), eval_size=(96, 128), cached=True)
    task.prepare([stage])
    outcome = task.fit(model(), stage, seed=0)
    assert all(math.isfinite(value) for value in outcome.metrics.values())
    assert outcome.cost.images == 8 + 87
