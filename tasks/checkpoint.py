"""Where an encoder's weights come from: published checkpoints of MobileNetV2, and networks that a search has found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

BLOCKS = (1, 2, 3, 4, 3, 3, 1)  # inverted residuals in each stage
PARTS = ("conv", "bn")


def found_backbone(answer: Path) -> tuple[dict[str, Any], Path]:
    """The backbone's config and the file of weights of a network that a run has found, in its folder `answers/<k>`.

    Raises ValueError where there is none, or no space decided its backbone.
    """
    path, weights = answer / "network.json", answer / "final.pth"
    if not path.is_file() or not weights.is_file():
        raise ValueError(
            f"{answer} is no answer of a run: give runs/<benchmark>/<strategy>/seed<k>/answers/<k>, or a file"
        )
    try:
        model = json.loads(path.read_text())["model"]
        backbone = model.get("backbone")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} describes no network ({type(error).__name__}): train the answer again") from None
    if not isinstance(backbone, dict):
        decided = ", ".join(model) or "nothing"
        raise ValueError(f"the search of {answer} decided {decided} and no backbone: give an answer of one that did")
    return backbone, weights


def read_checkpoint(path: str, encoder: nn.Module) -> tuple[dict[str, Tensor], str]:
    """The encoder's weights from a checkpoint in torchvision's or OpenMMLab's layout, and a report of what matched.

    Loads tensors only, never code. Raises ValueError where the file is no checkpoint or the weights do not fit.
    """
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        loaded = loaded.get("state_dict", loaded)
        found: dict[str, Any] = {_our_name(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
    except Exception as error:  # unpickling fails in many ways
        raise ValueError(f"{path} is not a checkpoint of plain tensors ({type(error).__name__})") from None
    wanted = encoder.state_dict()
    needed = {name: value for name, value in wanted.items() if not name.endswith("num_batches_tracked")}
    misfits = [name for name, value in needed.items() if name not in found or found[name].shape != value.shape]
    if misfits:
        raise ValueError(
            f"{path} does not fit the encoder: {len(misfits)} of {len(wanted)} tensors are missing or of another shape, "
            f"first {misfits[0]}; use a MobileNetV2 of the same width in torchvision's or OpenMMLab's layout, or give the "
            "folder of an answer"
        )
    unused = sorted({name.split(".")[0] for name in found if name not in wanted})
    report = f"{len(wanted)} of {len(wanted)} encoder tensors matched, {len(found) - len(wanted)} left over {unused}"
    return {name: found.get(name, wanted[name]) for name in wanted}, report


def _our_name(name: str) -> str:
    """A tensor's name in MMSegmentation's MobileNetV2, from torchvision's or OpenMMLab's."""
    name = name.removeprefix("module.").removeprefix("backbone.")
    match = re.fullmatch(r"features\.(\d|1[0-8])\.(?:conv\.)?(\d)(?:\.(\d))?\.(\w+)", name)
    if not match:
        return name
    index, layer, part, tensor = int(match[1]), int(match[2]), match[3], match[4]
    if index in (0, 18):
        module, place = f"conv{1 if index == 0 else 2}", layer
    else:
        stage = next(stage for stage in range(7) if index <= sum(BLOCKS[: stage + 1]))
        block = index - 1 - sum(BLOCKS[:stage])
        # torchvision numbers (conv, bn) pairs but the last one, whose parts stand beside the pairs.
        last = 1 if stage == 0 else 2
        layer, place = (last, layer - last) if part is None else (layer, int(part))
        module = f"layer{stage + 1}.{block}.conv.{layer}"
    return f"{module}.{PARTS[place]}.{tensor}" if place in (0, 1) else name  # else of another network
