"""The encoder: a backbone with four taps, its weights, and what makes them fit for training."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.cnn import ConvModule
from mmengine.registry import MODELS
from mmseg.models.backbones import MobileNetV2
from mmseg.registry import MODELS as SEGMENTATION_MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from tasks import scenes
from tasks.augment import fit_size, normalise
from tasks.cache import cached
from tasks.data import Data
from tasks.stage import Cost

TAPS = (1, 2, 4, 6)  # the stages whose outputs a decoder sees: strides 4, 8, 16 and 32
BLOCKS = (1, 2, 3, 4, 3, 3, 1)  # inverted residuals in each stage


@SEGMENTATION_MODELS.register_module()
class ExpandedMobileNetV2(MobileNetV2):
    """MobileNetV2 whose first block keeps its 1x1 "expansion" of factor 1, as in Nekrasov et al.'s encoder."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        layer: Any = self.layer1
        first = layer[0]
        width = first.conv[0].in_channels
        first.conv.insert(0, ConvModule(width, width, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg))


class Encoder:
    """A backbone that all candidates share, and where its weights come from.

    It is a MobileNetV2 of width `width` (`expanded` chooses Nekrasov et al.'s variant), or what the config `backbone` says: any
    backbone of MMDetection or MMSegmentation whose outputs have strides 4, 8, 16 and 32. Its weights are read from
    `checkpoint`, or, without one, learnt in `pretrain_epochs` of telling the objects of scenes-v1 apart. `refit_norms` then
    gives folded batch norms the statistics of training images, resized to `refit_size`. What `prepare` makes lies in
    `cache`, named after all of this.
    """

    def __init__(
        self,
        data: Data,
        cache: Path,
        width: float = 1.0,
        checkpoint: str | None = None,
        pretrain_epochs: int = 0,
        refit_norms: bool = False,
        refit_size: tuple[int, int] = (256, 256),
        expanded: bool = False,
        backbone: dict[str, Any] | None = None,
    ):
        if checkpoint is not None and not Path(checkpoint).is_file():
            raise ValueError(f"there is no checkpoint {checkpoint}: give a file's path, or None to pre-train")
        self.data, self.cache, self.checkpoint = data, cache, checkpoint
        self.pretrain_epochs, self.refit_norms = pretrain_epochs, refit_norms
        self.refit_size = (int(refit_size[0]), int(refit_size[1]))
        self.trained = checkpoint is not None or pretrain_epochs > 0
        self.config: dict[str, Any] = backbone or dict(
            type="mmseg.ExpandedMobileNetV2" if expanded else "mmseg.MobileNetV2",
            widen_factor=width,
            strides=(1, 2, 2, 2, 1, 2, 1),
            dilations=(1,) * 7,
            out_indices=TAPS,
        )

    @cached_property
    def channels(self) -> tuple[int, ...]:
        """The channels of each tap."""
        with torch.random.fork_rng(), torch.no_grad():
            ghost = MODELS.build(self.config).to("meta")
            ghost.eval()
            return tuple(tap.shape[1] for tap in ghost(torch.empty(1, 3, 64, 64, device="meta")))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the weights."""
        return {
            "config": self.config,
            "checkpoint": self.checkpoint and sha256(Path(self.checkpoint).read_bytes()).hexdigest(),
            "pretrain_epochs": self.pretrain_epochs,
            "refit": [self.data.fingerprint(), self.refit_size] if self.refit_norms else None,
            "version": 1,
        }

    def prepare(self) -> Cost:
        """Make the weights, where they are not there. Returns what that cost, now or then."""
        return self._made[1]

    def weights(self) -> dict[str, Tensor]:
        return torch.load(self._made[0] / "encoder.pth", weights_only=True)

    @cached_property
    def _made(self) -> tuple[Path, Cost]:
        return cached(self.cache, "encoder", self.identity, self._make)

    def _make(self, folder: Path) -> Cost:
        cost = Cost()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            encoder = MODELS.build(self.config)
            if self.checkpoint:
                weights, report = read_checkpoint(self.checkpoint, encoder)
                encoder.load_state_dict(weights)
                (folder / "report.txt").write_text(report + "\n")
                print(f"{self.checkpoint}: {report}", file=sys.stderr)
            elif self.pretrain_epochs:
                cost += pretrain_on_scenes(encoder, self.pretrain_epochs)
        if self.refit_norms:
            started = time.perf_counter()
            images = (self.data.read("train", index)[0] for index in range(min(64, self.data.size("train"))))
            seen = refit_norms(encoder, (normalise([fit_size(image, self.refit_size)], "cpu") for image in images))
            pixels = seen * self.refit_size[0] * self.refit_size[1]
            cost += Cost(seen, pixels, time.perf_counter() - started)
        torch.save(encoder.state_dict(), folder / "encoder.pth")
        return cost


def read_checkpoint(path: str, encoder: nn.Module) -> tuple[dict[str, Tensor], str]:
    """The encoder's weights from a checkpoint in torchvision's or OpenMMLab's layout, and a report of what matched.

    Loads tensors only, never code. Raises ValueError where the file is no checkpoint or the weights do not fit.
    """
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"there is no checkpoint {path}: give the file's path, or leave it out to pre-train") from None
    except Exception as error:  # unpickling fails in many ways
        raise ValueError(f"{path} is not a checkpoint of plain tensors ({type(error).__name__})") from None
    loaded = loaded.get("state_dict", loaded)
    found = {_our_name(name): value for name, value in loaded.items()}
    wanted = encoder.state_dict()
    counters = [name for name in wanted if name.endswith("num_batches_tracked")]
    misfits = [name for name in wanted if name not in found and name not in counters]
    misfits += [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    if misfits:
        raise ValueError(
            f"{path} does not fit the encoder: {len(misfits)} of {len(wanted)} tensors are missing or of another shape, "
            f"first {misfits[0]}; use a MobileNetV2 of the same width in torchvision's or OpenMMLab's layout"
        )
    unused = sorted({name.split(".")[0] for name in found if name not in wanted})
    report = f"{len(wanted)} of {len(wanted)} encoder tensors matched, {len(found) - len(wanted)} left over {unused}"
    return {name: found.get(name, wanted[name]) for name in wanted}, report


def _our_name(name: str) -> str:
    """A tensor's name in MMSegmentation's MobileNetV2, from torchvision's or OpenMMLab's."""
    name = name.removeprefix("module.").removeprefix("backbone.")
    match = re.fullmatch(r"features\.(\d+)\.(.+)", name)
    if not match:
        return name
    index, rest = int(match[1]), match[2]
    if index in (0, 18):
        conv = "conv1" if index == 0 else "conv2"
        return rest.replace("0.", f"{conv}.conv.", 1) if rest.startswith("0.") else rest.replace("1.", f"{conv}.bn.", 1)
    stage = next(stage for stage in range(7) if index <= sum(BLOCKS[: stage + 1]))
    block = index - 1 - sum(BLOCKS[:stage])
    # torchvision numbers (conv, bn) pairs but the last one, whose parts stand beside the pairs.
    last = 1 if stage == 0 else 2
    rest = re.sub(
        rf"^conv\.{last + 1}\.", f"conv.{last}.bn.", re.sub(rf"^conv\.{last}\.(?=\w+$)", f"conv.{last}.conv.", rest)
    )
    rest = re.sub(r"^conv\.(\d)\.0\.", r"conv.\1.conv.", re.sub(r"^conv\.(\d)\.1\.", r"conv.\1.bn.", rest))
    return f"layer{stage + 1}.{block}.{rest}"


@torch.no_grad()
def refit_norms(encoder: nn.Module, batches: Iterable[Tensor]) -> int:
    """Give folded batch norms real statistics without changing what the encoder computes; returns the images used.

    A norm that was folded into its convolution has mean 0, variance 1 and computes y = w x + b. Its inputs' mean m and
    variance v over `batches` become its statistics, w * sqrt(v + eps) its weight and b + w m its bias: the same y in
    eval mode, and nearly the same in training mode, where the folded statistics would change every feature.
    """
    norms: list[Any] = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    sums: dict[Any, list[Any]] = {
        norm: [torch.zeros(norm.num_features, dtype=torch.float64) for _ in "mv"] + [0] for norm in norms
    }

    def watch(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        total = sums[norm]
        total[0] += x.sum((0, 2, 3)).cpu()
        total[1] += x.square().sum((0, 2, 3)).cpu()
        total[2] += x.numel() // x.shape[1]

    handles = [norm.register_forward_pre_hook(watch) for norm in norms]
    encoder.eval()
    images = 0
    for batch in batches:
        encoder(batch)
        images += len(batch)
    for handle in handles:
        handle.remove()
    for norm in norms:
        first, second, count = sums[norm]
        mean, scale = first / count, (norm.running_var.double() + norm.eps).sqrt()
        variance = (second / count - mean.square()).clamp_min(1e-8)
        weight = norm.weight.double() / scale  # the norm's effective factor
        bias = norm.bias.double() - weight * norm.running_mean.double()
        norm.weight.copy_(weight * (variance + norm.eps).sqrt())
        norm.bias.copy_(bias + weight * mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
    return images


WINDOW = 64  # pixels around an object's centre


def pretrain_on_scenes(encoder: nn.Module, epochs: int, seed: int = 0) -> Cost:
    """Train the encoder to tell the class of the object in the middle of a window of scenes-v1's training split."""
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    objects = [
        (scene, box, label)
        for scene in scenes.scenes("train")
        for box, label in zip(scene.boxes, scene.labels, strict=True)
    ]
    head = nn.LazyLinear(len(scenes.CLASSES) - 1)
    head(torch.zeros(1, encoder(torch.zeros(1, 3, WINDOW, WINDOW))[-1].shape[1]))  # makes the weights
    parameters = [*encoder.parameters(), *head.parameters()]
    batch, steps = 64, epochs * (len(objects) // 64)
    adam = torch.optim.AdamW(parameters, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=4e-3, total_steps=steps)
    encoder.train()
    for _ in range(epochs):
        order = rng.permutation(len(objects))
        for first in range(0, len(order) - batch + 1, batch):
            chosen = [objects[index] for index in order[first : first + batch]]
            images = normalise([_window(scene.image, box, rng) for scene, box, _ in chosen], "cpu")
            labels = torch.tensor([int(label) - 1 for _, _, label in chosen])
            loss = F.cross_entropy(head(encoder(images)[-1].mean((2, 3))), labels)
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    return Cost(steps * batch, steps * batch * WINDOW**2, time.perf_counter() - started)


def _window(image: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """WINDOW x WINDOW pixels around a box's centre, moved by up to four, mirrored at random, zero outside the image."""
    x, y = (int(box[k] + box[k + 2] / 2) + int(rng.integers(-4, 5)) for k in (0, 1))
    padded = np.pad(image, ((WINDOW, WINDOW), (WINDOW, WINDOW), (0, 0)))
    half = WINDOW // 2
    view = padded[y + half : y + half + WINDOW, x + half : x + half + WINDOW]
    view = view[:, ::-1] if rng.random() < 0.5 else view
    return view.transpose(1, 0, 2) if rng.random() < 0.5 else view
