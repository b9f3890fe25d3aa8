"""Networks that are taken home: what they compute from an image, and how MMEngine trains and tests them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import Tensor, nn
from torch.utils.data import Dataset

from tasks.augment import MEAN, STD
from tasks.merging import merged
from tasks.samples import Sample, Samples
from tasks.stage import Stage
from tasks.task import Parts


class Deployable(ABC):
    """A task whose networks can be taken home."""

    @abstractmethod
    def finished(self, model: Parts, weights: Mapping[str, Tensor]) -> nn.Module:
        """The network as it is deployed, in eval mode, with weights that a training left.

        Raises ValueError where one is missing.
        """

    @abstractmethod
    def deployed(self, network: nn.Module) -> nn.Module:
        """The same from a batch of images, (N, C, H, W) floats, to what is wanted of them: tensors."""

    @abstractmethod
    def usage(self, stage: Stage) -> dict[str, Any]:
        """What who runs it must know, as plain data: "task", "classes", "colours", "white" (the value), "size" ..."""

    @abstractmethod
    def samples(self, stage: Stage) -> Samples:
        """What a stage trains on and scores."""

    def confusion(self, network: nn.Module, stage: Stage) -> Any:
        """Which classes a network takes for which on the scored images, where it names that of each, or of each pixel."""
        return None

    @abstractmethod
    def example(self, network: nn.Module, image: np.ndarray, truth: Any) -> Example:
        """What a `deployed` network makes of a scored sample, to be looked at."""

    @abstractmethod
    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        """The parts of an MMEngine config that are the task's: "model", "train" and "test" data sets, "evaluator", "scope"."""


@dataclass(frozen=True)
class Example:
    """Pictures, (H, W, 3) RGB uint8, as "input", "truth" and "answer", and what the answer is worth by itself."""

    pictures: dict[str, np.ndarray]
    score: dict[str, float]


def as_batch(image: np.ndarray, device: str = "cpu") -> Tensor:
    """An (H, W, C) image as a `deployed` network takes it."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float().to(device)


def whole(network: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A network with these weights, of which it may leave out some, merged and in eval mode.

    Raises ValueError where a weight is missing.
    """
    known = network.state_dict()
    missing = [name for name, value in known.items() if name not in weights or weights[name].shape != value.shape]
    if missing:
        raise ValueError(
            f"{len(missing)} of the network's {len(known)} tensors are not in these weights ({missing[0]})"
        )
    network.load_state_dict({name: weights[name] for name in known})
    network.eval()  # OpenMMLab's networks do not return themselves from it
    return merged(network)


class Normalised(nn.Module):
    """(N, 3, H, W) RGB images, 0 to 255, as encoders expect them: `tasks.augment.normalise` as a module."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, 255 * torch.tensor(values).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std


class Split(Dataset, ABC):
    """The training crops of a stage, or (`scored`) the images that it is scored on, as MMEngine's runner takes them.

    `data` is a config as a task has it, `view` that of a stage. Fresh crops are drawn from torch's generator, which MMEngine
    seeds; fixed ones are those of the stage.
    """

    def __init__(self, data: Mapping[str, Any], view: Mapping[str, Any], scored: bool = False, **more: Any):
        recipe = {"epochs": 1}
        self.scored = scored
        self.samples = self.read(data, Stage.of({"name": "stock", "view": dict(view), "recipe": recipe}), **more)

    @abstractmethod
    def read(self, data: Mapping[str, Any], stage: Stage) -> Samples: ...

    @abstractmethod
    def packed(self, index: int, sample: Sample) -> dict[str, Any]:
        """A sample as "inputs" and "data_samples"."""

    @property
    def metainfo(self) -> dict[str, Any]:
        return {"classes": getattr(self.samples.data, "classes", ())}

    def __len__(self) -> int:
        return self.samples.eval_size if self.scored else self.samples.train_size

    def __getitem__(self, index: int) -> dict[str, Any]:
        if self.scored:
            return self.packed(index, self.samples.scored(index))
        return self.packed(index, self.samples.crop(index, int(torch.randint(2**31, ()).item())))


def plain(view: Any) -> dict[str, Any]:
    """A stage's view as a config writes it."""
    return asdict(view)


def bgr(image: Any) -> Tensor:
    """An (H, W, 3) RGB image as OpenMMLab's data preprocessors take it."""
    return torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)


@HOOKS.register_module()
class FrozenBackbone(Hook):
    """Keeps a backbone as it is while the rest of a network learns: weights, and statistics of norms."""

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.backbone.requires_grad_(False)
        model.backbone.eval()
