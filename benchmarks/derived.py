"""Weights of one answer, from those of a supernet that holds all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from core import Weights, matching
from search_spaces import SearchSpace
from search_spaces.supernet import Supernet
from tasks import Stage, Task


def derived(
    task: Task, space: SearchSpace, stage: Stage, path: str, arch: Mapping[str, Any], weights: Weights, fresh: Weights
) -> Weights:
    """What `Supernet.derive` gives for `arch`; the rest of the network takes over what matches by name and shape.

    `weights` are those in the file `path`, which a supernet of `space` on `task` left.
    """
    place, supernet = _supernet(task, space, stage, path)
    return matching({**weights, **{f"{place}{name}": value for name, value in supernet.derive(arch).items()}}, fresh)


@lru_cache(maxsize=1)
def _supernet(task: Any, space: SearchSpace, stage: Stage, path: str) -> tuple[str, Supernet]:
    """The supernet with the weights of a file, and the prefix of its names in the network; kept from job to job."""
    network = task.begin(space.supernet(), stage, seed=0)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    name, supernet = next((name, part) for name, part in network.named_modules() if isinstance(part, Supernet))
    return f"{name}." if name else "", supernet
