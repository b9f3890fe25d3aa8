"""The supernet of meta-kernels: held to one answer it is that backbone, and all that convolves is one convolution."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from scrambled import noise
from torch import nn
from torch.nn import functional as F

from search_spaces.meta_kernel import supernet as module
from search_spaces.meta_kernel.space import CONVOLUTIONS, MetaKernels
from search_spaces.meta_kernel.supernet import MetaKernelSupernet, MixedEdge
from search_spaces.supernet import skip_ratio, supernet_in
from tasks.decoding.templates import EncoderDecoder

SPACES = {
    "all": MetaKernels(channels=4),
    "no meta-kernel": MetaKernels(("sep3", "dil3", "skip"), depth=1, channels=4),
    "no convolution": MetaKernels(("max3", "skip"), depth=1, channels=4),
    "a meta-kernel without its parts": MetaKernels(("meta", "avg3"), depth=1, channels=4),
}
SPACE = SPACES["all"]


def supernet(space: MetaKernels = SPACE) -> MetaKernelSupernet:
    torch.manual_seed(0)
    net = MODELS.build(space.supernet()["backbone"])
    for name, weight in net.named_parameters():
        if name.endswith("mixing"):
            nn.init.normal_(weight)
    return net


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@torch.no_grad()
def test_with_all_weight_on_one_answer_it_is_that_backbone(space: MetaKernels) -> None:
    net = supernet(space)
    for seed in range(2):
        net(noise(3 + seed, 3, 64, 64))  # statistics unlike a new BN's
    for seed in range(6):
        choices = space.sample(Random(seed)).as_dict()
        network = MODELS.build(space.model(space.architecture(choices))["backbone"])
        missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
        norms = {name for name, one in network.named_modules() if isinstance(one, nn.BatchNorm2d)}
        assert not unknown
        assert {name.rsplit(".", 1)[0] for name in missing} == norms  # which have affine pairs there
        for mode, size in ((False, (64, 96)), (False, (61, 45)), (True, (64, 96))):
            with net.held(choices):
                ours = net.train(mode)(noise(3, 3, *size))
            theirs = network.train(mode)(noise(3, 3, *size))
            assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


@torch.no_grad()
def test_what_convolves_is_mixed_before_the_norm_and_counts_by_its_share_behind() -> None:
    torch.manual_seed(0)
    edge, x = MixedEdge((*CONVOLUTIONS, "max3"), 4, 4, 1).eval(), noise(2, 4, 8, 8)
    shares = {"meta": 0.3, "sep5": 0.1, "dil3": 0.2, "max3": 0.4}
    kept: Any = edge.filters
    mixture = edge.mixing.softmax(0)

    def made(filters: torch.Tensor, rate: int = 1) -> torch.Tensor:
        return F.conv2d(x.relu(), filters, None, 1, rate * (filters.shape[-1] // 2), rate, 4)

    maps = {f"sep{size}": made(kept[f"sep{size}"]) for size in (3, 5, 7)}
    meta: Any = sum(share * one for share, one in zip(mixture, maps.values(), strict=True))
    mixed = (0.3 * meta + 0.1 * maps["sep5"] + 0.2 * made(kept["dil3"], 2)) / 0.6
    expected = 0.6 * edge.norm(edge.conv(mixed)) + 0.4 * F.max_pool2d(x, 3, 1, 1)
    assert torch.allclose(edge(x, shares), expected, atol=1e-5)


def test_all_that_convolves_runs_once_and_what_has_no_weight_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = module.convolved

    def counted(x: Any, kernel: torch.Tensor, stride: int) -> Any:
        sizes.append(kernel.shape[-1])
        return real(x, kernel, stride)

    monkeypatch.setattr(module, "convolved", counted)
    net = supernet().eval()
    with torch.no_grad():
        net(noise(1, 3, 64, 64))
        assert sizes == [7] * 15
        sizes.clear()
        for operation, size in (("sep3", 3), ("dil3", 5), ("skip", None)):
            with net.held(dict.fromkeys(SPACE.decisions, operation)):
                net(noise(1, 3, 64, 64))
            assert sizes == [size] * 15 * (size is not None)
            sizes.clear()


def test_all_parameters_learn_and_no_norm_is_affine() -> None:
    net = supernet()
    sum(x.square().mean() for x in net(noise(2, 3, 64, 64))).backward()  # type: ignore[union-attr]
    assert len(net.architecture_parameters()) == len(SPACE.decisions)
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())
    assert all((alpha.grad != 0).any() for alpha in net.architecture_parameters())
    norms = [one for one in net.modules() if isinstance(one, nn.BatchNorm2d)]
    assert all(norm.weight is None and norm.bias is None for norm in norms)


def test_its_kernels_are_all_depthwise_filters() -> None:
    net = supernet()
    found = supernet_in(nn.Sequential(net)).kernels()
    assert len(found) == 15 * 4
    names = {id(weight): name for name, weight in net.named_parameters()}
    assert all(".filters." in names[id(weight)] for weight in found)
    assert supernet(SPACES["no convolution"]).kernels() == []


def test_a_collapse_to_skips_is_seen() -> None:
    net = supernet()
    with torch.no_grad():
        for alpha in list(net.alphas)[:3]:
            alpha[-1] = 1
    assert skip_ratio(net.probabilities()) == 3 / 15


def test_a_template_finds_out_its_channels() -> None:
    """On the meta device, where no share is known."""
    config = EncoderDecoder().config(SPACE.supernet(), {}, 3, (64, 64))
    assert config["decode_head"]["in_channels"] == [4, 8, 16, 32]
