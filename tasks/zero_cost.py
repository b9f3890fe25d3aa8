"""Zero-cost scores: what an untrained network makes of one batch, said to tell how well it will do.

All are as their authors define them, for a network in training mode. `snip` sums |weight x gradient| over the weights of
convolutions and linear layers (Lee et al., ICLR 2019; of networks, Abdelfattah et al., ICLR 2021). `nwot` is the
log-determinant of how many rectifiers are in the same state for two images (Mellor et al., ICML 2021). `jacov` says how
little the gradients of the outputs by one image are like those by another: - sum log(v + k) + 1 / (v + k) over the
eigenvalues v of their correlations, k = 1e-5 (that paper's first version, arXiv 2006.04647v1). More is better, here also of
`params` and `madds`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tasks.stage import Stage
from tasks.task import Parts
from tasks.trainable import Trainable
from tasks.training import seeded, train_mode

RECTIFIERS = {
    getattr(torch.ops.aten, f"{name}{inplace}").default
    for name in ("relu", "leaky_relu", "hardtanh", "hardswish", "silu", "gelu")
    for inplace in ("", "_")
}
SMALL = 1e-5  # k of jacov


def zero_cost(task: Trainable, model: Parts, stage: Stage, seed: int) -> dict[str, float]:
    """The scores of a network with weights from `seed`, on the first batch that it would be trained on, and its size.

    The gradients of `jacov` are by cached features where the stage reads such; it is missing where the batch has one image.
    `nwot` is missing where nothing is rectified.
    """
    network = task.begin(model, stage, seed)
    searched, encoder, frozen = task.groups(network, stage)
    train_mode(network, frozen)
    batch = next(iter(task.batches(stage, seed, 0)))
    states = States(len(batch.truth))
    inputs = tree_map(lambda one: one.detach().requires_grad_(), batch.inputs)
    with seeded(seed, 0):
        scores = {"snip": snip(task.batch_loss(network, stage, batch), [*searched, *encoder])}
        with states:
            outputs = task.forward(network, tree_map(torch.clone, inputs))  # networks may work in place
        if len(batch) > 1:
            scores["jacov"] = jacov(inputs, outputs)
    if (nwot := states.score()) is not None:
        scores["nwot"] = nwot
    return {**task.measure(model, ("params", "madds")), **scores}


def snip(loss: Tensor, weights: list[nn.Parameter]) -> float:
    kernels = [weight for weight in weights if weight.requires_grad and weight.dim() > 1]
    gradients = torch.autograd.grad(loss, kernels, allow_unused=True)
    products = zip(kernels, gradients, strict=True)
    return sum((weight * gradient).abs().sum().item() for weight, gradient in products if gradient is not None)


class States(TorchDispatchMode):
    """Counts, for each two images of a batch, the rectifiers that are in the same state while it is active."""

    def __init__(self, images: int):
        super().__init__()
        self.images, self.same = images, torch.zeros(images, images, dtype=torch.float64)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in RECTIFIERS and len(args[0]) == self.images:
            above = (args[0] > 0).flatten(1).float()
            self.same += (above @ above.T + (1 - above) @ (1 - above).T).cpu()
        return func(*args, **(kwargs or {}))

    def score(self) -> float | None:
        """None where nothing was counted."""
        return float(torch.linalg.slogdet(self.same)[1]) if self.same.any() else None


def jacov(inputs: Any, outputs: Any) -> float:
    """Of outputs that depend on `inputs`, tensors with an image a row that want gradients."""
    total = torch.stack([output.sum() for output in tree_leaves(outputs)]).sum()
    gradients = torch.autograd.grad(total, tree_leaves(inputs), allow_unused=True)
    rows = torch.cat([gradient.flatten(1) for gradient in gradients if gradient is not None], 1).double()
    values = torch.linalg.eigvalsh(torch.corrcoef(rows)) + SMALL
    return -float((values.log() + 1 / values).sum())
