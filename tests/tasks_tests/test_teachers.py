"""Teachers of tasks with decoders: which weights they can have, and what tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core import build
from tasks import TASKS, Stage

HEAD = dict(type="mmseg.FCNHead", channels=8, norm_cfg=dict(type="BN"))


def make(kind: str, data: dict[str, Any], cache: Path, **settings: Any) -> Any:
    common = dict(encoder=dict(width=0.1), cache=str(cache), input_size=(32, 32))
    return build(TASKS, dict(type=kind, data=data, **common, **settings))


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    "content", [b"garbage", {"other": torch.zeros(3)}, [torch.zeros(3)]], ids=["cut", "new", "bare"]
)
def test_weights_that_it_cannot_have_are_told_before_a_trial(
    folder_data: Path, tmp_path: Path, content: Any, cached: bool
) -> None:
    path = tmp_path / "teacher.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    data = dict(type="FolderSegmentation", root=str(folder_data), layout="folders")
    task = make("SegmentationTask", data, tmp_path / "cache", teacher=dict(model=dict(decoder=HEAD), weights=str(path)))
    view, options = dict(size=[32, 32], eval_size=[32, 32], copies=1), dict(distill=0.3, cached=cached)
    stage = Stage.of(dict(name="short", view=view, recipe=dict(epochs=1, batch=4), options=options))
    with pytest.raises(ValueError, match=r"the teacher with the weights .*teacher\.pth cannot be used: ."):
        task.prepare([stage])
    assert not list(tmp_path.glob("cache/features-*"))
