"""Detection scores, against the original COCO API, published numbers and cases by hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.evaluation.functional.mean_ap import average_precision, tpfp_default
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tasks.detection.data import NucleiDetection
from tasks.detection.metrics import COCO_METRICS, coco_metrics, coco_names, voc_ap, voc_map
from tasks.detection.stock import DetectionSplit

Data = tuple[dict[str, Any], list[dict[str, Any]]]


def original(ground_truth: dict[str, Any], detections: list[dict[str, Any]], limit: int = 100) -> dict[str, float]:
    """The same twelve numbers by pycocotools, at our scale."""
    truth = COCO()
    truth.dataset = copy.deepcopy(ground_truth)
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(detections)), "bbox")
    evaluation.params.maxDets = [1, 10, limit]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    precision = evaluation.eval["precision"][..., 0, -1]
    mean = precision[precision >= 0].mean()  # the first number is of 100 detections, or of none, whatever is set
    stats = [mean, *evaluation.stats[1:].tolist()]
    return {name: 100 * v if v >= 0 else -1.0 for name, v in zip(coco_names(limit), stats, strict=True)}


def random_case(seed: int, largest: float) -> Data:
    """Twelve images with objects up to `largest` pixels, crowds among them, and detections good, doubled and wrong."""
    rng = Random(seed)

    def box() -> list[float]:
        return [rng.uniform(0, 100), rng.uniform(0, 100), rng.uniform(4, largest), rng.uniform(4, largest)]

    images = [dict(id=index, width=300, height=300) for index in range(12)]
    objects, detections = [], []
    for _ in range(80):
        place = dict(image_id=rng.randrange(10), category_id=rng.randrange(3))  # images and categories without objects
        bbox = box()
        objects.append(dict(**place, bbox=bbox, area=0.8 * bbox[2] * bbox[3], iscrowd=int(rng.random() < 0.15)))
        for _ in range(rng.choice((0, 1, 1, 2, 30))):
            near = [value + rng.gauss(0, 0.06 * largest) for value in bbox]
            near[2:] = (max(value, 1.0) for value in near[2:])
            detections.append(dict(**place, bbox=near, score=round(rng.random(), 2)))  # with ties
    for _ in range(60):
        wrong = dict(image_id=rng.randrange(12), category_id=rng.randrange(4))
        detections.append(dict(**wrong, bbox=box(), score=round(rng.random(), 2)))
    categories = [dict(id=index, name=str(index)) for index in range(4)]
    objects = [dict(id=number, **item) for number, item in enumerate(objects, start=1)]
    return dict(images=images, categories=categories, annotations=objects), detections


@pytest.mark.parametrize(("seed", "largest"), [(0, 150.0), (1, 150.0), (2, 30.0), (3, 60.0)])
def test_coco_numbers_are_the_original_apis(seed: int, largest: float) -> None:
    ground_truth, detections = random_case(seed, largest)
    before = copy.deepcopy((ground_truth, detections))
    ours = coco_metrics(ground_truth, detections)
    assert ours == pytest.approx(original(ground_truth, detections), abs=1e-9)
    assert any(item["iscrowd"] for item in ground_truth["annotations"])
    assert (ours["mAPl"] == -1) == (largest < 96)  # no object of that size
    assert 5 < ours["mAP50"] < 95
    assert (ground_truth, detections) == before


@pytest.mark.parametrize("limit", [100, 300])
def test_coco_numbers_of_crowded_images(limit: int) -> None:
    """More than 300 detections of one class in an image, of which so many count."""
    truth, detections = random_case(2, 30.0)
    one = dict(image_id=0, category_id=0)
    truth["annotations"] = [{**item, **one} for item in truth["annotations"]]
    detections = [{**item, **one} for item in detections]
    assert len(detections) > 300
    ours = coco_metrics(truth, detections, limit)
    assert ours == pytest.approx(original(truth, detections, limit), abs=1e-9)
    assert tuple(ours) == coco_names(limit)
    assert ours[f"AR{limit}"] == ours["ARs"]
    assert coco_metrics(truth, detections, 300)["AR300"] > coco_metrics(truth, detections)["AR100"]


def test_an_object_numbered_zero_counts() -> None:
    ground_truth, detections = random_case(0, 150.0)
    renumbered = [{**item, "id": item["id"] - 1} for item in ground_truth["annotations"]]
    assert coco_metrics({**ground_truth, "annotations": renumbered}, detections) == coco_metrics(
        ground_truth, detections
    )


def test_no_detections_score_zero(capfd: pytest.CaptureFixture[str]) -> None:
    ground_truth, _ = random_case(2, 30.0)
    scores = coco_metrics(ground_truth, [])
    assert tuple(scores) == COCO_METRICS
    absent = {"mAPm", "mAPl", "ARm", "ARl"}  # at most 30 x 30 pixels
    assert scores == {name: -1.0 if name in absent else 0.0 for name in COCO_METRICS}
    assert voc_map(ground_truth, []) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("key", "value"), [("image_id", 99), ("category_id", 7)])
@pytest.mark.parametrize("score", [coco_metrics, voc_map])
def test_detections_of_something_else_are_refused(score, key: str, value: int) -> None:
    ground_truth, detections = random_case(0, 150.0)
    with pytest.raises(ValueError, match=f"{key} {value}"):
        score(ground_truth, [*detections, {**detections[0], key: value}])


def test_coco_fake100(shared) -> None:
    pack = shared("detection_anchors") / "coco_fake100"
    ground_truth = json.loads((pack / "sampled_gts_bbox_area.json").read_text())
    detections = json.loads((pack / "instances_val2014_fakebbox100_results.json").read_text())
    published = (
        0.503647, 0.696973, 0.571667, 0.593252, 0.557991, 0.489363,
        0.386813, 0.593680, 0.595353, 0.654764, 0.603130, 0.553744,
    )  # fmt: skip
    expected = {name: 100 * value for name, value in zip(COCO_METRICS, published, strict=True)}
    ours = coco_metrics(ground_truth, detections)
    assert ours == pytest.approx(expected, abs=5.1e-5)
    assert ours == pytest.approx(original(ground_truth, detections), abs=1e-9)


@pytest.fixture
def voc100(shared) -> Data:
    """100 photographs of PASCAL VOC 2012; the detector's images and classes are matched by their names."""
    pack: Path = shared("detection_anchors") / "voc100"
    ground_truth = json.loads((pack / "gts" / "coco_format_v1" / "instances_default.json").read_text())
    found = json.loads((pack / "dets" / "coco_format" / "coco_dets.json").read_text())
    ours = {item["file_name"]: item["id"] for item in ground_truth["images"]}
    images = {item["id"]: ours[item["file_name"]] for item in found["images"]}
    ours = {item["name"]: item["id"] for item in ground_truth["categories"]}
    classes = {item["id"]: ours[item["name"]] for item in found["categories"]}
    return ground_truth, [
        {**item, "image_id": images[item["image_id"]], "category_id": classes[item["category_id"]]}
        for item in found["annotations"]
    ]


def test_voc100_by_coco(voc100: Data) -> None:
    published = (0.346958, 0.610030, 0.353714, 0.075181, 0.339482, 0.497881, 0.373505, 0.520647, 0.522570)
    ours = coco_metrics(*voc100)
    assert list(ours.values())[:9] == pytest.approx([100 * value for value in published], abs=5.1e-5)
    assert ours == pytest.approx(original(*voc100), abs=1e-9)


def mmdets_ap(case: Data, category: int, iou: float) -> float:
    """The average precision of one class by MMDetection's parts, at our scale."""
    ground_truth, detections = case

    def corners(items: list[dict[str, Any]], *scores: str) -> np.ndarray:
        boxes = [(x, y, x + width, y + height) for x, y, width, height in (item["bbox"] for item in items)]
        rows = [(*box, *(item[key] for key in scores)) for box, item in zip(boxes, items, strict=True)]
        return np.array(rows, float).reshape(-1, 4 + len(scores))

    parts, scores, total = [], [], 0
    for image in ground_truth["images"]:
        here = dict(image_id=image["id"], category_id=category)
        found, objects = (
            [item for item in items if here.items() <= item.items()]
            for items in (detections, ground_truth["annotations"])
        )
        counted, difficult = ([item for item in objects if item["difficult"] == flag] for flag in (False, True))
        boxes = corners(found, "score")
        parts.append(tpfp_default(boxes, corners(counted), corners(difficult), iou, use_legacy_coordinate=True))
        scores.append(boxes[:, -1])
        total += len(counted)
    order = np.argsort(-np.concatenate(scores))
    true, false = (np.cumsum(np.hstack(part)[0, order], dtype=float) for part in zip(*parts, strict=True))
    return 100 * float(average_precision(true / total, true / np.maximum(true + false, 1), "area"))


def in_whole_pixels(case: Data) -> Data:
    """The same boxes where the last pixel belongs to them, as in Pascal VOC's files."""
    ground_truth, detections = case
    objects, found = (
        [{**item, "bbox": [x, y, width + 1, height + 1]} for item in items for x, y, width, height in (item["bbox"],)]
        for items in (ground_truth["annotations"], detections)
    )
    return {**ground_truth, "annotations": objects}, found


def test_crowds_neither_count_nor_punish_by_voc_s_rules() -> None:
    here = dict(image_id=0, category_id=1)
    objects = [dict(here, bbox=[0, 0, 10, 10]), dict(here, bbox=[50, 50, 40, 40], iscrowd=1)]
    truth = dict(images=[dict(id=0)], categories=[dict(id=1)], annotations=objects)
    found = [dict(here, bbox=[50, 50, 40, 40], score=0.9), dict(here, bbox=[0, 0, 10, 10], score=0.8)]
    assert voc_map(truth, found) == 100


@pytest.mark.parametrize("seed", range(3))
def test_voc_is_mmdetections(seed: int) -> None:
    rng = Random(seed)
    ground_truth, detections = random_case(seed, 60.0)
    objects = [{**item, "iscrowd": 0, "difficult": rng.random() < 0.3} for item in ground_truth["annotations"]]
    detections = [{**item, "score": rng.random()} for item in detections]  # without ties
    case = ({**ground_truth, "annotations": objects}, detections)
    for iou in (0.3, 0.5):
        theirs = [mmdets_ap(case, category, iou) for category in range(3)]
        ours = in_whole_pixels(case)
        assert [voc_ap(*ours, category, iou) for category in range(3)] == pytest.approx(theirs, abs=1e-4)
        assert voc_map(*ours, iou) == pytest.approx(np.mean(theirs), abs=1e-4)
        assert min(theirs) > 5


@pytest.fixture
def text_case(shared) -> Data:
    """The classic case of one class on seven images."""
    pack: Path = shared("detection_anchors") / "voc_text_case"
    images, objects, detections = [], [], []
    for image, path in enumerate(sorted((pack / "gts").glob("*.txt"))):
        images.append(dict(id=image, file_name=path.name))
        place = dict(image_id=image, category_id=1)
        for line in path.read_text().splitlines():
            objects.append(dict(**place, bbox=[float(value) for value in line.split()[1:]]))
        for line in (pack / "dets" / path.name).read_text().splitlines():
            score, *bbox = (float(value) for value in line.split()[1:])
            detections.append(dict(**place, bbox=bbox, score=score))
    return dict(images=images, categories=[dict(id=1, name="object")], annotations=objects), detections


def test_voc_on_the_classic_case(text_case: Data) -> None:
    for iou, value in ((0.1, 0.3371980676), (0.3, 0.2456866804), (0.5, 0.0222222222), (0.75, 0)):
        assert voc_map(*in_whole_pixels(text_case), iou=iou) == pytest.approx(100 * value, abs=1e-8)


def voc_case(*found: tuple[list[float], float]) -> Data:
    """Two objects, the second one difficult, of class 1 and one of class 2; detections of class 1."""
    objects = [
        dict(image_id=0, category_id=1, bbox=[0, 0, 9, 9]),
        dict(image_id=0, category_id=1, bbox=[20, 0, 9, 9], difficult=1),
        dict(image_id=0, category_id=2, bbox=[0, 0, 9, 9]),
    ]
    categories = [dict(id=index, name=str(index)) for index in (1, 2, 3)]
    detections = [dict(image_id=0, category_id=1, bbox=bbox, score=score) for bbox, score in found]
    return dict(images=[dict(id=0)], categories=categories, annotations=objects), detections


def test_voc_by_hand() -> None:
    hit, double, difficult, miss = [0, 0, 9, 9], [0, 1, 9, 9], [20, 0, 9, 9], [50, 50, 9, 9]
    assert voc_ap(*voc_case((hit, 0.5)), category=1) == 100
    assert voc_ap(*voc_case((hit, 0.5), (double, 0.9)), category=1) == 100  # the better scored one is right
    assert voc_ap(*voc_case((hit, 0.5), (miss, 0.9)), category=1) == 50
    assert voc_ap(*voc_case((hit, 0.5), (difficult, 0.9), (difficult, 0.8)), category=1) == 100  # ignored
    assert voc_ap(*voc_case((difficult, 0.9)), category=1) == 0
    assert voc_map(*voc_case((hit, 0.5))) == 50  # class 2 is never found, class 3 has no objects


def test_the_most_overlapped_object_is_taken_even_if_it_is_taken() -> None:
    """A detection does not fall back to another object: it is wrong (the devkit's rule; the COCO API's differs)."""
    objects = [dict(image_id=0, category_id=1, bbox=bbox) for bbox in ([0, 0, 10, 10], [0, 4, 10, 10])]
    ground_truth = dict(images=[dict(id=0)], categories=[dict(id=1, name="a")], annotations=objects)
    detections = [dict(image_id=0, category_id=1, bbox=[0, 0, 10, 10], score=score) for score in (0.9, 0.8)]
    assert voc_ap(ground_truth, detections, category=1, iou=0.3) == 50


def test_what_voc_cannot_score_is_refused() -> None:
    ground_truth, detections = voc_case()
    with pytest.raises(ValueError, match="no object that counts"):
        voc_map({**ground_truth, "annotations": ground_truth["annotations"][1:2]}, detections)


def test_stock_tools_score_by_the_same_rules() -> None:
    """Sizes are those of the masks, and more than 100 detections count."""
    data, rng = NucleiDetection(window=96), np.random.default_rng(0)
    view = dict(eval="val", eval_size=(64, 64))
    split = DetectionSplit(data=dict(type="NucleiDetection", window=96), view=view, scored=True)
    found, evaluator = [], Evaluator(dict(type="CocoScores", limit=data.limit))
    evaluator.dataset_meta = split.metainfo
    for index in range(len(split)):
        boxes = data.annotated("val", index).objects.boxes
        boxes, scores = boxes + rng.normal(0, 1, boxes.shape), rng.random(len(boxes))
        sample = split[index]["data_samples"]
        labels = torch.zeros(len(boxes), dtype=torch.long)
        sample.pred_instances = InstanceData(bboxes=torch.tensor(boxes), scores=torch.tensor(scores), labels=labels)
        evaluator.process([sample])
        for (x1, y1, x2, y2), score in zip(boxes.tolist(), scores.tolist(), strict=True):
            found.append(dict(image_id=index, category_id=1, bbox=[x1, y1, x2 - x1, y2 - y1], score=score))
    wanted = coco_metrics(data.ground_truth("val"), found, data.limit)
    boxes_alone = data.ground_truth("val")
    for one in boxes_alone["annotations"]:
        one["area"] = one["bbox"][2] * one["bbox"][3]
    assert coco_metrics(boxes_alone, found, data.limit) != wanted
    measured = evaluator.evaluate(len(split))
    assert measured == pytest.approx({f"coco/{name}": value for name, value in wanted.items()})
