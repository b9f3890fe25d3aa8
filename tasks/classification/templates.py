"""The classification template: a linear layer on the average of any backbone's last map."""

from __future__ import annotations

from typing import Any

import mmdet.models  # noqa: F401 - registers the stock modules
import mmseg.models  # noqa: F401 - the same

import tasks.classification.networks  # noqa: F401 - registers the classifier
from tasks.task import Parts
from tasks.templates import COLOURS, Config, Size, Template


class Classifier(Template):
    """A backbone that gives the one map `tap`, as a backbone is told: "32", or "32+" with MobileNetV2's last convolution.

    A backbone that is told no taps gives its one map at any stride. `dropout` is the share of the averaged channels that a
    training leaves out.
    """

    slots = ("backbone",)

    def __init__(self, tap: str = "32", dropout: float = 0.0):
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {dropout}")
        self.taps, self.dropout = (tap,), dropout

    def fits(self, stride: int, wanted: int) -> bool:
        return True

    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        return dict(
            type="ImageClassifier",
            data_preprocessor=dict(type="ImgDataPreprocessor", **COLOURS),
            backbone=backbone,
            channels=channels[-1],
            classes=classes,
            dropout=self.dropout,
        )
