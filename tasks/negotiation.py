"""What a backbone gives, and what it can be told."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS

from core import content_key

Config = Mapping[str, Any]
SIDE = 64  # pixels of the square image that a backbone is shown
_seen: dict[str, tuple[Tap, ...]] = {}


@dataclass(frozen=True)
class Tap:
    """One map that a backbone gives: its channels, and its stride in pixels of the image."""

    channels: int
    stride: int


def takes(config: Config, argument: str) -> bool:
    """Does the constructor of the module that `config` describes name this argument? Raises ValueError for an unknown one."""
    kind = config.get("type")
    try:
        cls = MODELS.get(kind) if isinstance(kind, str) else kind
    except RuntimeError:
        cls = None
    if cls is None:
        raise ValueError(f"there is no module {kind!r}: give a type of MMDetection, MMSegmentation or DenseBench")
    return argument in inspect.signature(cls.__init__).parameters


def told(backbone: Config, taps: Sequence[str]) -> dict[str, Any]:
    """The config of a backbone that gives these taps, where it can be told."""
    return {**backbone, "taps": list(taps)} if takes(backbone, "taps") else dict(backbone)


def outputs(backbone: Config) -> tuple[Tap, ...]:
    """The maps of a backbone, found out on the meta device, once for each config."""
    key = content_key(backbone)
    if key not in _seen:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            ghost = MODELS.build(ConfigDict(backbone)).to("meta")
            ghost.eval()  # OpenMMLab's backbones do not return themselves from it
            maps = ghost(torch.empty(1, 3, SIDE, SIDE, device="meta"))
        _seen[key] = tuple(Tap(x.shape[1], SIDE // x.shape[-1]) for x in maps)
    return _seen[key]
