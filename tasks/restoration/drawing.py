"""Restored images as pictures, and what a taken-home restoration network is fed and read as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tasks.restoration.data import to_gray
from tasks.usage import AnyUsage


def picture(image: np.ndarray) -> np.ndarray:
    """An (H, W, C) image, black 0 and white 1, as (H, W, 3) RGB uint8; marks of lost pixels are not shown."""
    levels = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
    return levels[..., :3] if levels.shape[-1] >= 3 else np.repeat(levels[..., :1], 3, 2)


@dataclass(frozen=True, kw_only=True)
class Usage(AnyUsage):
    """And its colours, and whether a channel marks the pixels that are lost."""

    transparent: ClassVar[bool] = False

    colours: Literal["gray", "rgb"]
    marks: bool


def seen(image: np.ndarray, usage: Usage) -> np.ndarray:
    """An RGB image as the network wants it, (H, W, C) float32, black 0 and white 1."""
    if usage.marks:
        raise ValueError("this network fills lost pixels, which a picture does not mark: call its network.py yourself")
    return (to_gray(image) if usage.colours == "gray" else image).astype(np.float32) / 255


def read(outputs: Sequence[np.ndarray], image: np.ndarray, usage: Usage) -> np.ndarray:
    """The restored image (H, W, C)."""
    return outputs[0][0].transpose(1, 2, 0)


def drawn(image: np.ndarray, made: np.ndarray, usage: Usage) -> np.ndarray:
    return picture(made)


def told(made: np.ndarray, usage: Usage) -> Any:
    """The size of the picture."""
    return {"width": made.shape[1], "height": made.shape[0]}


def said(made: np.ndarray, usage: Usage) -> str:
    return f"{made.shape[1]}x{made.shape[0]} pixels"
