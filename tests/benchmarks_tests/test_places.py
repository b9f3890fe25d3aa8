"""Where things lie is not protocol, what lies there is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS

from benchmarks.run import Run


@pytest.fixture
def config(folder_data: Path, toy_config: dict[str, Any]) -> dict[str, Any]:
    """A segmentation protocol with data, a checkpoint and a teacher in files."""
    root = folder_data.parent
    teacher: dict[str, Any] = dict(model={}, weights=str(root / "teacher.pth"))
    encoder = dict(width=0.1, checkpoint=str(root / "encoder.pth"))
    data = dict(type="FolderSegmentation", root=str(folder_data), layout="folders")
    task = dict(type="SegmentationTask", data=data, encoder=encoder, teacher=teacher, input_size=[64, 64])
    backbone = dict(type="mmseg.MobileNetV2", widen_factor=0.1, strides=(1, 2, 2, 2, 1, 2, 1), dilations=(1,) * 7)
    torch.save(MODELS.build(ConfigDict(**backbone, out_indices=(1, 2, 4, 6))).state_dict(), root / "encoder.pth")
    torch.save({"decode_head.conv_seg.bias": torch.zeros(3)}, root / "teacher.pth")
    space, reward = dict(type="DecoderCells", channels=4), dict(type="Metric", name="mIoU")
    return {**toy_config, "task": task, "space": space, "reward": reward, "gate": None}


def protocol_hash(config: dict[str, Any], work: Path, **task: Any) -> str:
    benchmark = {**config, "task": {**config["task"], **task}}
    return Run({"benchmark": benchmark, "strategy": dict(type="RandomSearch")}, "one", 0, work, "cpu").dump[
        "protocol_hash"
    ]


def test_moved_files_are_the_same_protocol_and_changed_ones_another(config: dict[str, Any], tmp_path: Path) -> None:
    task, moved = config["task"], tmp_path / "moved"
    shutil.copytree(task["data"]["root"], moved / "data")
    for file in ("encoder.pth", "teacher.pth"):
        shutil.copy(tmp_path / file, moved / file)
    places = dict(
        data={**task["data"], "root": str(moved / "data")},
        encoder={**task["encoder"], "checkpoint": str(moved / "encoder.pth")},
        teacher={**task["teacher"], "weights": str(moved / "teacher.pth")},
    )
    before = protocol_hash(config, tmp_path / "runs")
    assert protocol_hash(config, tmp_path / "elsewhere", **places) == before
    torch.save({"decode_head.conv_seg.bias": torch.ones(3)}, moved / "teacher.pth")
    assert protocol_hash(config, tmp_path / "a", **places) != before
