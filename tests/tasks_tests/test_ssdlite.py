"""The SSDLite template: anchors and maps of any image size, and a detector that trains and predicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from search_spaces.mbconv.space import MBConv
from tasks.detection.ssdlite import RATIOS, anchors, map_sizes
from tasks.detection.templates import SSDLite

STAGES = [["k3e3"], ["k5e3"], ["k3e3"], ["k3e3"], ["k3e6"], ["k3e3"]]


def detector(size: tuple[int, int], classes: int = 3) -> Any:
    space = MBConv(width=0.25)
    config = SSDLite().config(space.model(space.read(STAGES)), {}, classes, size)
    assert json.loads(json.dumps(config)) == config
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MODELS.build(ConfigDict(config))


def batch(size: tuple[int, int], boxes: list[list[list[float]]]) -> dict[str, Any]:
    """An image for each list of boxes; box k of class k is a rectangle of its own colour on noise."""
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for objects in boxes:
        image = torch.randint(0, 80, (3, *size), generator=generator, dtype=torch.uint8)
        for label, box in enumerate(objects):
            left, top, right, bottom = (int(value) for value in box)
            image[label, top:bottom, left:right] = 255
        sample = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))
        found = torch.tensor(objects, dtype=torch.float32).reshape(-1, 4)
        sample.gt_instances = InstanceData(bboxes=found, labels=torch.arange(len(objects)))
        inputs.append(image)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


@pytest.mark.parametrize(
    ("size", "maps"),
    [
        ((320, 320), [(20, 20), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]),
        ((257, 257), [(17, 17), (9, 9), (5, 5), (3, 3), (2, 2), (1, 1)]),
        ((240, 320), [(15, 20), (8, 10), (4, 5), (2, 3), (1, 2), (1, 1)]),
        ((128, 128), [(8, 8), (4, 4), (2, 2), (1, 1)]),
        ((33, 20), [(3, 2), (2, 1), (1, 1)]),
        ((640, 480), [(40, 30), (20, 15), (10, 8), (5, 4), (3, 2), (2, 1)]),
    ],
)
def test_maps_are_the_networks_and_anchors_cover_them(size: tuple[int, int], maps: list[tuple[int, int]]) -> None:
    assert map_sizes(size) == maps
    network = detector(size).eval()
    with torch.no_grad():
        scores, boxes = network(torch.zeros(1, 3, *size))
    each = [4, 6, 6, 6, 4, 4][: len(maps)]
    assert [tuple(x.shape) for x in scores] == [(1, 4 * n, *here) for n, here in zip(each, maps, strict=True)]
    assert [tuple(x.shape) for x in boxes] == [(1, 4 * n, *here) for n, here in zip(each, maps, strict=True)]
    generator = network.bbox_head.prior_generator
    assert generator.num_base_priors == each
    for (rows, columns), found in zip(maps, generator.grid_priors(maps, device="cpu"), strict=True):
        centres = (found[:, :2] + found[:, 2:]) / 2
        assert centres.min(0)[0].tolist() == pytest.approx([size[1] / columns / 2, size[0] / rows / 2], abs=1e-3)
        assert (torch.tensor(size[::-1]) - centres).min(0)[0].tolist() == pytest.approx(
            [size[1] / columns / 2, size[0] / rows / 2], abs=1e-3
        )
        valid = generator.valid_flags(maps, size, device="cpu")
        assert all(bool(flags.all()) for flags in valid)


def test_anchors_at_320_are_mmdetections() -> None:
    ours = anchors((320, 320), map_sizes((320, 320)))
    assert ours["min_sizes"] == pytest.approx([48, 100, 150, 202, 253, 304], abs=1)
    assert ours["max_sizes"] == pytest.approx([100, 150, 202, 253, 304, 320], abs=1)
    assert [stride[0] for stride in ours["strides"]] == pytest.approx([16, 32, 64, 107, 160, 320], abs=0.4)


def test_anchors_of_fnas_code() -> None:
    """Which takes MMDetection's for 300 pixels at 320, and suppresses boxes from 0.6 on."""
    theirs = TASK_UTILS.build(
        dict(
            type="mmdet.SSDAnchorGenerator",
            scale_major=False,
            strides=[16, 32, 64, 107, 160, 320],
            ratios=RATIOS,
            basesize_ratio_range=(0.2, 0.95),
            input_size=300,
        )
    )
    template = SSDLite(0.6, [pixels / 320 for pixels in (30, 60, 114, 168, 222, 276, 330)])
    space = MBConv(width=0.25)
    config = template.config(space.model(space.read(STAGES)), {}, 80, (320, 320))
    ours = TASK_UTILS.build(config["bbox_head"]["anchor_generator"])
    assert config["test_cfg"]["nms"]["iou_threshold"] == 0.6
    for mine, other in zip(ours.base_anchors, theirs.base_anchors, strict=True):
        sizes = mine[:, 2:] - mine[:, :2]
        assert torch.allclose(sizes, other[:, 2:] - other[:, :2], rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(overlap=0), "overlap must be above 0 and at most 1, not 0"),
        (dict(scales=[]), "scales must be positive numbers"),
        (dict(scales=[0.1, 0.0]), "scales must be positive numbers"),
        (dict(scales=[0.1, 0.5]), r"images of \(128, 128\) pixels have 4 maps: give SSDLite 5 scales, or none"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    backbone = MBConv(width=0.25).model(MBConv(width=0.25).read(STAGES))
    with pytest.raises(ValueError, match=sentence):
        SSDLite(**settings).config(backbone, {}, 3, (128, 128))


def test_anchors_of_ratio_one_are_square_and_grow_with_the_image() -> None:
    small, large = (
        TASK_UTILS.build(dict(anchors(size, map_sizes(size)), type="mmdet.SSDAnchorGenerator")).base_anchors
        for size in ((120, 160), (480, 640))
    )
    sides = [(level[:2, 2:] - level[:2, :2]).tolist() for level in large]
    assert all(width == pytest.approx(height) for level in sides for width, height in level)
    assert sides[0][0][0] == pytest.approx(0.15 * (480 * 640) ** 0.5)
    assert (small[0][0, 2:] - small[0][0, :2]).tolist() == pytest.approx([side / 4 for side in sides[0][0]])


@pytest.mark.parametrize("size", [(32, 32), (16, 20)])
def test_images_without_a_map_to_add_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="too small for SSDLite"):
        map_sizes(size)


def test_losses_and_gradients_are_finite() -> None:
    network = detector((128, 128)).train()
    data = batch((128, 128), [[[10, 10, 60, 50], [70, 20, 120, 120]], [], [[0, 0, 128, 128]]])  # one without objects
    losses = network(**network.data_preprocessor(data, training=True), mode="loss")
    total = sum(sum(values) for values in losses.values())
    total.backward()
    assert total > 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_an_untrained_detector_predicts_boxes_in_the_image() -> None:
    network = detector((96, 128)).eval()
    with torch.no_grad():
        samples = network(**network.data_preprocessor(batch((96, 128), [[], []])), mode="predict")
    for sample in samples:
        found = sample.pred_instances
        assert 0 < len(found) <= 200
        assert found.labels.max() < 3
        assert found.bboxes.min() >= 0
        assert (found.bboxes <= torch.tensor([128, 96, 128, 96])).all()


def test_it_learns_to_find_what_it_was_shown() -> None:
    """Anchors, targets and decoding agree: after a few steps on three images, the best boxes are the true ones."""
    size = (96, 128)
    boxes = [[[10, 10, 50, 50], [70, 20, 120, 80]], [[60, 40, 120, 90], [8, 4, 56, 36]], [[30, 20, 90, 80]]]
    network = detector(size)
    data = network.data_preprocessor(batch(size, boxes), training=True)
    adam = torch.optim.Adam(network.parameters(), lr=3e-3)
    network.train()
    for _ in range(80):
        losses = network(**data, mode="loss")
        adam.zero_grad()
        sum(sum(values) for values in losses.values()).backward()
        adam.step()
    network.eval()
    with torch.no_grad():
        samples = network(**data, mode="predict")
    for objects, sample in zip(boxes, samples, strict=True):
        best = sample.pred_instances[: len(objects)]  # they come by falling score
        best = best[best.labels.argsort()]
        assert best.labels.tolist() == list(range(len(objects)))
        assert bbox_overlaps(best.bboxes, torch.tensor(objects).float(), is_aligned=True).min() > 0.7
