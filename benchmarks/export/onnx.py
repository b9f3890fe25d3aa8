"""A network in ONNX, checked with ONNX Runtime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from core.parsing import in_a_line

TOLERANCE = 1e-4  # of the largest output, or of 1 where all are smaller


def write_onnx(network: nn.Module, example: Tensor, outputs: Sequence[str], path: Path) -> None:
    """One file, for any number of images of any size that the network takes; `example` is a batch of two.

    Raises ValueError where ONNX cannot hold it.
    """
    axes = dict.fromkeys((0, 2, 3), Dim.DYNAMIC)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of other libraries' operations
    settings: dict[str, Any] = dict(dynamo=True, external_data=False, verbose=False)
    names: dict[str, Any] = dict(input_names=["image"], output_names=list(outputs))
    network = deepcopy(network)
    for module in network.modules():
        if "inplace" in vars(module):
            vars(module)["inplace"] = False  # what is computed in place takes the exporter longest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(network, (example,), dynamic_shapes={"image": axes})
            torch.onnx.export(program, (example,), path, **settings, **names)
        except Exception as error:  # the exporter raises what it likes
            why = str(error).strip().splitlines()[0]
            raise ValueError(
                f"ONNX cannot hold this network ({type(error).__name__}: {why}): leave --onnx out"
            ) from error


class OnnxNetwork:
    """Called with (N, C, H, W) images, gives the outputs of a file's network as arrays.

    Raises ValueError where the file holds none.
    """

    def __init__(self, path: Path, threads: int | None = None):
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        if threads is not None:
            settings.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), settings, providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # its errors have no class of their own
            raise ValueError(f"{path} cannot be used ({in_a_line(error)}): export it again") from None

    def __call__(self, images: np.ndarray) -> list[np.ndarray]:
        return self.session.run(None, {"image": images})  # type: ignore[return-value]


def distance(made: Sequence[Any], wanted: Sequence[Any]) -> float:
    """The largest difference between outputs, in parts of the largest of them, or of 1 where all are smaller."""
    pairs = [
        (np.asarray(one, np.float64), np.asarray(other, np.float64)) for one, other in zip(made, wanted, strict=True)
    ]
    return max(float(np.abs(one - other).max() / max(1.0, np.abs(other).max())) for one, other in pairs)
