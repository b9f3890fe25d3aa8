"""The folder of a network that is taken home."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from benchmarks.export.about import ABOUT
from benchmarks.export.answer import Found
from benchmarks.export.latency import latency
from benchmarks.export.onnx import TOLERANCE, OnnxNetwork, distance, write_onnx
from benchmarks.export.source import Source
from benchmarks.export.stock import training_config
from benchmarks.export.tracing import traced
from benchmarks.files import make_folder
from benchmarks.records.provenance import commit, device_name, versions

FORMAT = 1
OUTPUTS = {
    "segmentation": ["scores"],
    "detection": ["boxes", "scores"],
    "restoration": ["restored"],
    "classification": ["scores"],
    "depth": ["depth"],
    "keypoints": ["heatmaps"],
}
FILES = Path(__file__).parent / "files"
LIBRARY = {"segmentation": "mmseg", "detection": "mmdet", "depth": "mmseg"}


def export(found: Found, out: Path, onnx: bool, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Write the folder `out` whole or not at all, and return what its `model.json` says.

    `config.py`, `weights.pth`, `start.pth`: for MMDetection's, MMSegmentation's or MMEngine's own tools. `network.py`,
    `network.safetensors`: for torch alone. `network.onnx`, where asked for. `model.json`: how it is used and what it is worth.
    Raises ValueError where `out` is there already, and where one of these does not compute what the network does.
    """
    if out.exists():
        raise ValueError(f"{out} exists already: give another --out, or remove it")
    make_folder(out.parent, "--out")
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        about = _fill(part, found, onnx, tell)
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return about


@torch.no_grad()
def _fill(out: Path, found: Found, onnx: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    task, stage = found.task, found.stage
    network = found.network()
    usage = task.usage(stage)
    _for_stock_tools(out, found, network, usage)
    whole = task.deployed(network).eval()
    images = _images(found, usage.get("tile"))
    source = Source(whole, traced(whole, images))
    text = source.text(_docstring(found, usage))
    plain = _plain(text, source.weights)
    batches = images, torch.cat([images[..., : _rows(images, usage.get("tile")), :]] * 2)  # other sizes and numbers
    for batch in batches:
        _compare("the plain file", _tuple(plain(batch)), _tuple(whole(batch)))
    (out / "network.py").write_text(text)
    weights = save({name: value.contiguous() for name, value in source.weights.items()})
    (out / "network.safetensors").write_bytes(weights)  # `save_file` would let nobody else read it
    about = {
        "format": FORMAT,
        **usage,
        "input": list(images.shape[1:]),
        "of": found.name,
        "metrics": found.record["final"]["metrics"],
        "params": found.record["final"]["params"],
        "madds": found.record["final"]["madds"],
        "protocol_hash": found.config["protocol_hash"],
        "device": device_name("cpu"),
        "versions": versions(),
        "commit": commit(),
        "latency_ms": {"torch": asdict(latency(lambda: plain(images)))},
    }
    if onnx:
        tell("writing ONNX")
        path, threads = out / "network.onnx", torch.get_num_threads()
        write_onnx(plain, torch.cat([images] * 2), OUTPUTS[usage["task"]], path)
        runtime = OnnxNetwork(path, threads)
        for batch in batches:
            _compare("ONNX", runtime(batch.numpy()), _tuple(plain(batch)))
        array = images.numpy()
        about["latency_ms"]["onnxruntime"] = asdict(latency(lambda: runtime(array)))
    (out / ABOUT).write_text(json.dumps(about, indent=2, allow_nan=False) + "\n")
    (out / "README.md").write_text(_readme(found, usage, about))
    return about


def _for_stock_tools(out: Path, found: Found, network: nn.Module, usage: dict[str, Any]) -> None:
    task, stage = found.task, found.stage
    (out / "config.py").write_text(training_config(task, found.parts, stage))
    model = task.stock(found.parts, stage)["model"]
    prefix = "network." if "network" in model else ""  # MMEngine's model is around it
    state = {f"{prefix}{name}": value for name, value in network.state_dict().items()}
    meta = {"dataset_meta": {"classes": tuple(usage.get("classes", ()))}}
    torch.save({"state_dict": state, "meta": meta}, out / "weights.pth")
    if "backbone" in model and "backbone" not in found.parts:
        backbone = {f"backbone.{name}": value for name, value in task.encoder.weights().items()}
        torch.save({"state_dict": backbone, "meta": meta}, out / "start.pth")
    if usage["task"] not in LIBRARY:
        shutil.copy(FILES / "run.py", out)


def _images(found: Found, tile: int | None) -> Tensor:
    """The first scored image, as the network that is taken home sees it: one tile of it, where it goes through in tiles."""
    image = torch.from_numpy(found.task.samples(found.stage).scored(0)[0]).permute(2, 0, 1)[None].float()
    if tile is not None and image.shape[-2] * image.shape[-1] > tile**2:
        image = image[..., :tile, :tile]
    return image.contiguous()


def _rows(images: Tensor, tile: int | None) -> int:
    """A multiple of 32, less than all where images go through in tiles, which have any size; all where there are no 32."""
    rows = images.shape[-2]
    return (rows - (tile is not None)) // 32 * 32 or rows


def _plain(text: str, weights: dict[str, Tensor]) -> Any:
    """The network that a file describes."""
    names: dict[str, Any] = {}
    exec(compile(text, "network.py", "exec"), names)
    network = names["Network"]()
    network.load_state_dict(weights)
    return network.eval()


def _tuple(made: Any) -> list[Tensor]:
    return list(made) if isinstance(made, tuple) else [made]


def _compare(what: str, made: Any, wanted: Any) -> None:
    if [tuple(one.shape) for one in made] != [tuple(one.shape) for one in wanted] or distance(made, wanted) > TOLERANCE:
        raise ValueError(f"{what} computes something else than the network: its own code decides by sizes of images")


def _docstring(found: Found, usage: dict[str, Any]) -> str:
    made = {
        "segmentation": "scores (N, classes, H, W), of which the largest names a pixel's class",
        "detection": "boxes (N, P, 4) as x1, y1, x2, y2 in pixels and scores (N, P, classes), overlapping boxes included",
        "restoration": "restored images of the same kind, not clipped",
        "classification": "scores (N, classes), whose softmax are probabilities",
        "depth": "depths (N, 1, H, W) in metres",
        "keypoints": "heat maps (N, joints, H / 4, W / 4), whose peaks are where joints are",
    }[usage["task"]]
    seen = f"{usage['colours']} images (N, {'C' if usage['task'] == 'restoration' else 3}, H, W), 0 to {usage['white']}"
    first = f"The network that was found by {found.name}."
    second = f"It takes {seen}, and gives {made}."
    how = 'Network().load_state_dict(safetensors.torch.load_file("network.safetensors")), then .eval().'
    return "\n\n".join([first, *("\n".join(textwrap.wrap(one, 110)) for one in (second, f"Weights: {how}"))]) + "\n"


def _readme(found: Found, usage: dict[str, Any], about: dict[str, Any]) -> str:
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in about["metrics"].items())
    library = LIBRARY.get(usage["task"])
    if library:
        tools = f"$(python -c 'import {library}, os; print(os.path.dirname({library}.__file__))')/.mim/tools"
        commands = f"python {tools}/test.py config.py weights.pth\npython {tools}/train.py config.py"
    else:
        commands = "python run.py test\npython run.py train"
    split = found.stage.view.eval
    return (
        (FILES / "README.md")
        .read_text()
        .format(
            name=found.name,
            split=split,
            metrics=metrics,
            params=f"{about['params']:,.0f}",
            madds=f"{about['madds']:,.0f}",
            size="x".join(map(str, reversed(found.task.shape(found.parts)[1:]))),
            commands=commands,
        )
    )
