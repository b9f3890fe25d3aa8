"""Segmentation scores, against MMSegmentation's and against recorded outputs of trained networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric
from PIL import Image

from tasks.segmentation.metrics import IGNORE, Confusion


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_mmsegmentations(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 6, (4, 20, 30), generator=generator)
    predictions = torch.where(torch.rand(4, 20, 30, generator=generator) < 0.6, labels, labels.roll(7, 2))
    labels[labels == 4] = 3  # a class that is predicted but not there
    labels[:, :3] = IGNORE
    confusion = Confusion(7)  # class 6 is nowhere
    for label, prediction in zip(labels, predictions, strict=True):
        confusion.add(label, prediction)
    areas = [IoUMetric.intersect_and_union(p, y, 7, IGNORE) for p, y in zip(predictions, labels, strict=True)]
    theirs = IoUMetric.total_area_to_metrics(*(sum(area) for area in zip(*areas, strict=True)), ["mIoU"])
    ours = confusion.metrics()
    assert ours["mIoU"] == pytest.approx(100 * np.nanmean(theirs["IoU"]), abs=1e-4)
    assert ours["mAcc"] == pytest.approx(100 * np.nanmean(theirs["Acc"]), abs=1e-4)
    assert ours["aAcc"] == pytest.approx(100 * float(theirs["aAcc"]), abs=1e-4)


def test_by_hand() -> None:
    confusion = Confusion(2)
    confusion.add(torch.tensor([0, 0, 0, 1, IGNORE]), torch.tensor([0, 0, 1, 1, 0]))
    expected = {"mIoU": 50 * (2 / 3 + 1 / 2), "mAcc": 50 * (2 / 3 + 1), "aAcc": 75.0}
    expected["fwIoU"] = 100 * (3 / 4 * 2 / 3 + 1 / 4 * 1 / 2)
    assert confusion.metrics() == pytest.approx(expected)
    assert confusion.means(without=0) == pytest.approx({"mIoU": 50.0, "mAcc": 100.0, "fwIoU": 50.0})
    assert Confusion(2).means(without=1) == {"mIoU": 0.0, "mAcc": 0.0, "fwIoU": 0.0}


@pytest.mark.parametrize(
    ("arch", "accuracy", "miou"), [("arch0", 0.9535, 0.8077), ("arch1", 0.9059, 0.5574), ("arch2", 0.9208, 0.5860)]
)
def test_recorded_outputs_of_published_networks(shared, arch: str, accuracy: float, miou: float) -> None:
    pack = shared("nas_segm_outputs")
    confusion = Confusion(21)
    for path in sorted((pack / "VOC_pred").glob(f"*.{arch}_segm.png")):
        labels = Image.open(next((pack / "VOC").glob(f"{path.name.split('.')[0]}.png")))
        predicted = Image.open(path).resize(labels.size, Image.Resampling.NEAREST)
        confusion.add(torch.from_numpy(np.array(labels)), torch.from_numpy(np.array(predicted)))
    metrics = confusion.metrics()
    assert metrics["aAcc"] == pytest.approx(100 * accuracy, abs=0.01)
    assert metrics["mIoU"] == pytest.approx(100 * miou, abs=0.01)
