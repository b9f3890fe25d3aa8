"""The encoder's weights: layouts of checkpoints, safe loading, folded norms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol
from benchmarks.running.job import build_task
from search_spaces.deepneat.space import DeepNEAT
from search_spaces.layer_graph.space import LayerGraph
from search_spaces.mbconv.space import MBConv
from search_spaces.meta_kernel.space import MetaKernels
from search_spaces.space import SearchSpace
from tasks.checkpoint import read_checkpoint
from tasks.cost import Cost, Meter
from tasks.encoder import Encoder
from tasks.norms import refit_norms
from tasks.segmentation.folders import FolderSegmentation
from tasks.trainable import build_network

CHECKPOINT = "mobilenetv2_imagenet/mobilenet_v2_1.0_torchvision_layout_dequant.pth"


ALL = ("4", "8", "16", "32")
OTHERS = ("features.19.0.weight", "features.5.4.layer_scale", "features.0.3.weight")  # of torchvision's other networks


def encoder(tmp_path: Path, taps: Sequence[str] = ALL, **settings) -> Encoder:
    return Encoder(FolderSegmentation(".", "camvid"), tmp_path, Meter(), taps, settings)


def module(width: float = 0.25, expanded: bool = False) -> nn.Module:
    return build_network(encoder(Path(), width=width, expanded=expanded).config, seed=0, device="cpu")


def randomise_norms(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value in (norm.weight.data, norm.bias.data):
                value.copy_(1 + 0.2 * torch.randn(value.shape, generator=generator))


def test_openmmlab_layout(tmp_path: Path) -> None:
    source = module()
    state = {f"backbone.{name}": value for name, value in source.state_dict().items()}
    torch.save({"state_dict": {**state, "head.fc.weight": torch.zeros(1)}}, tmp_path / "c.pth")
    weights, report = read_checkpoint(str(tmp_path / "c.pth"), module())
    assert all(torch.equal(weights[name], value) for name, value in source.state_dict().items())
    assert report == f"{len(weights)} of {len(weights)} encoder tensors matched, 1 left over ['head']"


def test_torchvision_layout_with_the_published_weights(shared) -> None:
    """Classes that are known for this checkpoint come out, so every tensor is where it belongs."""
    from PIL import Image

    from tasks.augment import normalise

    path = str(shared(CHECKPOINT))
    network = module(1.0)
    weights, report = read_checkpoint(path, network)
    assert report.startswith("306 of 306 encoder tensors matched")
    network.load_state_dict(weights)
    network.eval()
    state = torch.load(path, weights_only=True)
    last = nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()).eval()
    last[0].weight.data.copy_(state["features.18.0.weight"])
    last[1].load_state_dict({name: state[f"features.18.1.{name}"] for name in last[1].state_dict()})
    for name, label in (("196088", 45), ("183066", 296), ("232076", 472), ("43033", 133)):
        image = Image.open(shared(f"bsds500/BSDS500/data/images/test/{name}.jpg"))
        factor = 256 / min(image.size)
        image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BILINEAR)
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        import numpy as np

        view = torch.tensor(np.array(image.crop((left, top, left + 224, top + 224))))
        with torch.no_grad():
            pooled = last(network(normalise(view[None], "cpu"))[-1]).mean((2, 3))
        scores = pooled @ state["classifier.1.weight"].T + state["classifier.1.bias"]
        assert scores.argmax().item() == label


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"features.0.0.weight": torch.zeros(8, 3, 3, 3)}, "does not fit the encoder: .* missing or of another shape"),
        (dict.fromkeys(OTHERS, torch.zeros(8)), "does not fit the encoder: .* missing or of another shape"),
        ({"conv1.conv.weight": 1}, "does not fit the encoder: .* missing or of another shape"),
        ({"state_dict": [torch.zeros(1)]}, "is not a checkpoint of plain tensors"),
        (b"no checkpoint at all", "is not a checkpoint of plain tensors"),
        (torch.zeros(1), "is not a checkpoint of plain tensors"),
        (pytest.param, "is not a checkpoint of plain tensors"),  # pickled code is never run
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, content, sentence: str) -> None:
    path = tmp_path / "c.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match=sentence):
        read_checkpoint(str(path), module())


def test_a_wider_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save(module(0.5).state_dict(), tmp_path / "c.pth")
    with pytest.raises(ValueError, match="does not fit the encoder"):
        read_checkpoint(str(tmp_path / "c.pth"), module(0.25))


def test_refitted_norms_compute_the_same_and_train_mode_hardly_differs() -> None:
    network = module()
    randomise_norms(network)  # folded norms: mean 0, variance 1, some weight and bias
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    network.eval()
    before = [x.clone() for x in network(images)]
    refit_norms(network, images.split(4))
    after = network(images)
    for then, now in zip(before, after, strict=True):
        assert torch.allclose(then, now, atol=1e-4 * float(then.abs().max()))
    network.train()
    for then, now in zip(before, network(images), strict=True):
        assert torch.allclose(then, now, atol=1e-2 * float(then.abs().max()))


def test_the_expanded_variant_adds_one_convolution() -> None:
    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    assert count(module(1.0, expanded=True)) == 1_812_800
    assert count(module(1.0)) == 1_812_800 - 1_088


@torch.no_grad()
@pytest.mark.parametrize("expanded", [True, False])
def test_an_encoder_ends_with_the_last_tap(tmp_path: Path, expanded: bool) -> None:
    """Its weights have the names that the whole one gives them, and its maps are equal."""
    short = encoder(tmp_path, ("4", "8"), expanded=expanded)
    whole, network = module(1.0, expanded), build_network(short.config, seed=0, device="cpu")
    network.load_state_dict({name: whole.state_dict()[name] for name in network.state_dict()})
    for one in (whole, network):
        one.eval()  # OpenMMLab's backbones do not return themselves from it
    assert sum(p.numel() for p in network.parameters()) == 56_576 - 1_088 * (not expanded)
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(network(x), whole(x)[:2], strict=True):
        assert torch.equal(ours, theirs)
    assert short.identity["config"] != encoder(tmp_path, expanded=expanded).identity["config"]


def test_a_whole_encoder_is_a_stock_one_and_inner_taps_leave_it_whole(tmp_path: Path) -> None:
    for taps in (ALL, ("16+", "32+")):
        assert encoder(tmp_path, taps).config["type"] == "mmseg.MobileNetV2"
        assert encoder(tmp_path, taps).config["out_indices"] == (1, 2, 4, 6)


def test_pretraining_is_cached_and_repeatable(tmp_path: Path) -> None:
    first = encoder(tmp_path / "a", width=0.1, pretrain_epochs=1)
    cost = first.prepare()
    assert cost.images == first.meter.images > 0
    assert first.has_weights
    assert encoder(tmp_path / "a", width=0.1, pretrain_epochs=1).prepare() == cost
    second = encoder(tmp_path / "b", width=0.1, pretrain_epochs=1)
    again = second.weights()
    assert all(torch.equal(value, again[name]) for name, value in first.weights().items())


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown entry of the encoder 'widthh': did you mean 'width'"):
        encoder(tmp_path, widthh=1.0)
    with pytest.raises(ValueError, match="there is no checkpoint nowhere"):
        encoder(tmp_path, checkpoint="nowhere")


def answer(folder: Path, model: object, weights: object) -> Path:
    """A folder as a run leaves it for a network that it has found."""
    folder.mkdir()
    (folder / "network.json").write_text(json.dumps({"task": {}, "model": model}))
    torch.save(weights, folder / "final.pth")
    return folder


SPACES: dict[str, SearchSpace] = {
    "MBConv": MBConv(width=0.25, layers=[2, 1, 2, 1, 1, 1]),
    "LayerGraph": LayerGraph("mobilenet", dict(rows=[[1, 8, 1, 2], [6, 8, 1, 2]], stem=8, stride=2, last=12)),
    "MetaKernels": MetaKernels(channels=4),
    "DeepNEAT": DeepNEAT(width=0.06),
}


def classifier(folder: Path, tap: str, kind: str = "MBConv") -> tuple[Path, nn.Module]:
    """What a run leaves of a classifier whose backbone was searched, and that backbone with its taps."""
    space = SPACES[kind]
    parts = space.model(space.sample(Random(3)))
    found = build_network({**parts["backbone"], "taps": [tap]}, seed=5, device="cpu")
    found.eval()  # as it was scored
    weights = {f"backbone.{name}": value for name, value in found.state_dict().items()}
    return answer(folder, parts, {**weights, "head.weight": torch.zeros(6, 8), "head.bias": torch.zeros(6)}), found


@torch.no_grad()
@pytest.mark.parametrize("kind", SPACES)
def test_a_found_backbone_is_an_encoder_with_the_taps_that_are_wanted(tmp_path: Path, kind: str) -> None:
    home, found = classifier(tmp_path / "0", "32+", kind)
    for taps in (ALL, ("8", "32"), ("16+", "32+")):
        made = encoder(tmp_path / "cache", taps, checkpoint=str(home))
        network = build_network(made.config, seed=0, device="cpu")
        network.load_state_dict(made.weights())
        network.eval()
        images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        maps = network(images)
        assert [64 // x.shape[-1] for x in maps] == [int(tap.rstrip("+")) for tap in taps]
        if taps[-1] == "32+":
            assert torch.equal(maps[-1], found(images)[0])
    before = made.identity
    weights = torch.load(home / "final.pth", weights_only=True)
    torch.save({name: value + 1 for name, value in weights.items()}, home / "final.pth")
    assert encoder(tmp_path / "cache", taps, checkpoint=str(home)).identity != before


@pytest.mark.parametrize("name", ["scenes-segmentation-v3", "scenes-detection-v3", "scenes-mbconv-segmentation-v2"])
def test_an_answer_is_the_encoder_of_any_benchmark(tmp_path: Path, name: str) -> None:
    home, found = classifier(tmp_path / "0", "32")
    benchmark = Benchmark(read_protocol(name, {"benchmark.task.encoder.checkpoint": str(home)})["benchmark"])
    task: Any = build_task(json.dumps({**benchmark.task, "cache": str(tmp_path / "cache"), "device": "cpu"}))
    task.encoder.prepare()
    network = task.begin(benchmark.space.model(benchmark.space.sample(Random(0))), benchmark.final, seed=0)
    weights, begun = found.state_dict(), network.backbone.state_dict()
    assert torch.equal(begun["conv1.conv.weight"], weights["conv1.conv.weight"])
    if "mbconv" not in name:  # where the backbone is searched again, what fits is taken
        assert all(torch.equal(begun[name], value) for name, value in weights.items())


def test_an_answer_without_a_backbone_is_refused(tmp_path: Path) -> None:
    decoder = answer(tmp_path / "decoder", {"decoder": {"type": "densebench.CellDecoder"}}, {})
    with pytest.raises(ValueError, match="decided decoder and no backbone: give an answer of one that did"):
        encoder(tmp_path, checkpoint=str(decoder))
    with pytest.raises(ValueError, match="is no answer of a run"):
        encoder(tmp_path, checkpoint=str(tmp_path))
    (decoder / "network.json").write_text("[]")
    with pytest.raises(ValueError, match="describes no network"):
        encoder(tmp_path, checkpoint=str(decoder))
    narrow = answer(tmp_path / "narrow", {"backbone": {"type": "densebench.MBConvNet", "stages": [["k3e6"]] * 6}}, {})
    with pytest.raises(ValueError, match=r"another one of its checkpoint .*narrow: leave one of them out"):
        encoder(tmp_path, checkpoint=str(narrow), backbone=dict(type="mmdet.ResNet", depth=18))
    with pytest.raises(ValueError, match=r"does not fit the encoder: .* tensors are missing"):
        encoder(tmp_path, checkpoint=str(narrow)).prepare()


def test_a_cached_encoder_that_holds_code_is_refused(tmp_path: Path) -> None:
    encoder = object.__new__(Encoder)
    vars(encoder)["_made"] = tmp_path, Cost()
    torch.save({"weights": tmp_path}, tmp_path / "encoder.pth")
    with pytest.raises(ValueError, match=r"encoder\.pth holds something else than weights: remove its folder"):
        encoder.weights()
