"""Weights of one answer, from those of a supernet that holds all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from core import Weights, matching
from search_spaces import SearchSpace
from search_spaces.supernet import Supernet, supernet_in
from tasks import Stage, Task


def derived(
    task: Task, space: SearchSpace, stage: Stage, path: str, arch: Mapping[str, Any], weights: Weights, fresh: Weights
) -> Weights:
    """What `Supernet.derive` gives for `arch`; the rest of the network takes over what matches by name and shape.

    `weights` are those in the file `path`, which a supernet of `space` on `task` left.
    """
    return matching({**weights, **_supernet(task, space, stage, path).derive(arch)}, fresh)


@lru_cache(maxsize=1)
def _supernet(task: Any, space: SearchSpace, stage: Stage, path: str) -> Supernet:
    """The supernet with the weights of a file; kept from job to job."""
    network = task.begin(space.supernet(), stage, seed=0)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    return supernet_in(network)
