"""A task in closed form: no data, no training, the same score for the same architecture, in microseconds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from tasks.registry import TASKS
from tasks.stage import Cost, Outcome, Stage
from tasks.task import Task

if TYPE_CHECKING:
    import torch

IMAGES = 100  # a pretended training set, so that stages differ in cost
TOP = {"relu": 1.0, "tanh": 0.6, "none": 0.2}


@TASKS.register_module()
class ToyTask(Task):
    """Scores a network of `ToySpace` by a formula with a known best.

    A layer is worth the more, the closer its receptive field is to what the depth asks for (kernel 3, then 5, then 3
    ...), the wider it is (with falling returns) and the better its activation; two equal kernels in a row lose some of
    it. `noise` points of seeded noise are added, halved by every doubling of `stage.epochs`. A layer with the activation
    named in `broken` raises, as a faulty candidate would.
    """

    primary, metrics = "score", ("score",)

    def __init__(self, cache: str = "", device: str = "cpu", noise: float = 0.0, broken: str | None = None):
        super().__init__(cache, device)
        self.noise, self.broken = noise, broken

    def fingerprint(self) -> str:
        return "toy-1"

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        return Cost()

    def score(self, layers: Sequence[dict[str, Any]]) -> float:
        """The noise-free score in 0 to 100; 100 is reached by width 16, relu and kernels 3, 5, 3, 5, ..."""
        total = 0.0
        for depth, layer in enumerate(layers):
            fit = 1.0 - abs(layer["kernel"] - (3, 5)[depth % 2]) / 4
            twin = depth > 0 and layer["kernel"] == layers[depth - 1]["kernel"]
            total += fit * math.sqrt(layer["width"] / 16) * TOP[layer["act"]] * (0.8 if twin else 1.0)
        return 100.0 * total / len(layers)

    def fit(
        self, model: dict[str, Any], stage: Stage, *, seed: int, init: str | None = None, weights: str | None = None
    ) -> Outcome:
        started = time.perf_counter()
        layers = model["layers"]
        if self.broken is not None and any(layer["act"] == self.broken for layer in layers):
            raise RuntimeError(f"a layer with activation {self.broken!r} is broken on purpose")
        score = self.score(layers) + Random(seed).gauss(0.0, self.noise) / stage.epochs
        images = stage.epochs * round(IMAGES * stage.share)
        pixels = images * stage.size[0] * stage.size[1]
        return Outcome({"score": score}, Cost(images, pixels, time.perf_counter() - started))

    def config(self, model: dict[str, Any]) -> dict[str, Any]:
        return model

    def network(self, model: dict[str, Any]) -> torch.nn.Module:
        from torch import nn

        activations = {"none": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}
        modules: list[nn.Module] = []
        width = 3
        for layer in model["layers"]:
            modules += [nn.Conv2d(width, layer["width"], layer["kernel"], padding="same"), activations[layer["act"]]()]
            width = layer["width"]
        return nn.Sequential(*modules).eval()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return (3, 64, 64)
