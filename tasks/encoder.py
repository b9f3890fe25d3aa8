"""The encoder: a backbone that all candidates share, and where its weights come from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from mmseg.models.backbones import MobileNetV2
from mmseg.registry import MODELS as SEGMENTATION_MODELS
from torch import Tensor

from core import parse
from tasks.augment import fit_size, normalise
from tasks.cache import cached
from tasks.checkpoint import found_backbone, read_checkpoint
from tasks.cost import Cost, Meter
from tasks.data import Data
from tasks.norms import refit_norms
from tasks.pretraining import pretrain_on_scenes
from tasks.templates import told

STAGES = {"4": 1, "8": 2, "16": 4, "32": 6}  # of MobileNetV2, by the strides of their outputs


@SEGMENTATION_MODELS.register_module()
class ShortMobileNetV2(MobileNetV2):
    """MobileNetV2 without the stages behind the last one that it gives; a single map is a tuple, too."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        end = max(self.out_indices) + 1
        for name in self.layers[end:]:
            delattr(self, name)
        del self.layers[end:]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = super().forward(x)
        return maps if isinstance(maps, tuple) else (maps,)


@SEGMENTATION_MODELS.register_module()
class ExpandedMobileNetV2(ShortMobileNetV2):
    """MobileNetV2 whose first block keeps its 1x1 "expansion" of factor 1, as in Nekrasov et al.'s encoder."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        layer: Any = self.layer1
        first = layer[0]
        width = first.conv[0].in_channels
        first.conv.insert(0, ConvModule(width, width, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg))


@dataclass(frozen=True)
class EncoderSettings:
    """A MobileNetV2 of width `width` (`expanded`: Nekrasov et al.'s), or any backbone by its config, and its weights.

    These are read from `checkpoint`, or, without one, learnt in `pretrain_epochs` of telling the objects of scenes-v1 apart.
    A checkpoint is a file, or the folder of an answer, `answers/<k>` of a run, whose search decided the backbone: then this is
    the encoder, with the taps that are wanted here, whatever `width` says.
    `refit_norms` then gives folded batch norms the statistics of training images, resized to `refit_size`. A MobileNetV2 ends
    with the last stage that the template reads.
    """

    width: float = 1.0
    checkpoint: str | None = None
    pretrain_epochs: int = 0
    refit_norms: bool = False
    refit_size: tuple[int, int] = (256, 256)
    expanded: bool = False
    backbone: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.width > 0 or self.pretrain_epochs < 0 or min(self.refit_size) < 1:
            given = f"{self.width}, {self.pretrain_epochs} and {self.refit_size}"
            raise ValueError(f"width and refit_size must be positive and pretrain_epochs not negative, not {given}")


class Encoder:
    """A backbone of `settings` (an `EncoderSettings`) with these taps; what `prepare` makes lies in the folder `cache`."""

    def __init__(self, data: Data, cache: Path, meter: Meter, taps: Sequence[str], settings: Mapping[str, Any]):
        self.data, self.cache, self.meter = data, cache, meter
        self.settings = _resolved(parse(EncoderSettings, settings, "the encoder"))
        stages = tuple(STAGES[tap] for tap in taps if tap in STAGES) or tuple(STAGES.values())
        kind = "MobileNetV2" if STAGES["32"] in stages[1:] else "ShortMobileNetV2"
        default = dict(
            type=f"mmseg.{'ExpandedMobileNetV2' if self.settings.expanded else kind}",
            widen_factor=self.settings.width,
            strides=(1, 2, 2, 2, 1, 2, 1),
            dilations=(1,) * 7,
            out_indices=stages,
        )
        self.config = told(self.settings.backbone or default, taps)

    @property
    def has_weights(self) -> bool:
        """Has it learnt anything?"""
        return self.settings.checkpoint is not None or self.settings.pretrain_epochs > 0

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the weights."""
        settings = self.settings
        return {
            "config": self.config,
            "checkpoint": settings.checkpoint and sha256(Path(settings.checkpoint).read_bytes()).hexdigest(),
            "pretrain_epochs": settings.pretrain_epochs,
            "refit": [self.data.fingerprint(), settings.refit_size] if settings.refit_norms else None,
            "version": 1,
        }

    def prepare(self) -> Cost:
        """Make the weights, where they are not there. Returns what that cost, now or then."""
        return self._made[1]

    def weights(self) -> dict[str, Tensor]:
        return self._weights

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        path = self._made[0] / "encoder.pth"
        try:
            return torch.load(path, weights_only=True)
        except UnpicklingError:
            raise ValueError(
                f"{path} holds something else than weights: remove its folder, which is made again"
            ) from None

    @cached_property
    def _made(self) -> tuple[Path, Cost]:
        return cached(self.cache, "encoder", self.identity, self._make, self.meter)

    def _make(self, folder: Path) -> None:
        settings = self.settings
        with torch.random.fork_rng():
            torch.manual_seed(0)
            encoder = MODELS.build(ConfigDict(self.config))
            if settings.checkpoint:
                weights, report = read_checkpoint(settings.checkpoint, encoder)
                encoder.load_state_dict(weights)
                (folder / "report.txt").write_text(report + "\n")
                print(f"{settings.checkpoint}: {report}", file=sys.stderr)
            elif settings.pretrain_epochs:
                pretrain_on_scenes(encoder, settings.pretrain_epochs, self.meter)
        if settings.refit_norms:
            refit_norms(encoder, self._images())
        torch.save(encoder.state_dict(), folder / "encoder.pth")

    def _images(self) -> Iterator[Tensor]:
        """The first training images, one by one."""
        size = self.settings.refit_size
        for index in range(min(64, self.data.size("train"))):
            self.meter.count(1, size)
            image = fit_size(self.data.read("train", index)[0], size)
            yield normalise(torch.from_numpy(image)[None], "cpu")


def _resolved(settings: EncoderSettings) -> EncoderSettings:
    """The same with a file as its checkpoint, and the backbone of an answer. Raises ValueError where neither is there."""
    if settings.checkpoint is None or Path(settings.checkpoint).is_file():
        return settings
    folder = Path(settings.checkpoint)
    if not folder.is_dir():
        raise ValueError(f"there is no checkpoint {folder}: give the path of a file or an answer, or None to pre-train")
    if settings.backbone is not None:
        raise ValueError(
            f"the encoder has a backbone, and another one of its checkpoint {folder}: leave one of them out"
        )
    backbone, weights = found_backbone(folder)
    return replace(settings, backbone=backbone, checkpoint=str(weights))
