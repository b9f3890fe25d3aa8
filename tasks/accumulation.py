"""Trainings that do not fit into memory, made again from gradients that parts of a batch add up to."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from tasks.allocator import out_of_memory
from tasks.parallel import size

PARTS = (1, 2, 4)  # of every batch, in the order in which they are tried

T = TypeVar("T")


def in_parts(train: Callable[[int], T]) -> T:
    """What `train` gives with whole batches; where memory is too small for these, with halves, and at last with quarters.

    It begins anew each time, or goes on from the last epoch that fitted, where the stage is resumable: then what it gives
    also depends on which one that was. Several processes that train one network together try whole batches only. Raises what
    the last try raises.
    """
    for parts in PARTS[:-1]:
        try:
            return train(parts)
        except (RuntimeError, MemoryError) as error:
            if size() > 1 or not out_of_memory(error):
                raise
        gc.collect()  # the failed one's tensors, which its frames held until here
        torch.cuda.empty_cache()
    return train(PARTS[-1])
