"""Model templates: a whole network's config with slots for the parts that a space decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from core import did_you_mean
from tasks.negotiation import Config, outputs, told
from tasks.task import Parts


class Template(ABC):
    """A network whose slots take parts; those that no space decides are plain, as its settings say.

    `slots` names what a space may decide. `taps` are the maps of the backbone that the rest is built on, as a backbone
    is told: "16" is the last map at stride 16, "16+" the one before the layer with the next stride, widened, and "32+" the
    last convolution of all.
    """

    slots: tuple[str, ...]
    taps: tuple[str, ...]

    @abstractmethod
    def whole(
        self, parts: Parts, backbone: dict[str, Any], channels: list[int], classes: int, size: tuple[int, int]
    ) -> dict[str, Any]:
        """The network's config around a backbone whose taps have these channels."""

    def config(self, parts: Parts, encoder: Config, classes: int, size: tuple[int, int]) -> dict[str, Any]:
        """The config of the whole network for images of `size` = (height, width) in pixels.

        `encoder` is the backbone where the parts have none. Raises ValueError for a part without a slot, and for a backbone
        that does not give the taps.
        """
        name = type(self).__name__
        for slot in parts:
            if slot not in self.slots:
                raise ValueError(
                    f"{did_you_mean(f'slot of the template {name}', slot, self.slots)}, or use another space"
                )
        backbone = told(parts.get("backbone", encoder), self.taps)
        given = outputs(backbone)
        wanted, strides = [int(tap.rstrip("+")) for tap in self.taps], [tap.stride for tap in given]
        if strides != wanted:
            raise ValueError(
                f"the backbone {backbone['type']} gives maps of strides {strides}, the template {name} needs {wanted}: "
                "set the backbone's outputs, or use another one"
            )
        return self.whole(parts, backbone, [tap.channels for tap in given], classes, size)
