"""Teachers of tasks with decoders: which weights they can have, and what tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core import build, content_key
from tasks import TASKS, Stage

LEARNS = dict(name="teacher", view=dict(size=[32, 32], eval_size=[32, 32]), recipe=dict(epochs=1))
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


def test_it_is_another_one_where_it_learns_by_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.decoding.task.cached", lambda root, kind, identity, *others: identity)

    def teacher(kind: str, data: str, parts: dict[str, Any], **settings: Any) -> tuple[str, str]:
        task = make(kind, dict(type=data), tmp_path, teacher=dict(model=parts, stage=LEARNS), **settings)
        vars(task)["data_print"] = lambda *_: data  # the images need not be drawn
        return task.teacher_print, content_key(task._learnt)

    joints = [
        teacher("KeypointTask", "FiguresKeypoints", {}, sigma=sigma, template=dict(width=width))
        for sigma in (2.0, 3.0)
        for width in (32, 64)
    ]
    assert len({one for one, _ in joints}) == len({one for _, one in joints}) == 4
    parts = [
        teacher("SegmentationTask", "ScenesSegmentation", dict(decoder=HEAD), template=dict(width=width))
        for width in (32, 64)
    ]
    assert parts[0] == parts[1]  # its own decoder is told, and it is what it was
    assert parts[0][0] == content_key([dict(decoder=HEAD), str(Stage.of(LEARNS))])
