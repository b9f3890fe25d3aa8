"""A network that was taken home, at work on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.export.about import Kind, part_of, read_about
from tasks.deployment import as_batch
from tasks.files import decode, in_colour, opaque
from tasks.restoration.tiles import tiled
from tasks.usage import AnyUsage


class Predictor:
    """The network in a folder that `export_model.py` wrote, on torch or ONNX Runtime.

    With torch, the folder's `network.py` is run: it must be one that you wrote, or trust.
    """

    def __init__(self, folder: Path, engine: str = "torch"):
        about = read_about(folder)
        self.drawing = import_module(f"tasks.{part_of(about, Kind, folder).task}.drawing")
        self.usage: AnyUsage = part_of(about, self.drawing.Usage, folder)
        if engine == "onnx" and not (folder / "network.onnx").is_file():
            raise ValueError(f"{folder} has no network.onnx: export it with --onnx, or leave --engine out")
        self.run = _onnx(folder) if engine == "onnx" else _torch(folder)

    def __call__(self, image: np.ndarray) -> Any:
        """What the network finds in an (H, W, 3) RGB image: labels, boxes, depths, joints, or the restored picture."""
        batch = as_batch(self.drawing.seen(image, self.usage))
        if batch.shape[1] != self.usage.input[0]:
            raise ValueError(f"the network takes {self.usage.input[0]} channels, not {batch.shape[1]}: export it again")
        tile = self.usage.tile
        if tile and batch.shape[-2] * batch.shape[-1] > tile**2:
            outputs = [tiled(lambda part: self.run(part)[0], batch, tile, tile // 4)]
        else:
            outputs = self.run(batch)
        return self.drawing.read([output.numpy() for output in outputs], image, self.usage)

    def picture(self, path: Path) -> np.ndarray:
        """An image file as it is seen, (H, W, 3) RGB uint8. Raises ValueError."""
        return decode(path, in_colour if self.usage.transparent else opaque)

    def drawn(self, image: np.ndarray, found: Any) -> np.ndarray:
        """(H, W, 3) RGB uint8."""
        return self.drawing.drawn(image, found, self.usage)

    def told(self, found: Any) -> Any:
        """The same as plain data."""
        return self.drawing.told(found, self.usage)

    def said(self, found: Any) -> str:
        """The same in a line."""
        return self.drawing.said(found, self.usage)


def plain_network(folder: Path) -> torch.nn.Module:
    """The network of `network.py` with the weights beside it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / "network.py"
    spec = spec_from_file_location("network", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        network = module.Network()
        network.load_state_dict(load_file(folder / "network.safetensors"))
    except (OSError, SyntaxError, AttributeError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"the network in {folder} cannot be used ({error}): export it again") from None
    return network.eval()


def _torch(folder: Path) -> Any:
    network = plain_network(folder)

    @torch.no_grad()
    def run(batch: torch.Tensor) -> Sequence[torch.Tensor]:
        made = network(batch)
        return made if isinstance(made, tuple) else [made]

    return run


def _onnx(folder: Path) -> Any:
    from benchmarks.export.onnx import OnnxNetwork

    network = OnnxNetwork(folder / "network.onnx")
    return lambda batch: [torch.from_numpy(output) for output in network(batch.numpy())]
