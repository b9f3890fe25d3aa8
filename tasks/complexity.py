"""What a network costs: parameters, multiply-adds, latency, and what its layers say of the latency.

Counting rule: `params` are weights, biases and affine pairs of norms, no running statistics. `madds` are the weight
multiplications of convolutions and linear layers for one image, one per multiply-accumulate; norms, activations, biases,
resizing and pooling count nothing. A deformable convolution counts as a convolution of its size plus the one that makes
its offsets; its interpolation counts nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.benchmark import Timer

from tasks.latency import LatencyTable


def params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def madds(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Multiply-adds of one image of `shape` = (channels, height, width).

    Runs on the meta device: shapes flow, numbers do not, so that 1024x2048 images cost nothing.
    """
    return sum(madds_by_layer(network, shape).values())


def madds_by_layer(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, int]:
    """The same of every convolution and linear layer that is run, by its name."""
    counts: dict[str, int] = {}

    def count(name: str, module: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        weight: Any = module.weight
        pixels = output.numel() // output.shape[1 if weight.dim() == 4 else -1]
        counts[name] = counts.get(name, 0) + weight.numel() * pixels

    ghost = copy.deepcopy(network).to("meta")
    ghost.eval()
    for name, module in ghost.named_modules():
        if isinstance(module, nn.BatchNorm2d):  # counts nothing, and takes half of the time
            module.forward = nn.Identity().forward
        weight = getattr(module, "weight", None)
        if weight is not None and (weight.dim() == 4 or isinstance(module, nn.Linear)):  # all kinds of 2-d convolution
            module.register_forward_hook(partial(count, name))
    with torch.no_grad():
        ghost(torch.empty(1, *shape, device="meta"))
    return counts


def latency_ms(network: nn.Module, shape: tuple[int, int, int], seconds: float = 1.0) -> float:
    """Median time of one image through `network` where its weights lie, in milliseconds, over about `seconds`."""
    weight = next(network.parameters(), torch.zeros(()))  # some networks to compare with have no weights
    image = torch.zeros(1, *shape, device=weight.device)
    settings: dict[str, Any] = dict(globals={"network": network, "image": image}, num_threads=torch.get_num_threads())
    with torch.no_grad():
        return 1000 * Timer("network(image)", **settings).blocked_autorange(min_run_time=seconds).median


MEASURES: dict[str, Callable[[nn.Module, tuple[int, int, int]], float]] = {
    "params": lambda network, shape: params(network),
    "madds": madds,
    "latency_ms": latency_ms,
    "predicted_ms": LatencyTable(),
}
