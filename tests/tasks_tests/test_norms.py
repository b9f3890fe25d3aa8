"""Statistics of norms that are gathered anew."""

from __future__ import annotations

import torch
from torch import nn

from tasks.norms import fresh_statistics


def test_norms_that_train_hold_the_mean_of_what_they_saw() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2).eval())
    frozen = {name: value.clone() for name, value in network[1].state_dict().items()}
    network(100 + torch.rand(4, 2, 6, 6))
    batches = [3 + 5 * torch.randn(4, 2, 6, 6) for _ in range(3)]
    with fresh_statistics(network):
        for batch in batches:
            network(batch)
    for values, kind in ((network[0].running_mean, "mean"), (network[0].running_var, "var")):
        expected = torch.stack([getattr(batch, kind)((0, 2, 3)) for batch in batches]).mean(0)
        assert torch.allclose(values, expected, rtol=1e-4)
    assert network[0].momentum == 0.1
    assert all(torch.equal(value, frozen[name]) for name, value in network[1].state_dict().items())
