"""Model templates: a whole network's config with slots for the parts that a space decides."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS
from torch import nn

from core import content_key, did_you_mean
from tasks.augment import MEAN, STD
from tasks.task import Parts

Config = Mapping[str, Any]
Size = tuple[int, int]  # (height, width) in pixels
SIDE = 64  # pixels of the square image that a backbone is shown
COLOURS = dict(mean=[255 * value for value in MEAN], std=[255 * value for value in STD], bgr_to_rgb=True)
_seen: dict[str, tuple[list[int], list[int]]] = {}


class Template(ABC):
    """A network whose slots take parts; those that no space decides are plain, as its settings say.

    `slots` names what a space may decide. `taps` are the maps of the backbone that the rest is built on, as a backbone
    is told: "16" is the last map at stride 16, "16+" the one before the layer with the next stride, widened, and "32+" the
    last convolution of all.
    """

    slots: tuple[str, ...]
    taps: tuple[str, ...]

    @abstractmethod
    def whole(self, parts: Parts, backbone: Config, channels: list[int], classes: int, size: Size) -> dict[str, Any]:
        """The network's config around a backbone whose taps have these channels."""

    def fits(self, stride: int, wanted: int) -> bool:
        """Does a map of this stride do where another one is wanted?"""
        return stride == wanted

    def config(self, parts: Parts, encoder: Config, classes: int, size: Size) -> dict[str, Any]:
        """The config of the whole network, with so many `classes`, or other outputs of a place, for images of `size`.

        `encoder` is the backbone where the parts have none. Raises ValueError for a part without a slot, and for a backbone
        that does not give the taps.
        """
        name = type(self).__name__
        check_slots(parts, self.slots, f"the template {name}")
        backbone = told(parts.get("backbone", encoder), self.taps)
        channels, strides = outputs(backbone)
        wanted = [int(tap.rstrip("+")) for tap in self.taps]
        if len(strides) != len(wanted) or not all(map(self.fits, strides, wanted)):
            raise ValueError(
                f"the backbone {backbone['type']} gives maps of strides {strides}, the template {name} needs {wanted}: "
                "set the backbone's outputs, or use another one"
            )
        return self.whole(parts, backbone, list(channels), classes, size)


def check_slots(parts: Parts, slots: Sequence[str], whose: str) -> None:
    for slot in parts:
        if slot not in slots:
            raise ValueError(f"{did_you_mean(f'slot of {whose}', slot, slots)}, or use another space")


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


def outputs(backbone: Config) -> tuple[list[int], list[int]]:
    """Channels and strides of the maps of a backbone, found out on the meta device, once for each config.

    Raises ValueError for one that gives a bare map, which some do where it is the only one.
    """
    key = content_key(backbone)
    if key not in _seen:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            ghost = MODELS.build(ConfigDict(backbone)).to("meta")
            ghost.eval()  # OpenMMLab's backbones do not return themselves from it
            for module in ghost.modules():
                if isinstance(module, nn.BatchNorm2d):  # changes no shape, and takes most of the time
                    module.forward = nn.Identity().forward
            maps = ghost(torch.empty(1, 3, SIDE, SIDE, device="meta"))
        if isinstance(maps, torch.Tensor):
            raise ValueError(f"the backbone {backbone['type']} gives one map and no tuple: set its outputs to several")
        _seen[key] = [x.shape[1] for x in maps], [SIDE // x.shape[-1] for x in maps]
    return _seen[key]
