"""How many bytes of tensors are alive, counted as they come and go."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import Any

from torch import Tensor, UntypedStorage
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it lasts: `now` those that are alive, `peak` the most at once.

    `known` were there before, so that views of them are not counted. Raises MemoryError where more than `limit` are alive.
    """

    def __init__(self, known: Iterable[Tensor] = (), limit: float = math.inf):
        super().__init__()
        self.places = {tensor.untyped_storage().data_ptr() for tensor in known}
        self.limit, self.now, self.peak = limit, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if place in self.places:
            return
        self.places.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, place, size)
        if self.now > self.limit:
            raise MemoryError(f"{self.now} bytes of tensors are alive")

    def _forget(self, place: int, size: int) -> None:
        self.places.discard(place)
        self.now -= size
