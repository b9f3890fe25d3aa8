"""compare_starts on the toy benchmark: a child's score before and behind its training, and what it took over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.analysis.starts import starts
from benchmarks.benchmark import Benchmark
from core import build
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import MOBILENET_V2
from tasks import TASKS, Cost, Outcome
from tasks.segmentation.task import SegmentationTask


def test_weights_of_the_parent_are_worth_something_before_any_training(tool, tmp_path: Path) -> None:
    done = tool("compare_starts", "toy", "--json", "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    anew, matching, ours = json.loads(done.stdout)
    assert [one["start"] for one in (anew, matching, ours)] == ["anew", "by name and shape", "by the space's rule"]
    assert anew["before"]["score"] < min(anew["behind"]["score"], ours["before"]["score"])
    assert (anew["tensors"], ours["tensors"]) == ({}, {"gains": "copied"})


def test_a_table_and_a_line_for_each_tensor(tool, tmp_path: Path) -> None:
    done = tool("compare_starts", "toy", "--tensors", "--work-dir", tmp_path)
    assert "| score, untrained   | score, trained   |" in done.stdout
    assert done.stdout.endswith("copied  gains\n")
    done = tool("compare_starts", "toyy")
    assert done.returncode == 2
    assert "did you mean" in done.stderr


def test_a_searched_backbone_also_begins_from_scratch(
    folder_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, begun = MBConvNet(MOBILENET_V2, 0.1, ("16", "32")).state_dict(), list[Any]()
    torch.save(encoder, tmp_path / "encoder.pth")
    config: dict[str, Any] = dict(
        id="starts-v1",
        task=dict(
            type="SegmentationTask",
            data=dict(type="FolderSegmentation", root=str(folder_data), layout="folders"),
            encoder=dict(width=0.1, checkpoint=str(tmp_path / "encoder.pth")),
            input_size=[32, 32],
            template=dict(type="EncoderDecoder", width=8),
        ),
        space=dict(type="MBConv", width=0.1),
        stages=[dict(name="short", view=dict(size=[32, 32]), recipe=dict(epochs=1))],
        final=dict(name="final", view=dict(train=["train", "val"], eval="test", size=[32, 32]), recipe=dict(epochs=1)),
        reward=dict(type="Metric", name="mIoU"),
        budget=dict(trials=1),
        seeds=[0],
    )

    def fit(task: SegmentationTask, model: Any, stage: Any, *, seed: int, adopt: Any, **rest: Any) -> Outcome:
        begun.append((task.begin(model, stage, seed, adopt).state_dict(), task.build(task.config(model), seed)))
        return Outcome({"mIoU": 0.0}, Cost())

    monkeypatch.setattr(SegmentationTask, "fit", fit)
    benchmark = Benchmark(config)
    task: Any = build(TASKS, {**benchmark.task, "cache": str(tmp_path / "cache")})
    names = [one.start for one in starts(benchmark, task, 0)]
    assert names == ["scratch", "anew", "by name and shape", "by the space's rule"]
    (scratch, random), (anew, _) = begun[1], begun[3]
    assert all(torch.equal(value, scratch[name]) for name, value in random.state_dict().items())
    stem = next(name for name in encoder if name.endswith("weight"))
    assert torch.equal(anew[f"backbone.{stem}"], encoder[stem])
    assert not torch.equal(scratch[f"backbone.{stem}"], encoder[stem])
