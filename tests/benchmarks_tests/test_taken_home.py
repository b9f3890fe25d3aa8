"""A model.json that lacks what is used of it, or has something else there, is refused in a sentence."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.export.about import Worth, part_of, read_about
from benchmarks.export.latency import measured
from benchmarks.export.predictor import Predictor

RGB = {"input": [3, 8, 8], "size": None}
NAMED = {**RGB, "classes": ["a", "b"]}
USED: dict[str, dict[str, Any]] = {
    "segmentation": NAMED,
    "classification": NAMED,
    "detection": {**NAMED, "overlap": 0.5, "least": 0.3},
    "depth": {**RGB, "metres": [1.0, 9.0]},
    "keypoints": {**RGB, "size": [8, 8], "joints": ["a", "b"], "limbs": [[0, 1]], "least": 0.2},
    "restoration": {**RGB, "colours": "rgb", "marks": False, "tile": None},
}
MADE = {
    "segmentation": "image[:, :2]",
    "classification": "image[:, :2].mean((2, 3))",
    "detection": "torch.full((1, 5, 4), 2.0), torch.ones(1, 5, 2)",
    "depth": "image[:, :1]",
    "keypoints": "image[:, :2, ::4, ::4]",
    "restoration": "image",
}
SIZES = {"size", "tile"}  # there may be none


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "network.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return tmp_path


def write(home: Path, task: str, about: dict[str, Any]) -> None:
    lines = ["import torch", "class Network(torch.nn.Module):", f"    def forward(self, image): return {MADE[task]}"]
    (home / "network.py").write_text("\n".join(lines))
    (home / "model.json").write_text(json.dumps(about))


def used(home: Path) -> list[Any]:
    network, image = Predictor(home), np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    found = network(image)
    return [network.drawn(image, found), network.told(found), network.said(found)]


@pytest.mark.parametrize("task", USED)
def test_every_entry_that_is_used_is_looked_at(home: Path, task: str) -> None:
    sound = {"task": task, **USED[task]}
    write(home, task, sound)
    assert json.dumps(used(home)[1])
    for name, own in sound.items():
        absent = {entry: value for entry, value in sound.items() if entry != name}
        for about in (absent, *({**sound, name: value} for value in (None, -1, "x", [[1]], {"a": None}))):
            if (own is about.get(name, "absent")) or (name == "tile" and name not in about):
                continue
            write(home, task, about)
            with pytest.raises(ValueError, match="export it again") as refused:
                used(home)
            assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("task", "change"),
    [("segmentation", {"classes": ["a"]}), ("classification", {"classes": ["a", "b", "c"]}),
     ("detection", {"classes": ["a"]}), ("keypoints", {"joints": ["a", "b", "c"]}),
     ("restoration", {"colours": "gray"}), ("depth", {"input": [1, 8, 8]})],
)  # fmt: skip
def test_a_network_of_another_shape_is_refused(home: Path, task: str, change: dict[str, Any]) -> None:
    write(home, task, {"task": task, **USED[task], **change})
    with pytest.raises(ValueError, match="export it again"):
        used(home)


def test_a_sentence_and_an_exit_code(tool: Any, home: Path) -> None:
    write(home, "depth", {"task": "depth", **RGB})
    Image.new("RGB", (8, 8)).save(home / "a.png")
    done = tool("predict", home / "a.png", "--model", home, "--out", home / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "it has no 'metres'" in done.stderr


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_a_damaged_onnx_file_is_refused(home: Path, content: bytes) -> None:
    write(home, "depth", {"task": "depth", **USED["depth"]})
    (home / "network.onnx").write_bytes(content)
    for use in (partial(Predictor, home, "onnx"), partial(measured, home)):
        with pytest.raises(ValueError, match=r"network\.onnx cannot be used \(.*\): export it again") as refused:
            use()
        assert "\n" not in str(refused.value)


def test_what_it_is_worth(home: Path) -> None:
    latency = {"median": 1.0, "low": 1.0, "high": 1.0, "calls": 3, "threads": 1, "throttled": 1.0}
    about = {"metrics": {"mIoU": 1.0}, "params": 2.0, "madds": 3.0, "latency_ms": {"torch": latency}}
    write(home, "depth", about)
    assert part_of(read_about(home), Worth, home).latency_ms["torch"].median == 1.0
    for change in ({"latency_ms": {"torch": {}}}, {"params": "many"}, {"metrics": None}):
        write(home, "depth", {**about, **change})
        with pytest.raises(ValueError, match="export it again"):
            part_of(read_about(home), Worth, home)
    for text in ("[]", "{", "[" * 100_000):
        (home / "model.json").write_text(text)
        with pytest.raises(ValueError, match="does not describe a network"):
            read_about(home)
