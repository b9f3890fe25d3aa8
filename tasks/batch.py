"""What one step of a training sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Images (B, C, H, W) or, from a cache, an encoder's taps; the truth, a row for each image; a teacher's scores."""

    inputs: Any
    truth: Tensor
    teacher: Tensor | None = None
