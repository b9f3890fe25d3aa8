"""What one step of a training sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Images (B, C, H, W) or, from a cache, an encoder's taps; the truth, a row for each image; a teacher's scores."""

    inputs: Any
    truth: Tensor
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def parts(self, count: int) -> Iterator[Batch]:
        """Its images in order, in `count` batches (or one an image) whose sizes differ by one at most."""
        from torch.utils._pytree import tree_map

        count = min(count, len(self))
        for first, last in pairwise(len(self) * place // count for place in range(count + 1)):
            own = itemgetter(slice(first, last))
            yield Batch(
                tree_map(own, self.inputs), own(self.truth), None if self.teacher is None else own(self.teacher)
            )
