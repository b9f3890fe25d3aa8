"""A task in closed form: no data, no training, the same score for the same architecture, in microseconds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from core import Inherit, Weights, matching
from tasks.batch import Batch
from tasks.cost import Inherited
from tasks.data import Data
from tasks.samples import Samples
from tasks.stage import Stage
from tasks.task import Parts, Start
from tasks.toy import formula
from tasks.trainable import Trainable
from tasks.weights import inherit, load

if TYPE_CHECKING:
    from torch import Tensor, nn

LEARNT = 40.0  # its sigmoid is 1
IMAGES = 100
SCORED = 10


class Nothing(Data):
    """A split "train" of IMAGES images, others of SCORED; there is nothing to see in them."""

    in_memory = True

    def size(self, split: str) -> int:
        return IMAGES if split == "train" else SCORED

    def read(self, split: str, index: int) -> tuple[np.ndarray, Any]:
        return np.zeros((1, 1, 3), dtype=np.uint8), np.zeros(1)

    def fingerprint(self, *others: str) -> str:
        return "toy-1"

    def problems(self, split: str) -> Iterator[str]:
        return iter(())


class ToyTask(Trainable):
    """Scores a network of `ToySpace` by a formula with a known best: width 16, relu and kernels 3, 5, 3, 5, ... make 100.

    A layer is worth the more, the closer its receptive field is to what the depth asks for (kernel 3, then 5, then 3
    ...), the wider it is (with falling returns) and the better its activation; two equal kernels in a row lose some of
    it. `noise` points of seeded noise are added, halved by every doubling of the epochs. A layer with the activation named in
    `broken` raises, as a faulty candidate would.

    The weights of a network are a number for each layer, whose sigmoid is how much of its worth it has learnt; training
    makes that all. A supernet really learns them, from images without content.
    """

    primary, metrics = "score", ("score",)
    by_steps = False

    def __init__(self, cache: str = "", device: str = "cpu", noise: float = 0.0, broken: str | None = None):
        super().__init__(Nothing(), cache, device, (3, 64, 64))
        if noise < 0:
            raise ValueError(f"noise must not be negative, not {noise}")
        self.noise, self.broken = noise, broken

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        layers, recipe = model["layers"], stage.recipe
        if isinstance(layers, Mapping):
            return super().train_and_score(model, stage, seed, start, keep, adopt)
        if self.broken is not None and any(layer["act"] == self.broken for layer in layers):
            raise RuntimeError(f"a layer with activation {self.broken!r} is broken on purpose")
        taken, before, inherited = {"gains": np.zeros(len(layers))}, 0, None
        if start is not None:
            weights, before = _read(start.path)
            taken, inherited = inherit(weights, taken, start.inherit or matching, start.path)
        epochs = recipe.epochs + (before if recipe.continues or not recipe.epochs else 0)
        gains = [LEARNT] * len(layers) if recipe.epochs else [float(gain) for gain in taken["gains"]]
        images = recipe.epochs * round(IMAGES * stage.view.share) if recipe.epochs else SCORED
        self.meter.count(images, stage.view.size)
        if keep is not None:
            Path(keep).write_text(json.dumps({"gains": gains, "epochs": epochs}))
        noise = Random(seed).gauss(0.0, self.noise) / max(1, epochs)
        return {"score": formula.score(layers, gains) + noise}, inherited

    def config(self, model: Parts) -> dict[str, Any]:
        layers = model["layers"]
        return {**layers, **formula.TABLES} if isinstance(layers, Mapping) else dict(model)

    def network(self, model: Parts) -> nn.Module:
        from torch import nn

        activations = {"none": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}
        modules: list[nn.Module] = []
        width = 3
        for layer in model["layers"]:
            modules += [nn.Conv2d(width, layer["width"], layer["kernel"], padding="same"), activations[layer["act"]]()]
            width = layer["width"]
        return nn.Sequential(*modules).eval()

    def measure(self, model: Parts, names: Collection[str]) -> dict[str, float]:
        known = formula.costs(model["layers"], self.input_shape)
        slow = [name for name in names if name not in known]
        known |= super().measure(model, slow) if slow else {}
        return {name: known[name] for name in names}

    # Of supernets.

    def samples(self, stage: Stage) -> Samples:
        return Samples(self.data, stage)

    def on_device(self, images: Tensor, truths: Tensor) -> Batch:
        return Batch(images, truths)

    def forward(self, network: Any, inputs: Any) -> Tensor:
        """The expected score of the mixture."""
        return network()

    def criterion(self, network: Any, stage: Stage, outputs: Tensor, batch: Batch) -> Tensor:
        """How far it is from the best."""
        return 1 - outputs / 100

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        self.meter.count(SCORED, stage.view.size)
        return {"score": float(network())}


def _read(path: str) -> tuple[Weights, int]:
    """The weights and the epochs in a file that a network left, or the weights of a supernet."""
    if not Path(path).read_bytes().startswith(b"{"):
        return load(path), 0
    kept = json.loads(Path(path).read_text())
    return {"gains": np.array(kept["gains"])}, kept["epochs"]
