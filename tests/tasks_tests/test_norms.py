"""Statistics of norms that are gathered anew."""

from __future__ import annotations

import torch
from torch import nn

from tasks.norms import folded, fresh_statistics


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


def test_folded_norms_compute_the_same_and_come_back() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU()),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, affine=False)),
    )
    x = torch.linspace(-1, 1, 2 * 2 * 6 * 6).reshape(2, 2, 6, 6).sin()
    network(x + 0.5)  # statistics of their own
    modules = list(network.modules())
    with folded(network):
        assert list(network.modules()) == modules  # in training mode there is nothing to fold
    plain = network.eval()(x)
    with torch.no_grad(), folded(network):
        assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == 1
        torch.testing.assert_close(network(x), plain, rtol=1e-5, atol=1e-5)
    assert list(network.modules()) == modules
