"""Features of a frozen encoder on disk, with and without a teacher: equal to live ones, made anew where they must be."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.published import ARCH2
from core import build
from tasks import TASKS, Recipe, Stage, View
from tasks.segmentation.task import SegmentationTask

SETTINGS = dict(epochs=2, size=(64, 64), eval_size=(64, 64), scale=(1.0, 1.5), jitter=0.2, copies=2, batch=4)
MODEL = {"decoder": dict(type="densebench.CellDecoder", genotype=ARCH2, channels=8, aux="cell")}


def stage(**changes: Any) -> Stage:
    settings = {**SETTINGS, **changes}
    parts = [{f.name: settings.pop(f.name) for f in fields(kind) if f.name in settings} for kind in (View, Recipe)]
    return Stage("short", View(**parts[0]), Recipe(**parts[1]), tuple(sorted(settings.items())))


def make(root: Path, cache: Path, **settings: Any) -> SegmentationTask:
    data = dict(type="FolderSegmentation", root=str(root), layout="folders")
    encoder = {"width": 0.1, **settings.pop("encoder", {})}
    return build(TASKS, dict(type="SegmentationTask", data=data, encoder=encoder, cache=str(cache), **settings))


def test_cached_and_live_features_give_equal_losses_and_scores(folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path)
    settings = dict(aux=0.15, polyak=0.9)
    prepared = task.prepare([stage(cached=True, **settings)])
    assert prepared.images == 12 + 3
    with_cache = task.fit(MODEL, stage(cached=True, **settings), seed=3)
    live = task.fit(MODEL, stage(**settings), seed=3)
    assert with_cache.metrics == pytest.approx(live.metrics, rel=1e-4)
    assert (with_cache.cost.images, with_cache.cost.pixels) == (live.cost.images, live.cost.pixels)
    assert len(list(tmp_path.glob("features-*"))) == 2  # also for the statistics behind averaged weights


def test_a_searched_backbone_has_none(folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path)
    with pytest.raises(ValueError, match="stage 'short' reads cached features, but the backbone itself is searched"):
        task.fit({"backbone": task.encoder.config}, stage(cached=True), seed=0)


@pytest.mark.parametrize("change", ["data", "transform", "encoder", "dtype", "nothing"])
def test_features_are_made_anew_when_what_they_are_made_from_changes(folder_data: Path, tmp_path: Path, change) -> None:
    cached, settings = stage(cached=True), {}
    before = make(folder_data, tmp_path).features(cached, training=True)[0].folder
    if change == "data":
        (folder_data / "masks/train/p0.png").write_bytes((folder_data / "masks/train/p1.png").read_bytes())
    elif change == "transform":
        cached = replace(cached, view=replace(cached.view, jitter=0.1))
    elif change == "encoder":
        settings = dict(encoder=dict(refit_norms=True))
    elif change == "dtype":
        settings = dict(features_dtype="float16")
    else:  # that features depend on
        cached = replace(cached, recipe=replace(cached.recipe, batch=3))
    after = make(folder_data, tmp_path, **settings).features(cached, training=True)[0].folder
    assert (after == before) == (change == "nothing")


def other_values(folder: Path) -> None:
    tap = np.load(folder / "tap2.npy", mmap_mode="r+")
    tap[:] = tap + 1
    tap.flush()


def torn(folder: Path) -> None:
    path = folder / "truth.npy"
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("damage", [other_values, torn])
def test_features_that_are_not_the_encoders_are_computed_again(
    folder_data: Path, tmp_path: Path, capsys, damage
) -> None:
    cached = stage(cached=True)
    before = make(folder_data, tmp_path).features(cached, training=False)[0]
    expected, folder = before.taps[2].copy(), before.folder
    damage(folder)
    after = make(folder_data, tmp_path).features(cached, training=False)[0]
    assert after.folder == folder
    assert np.array_equal(after.taps[2], expected)
    assert f"set aside as {folder.name}" in capsys.readouterr().err


def test_an_encoder_that_never_computes_the_same_is_refused(folder_data: Path, tmp_path: Path, monkeypatch) -> None:
    task, forward, calls = (
        make(folder_data, tmp_path),
        type(make(folder_data, tmp_path)._frozen).forward,
        iter(range(99)),
    )
    monkeypatch.setattr(type(task._frozen), "forward", lambda self, x: forward(self, x + next(calls)))
    with pytest.raises(ValueError, match=r"features-\w+ no longer holds what the encoder computes .*also made anew"):
        task.prepare([stage(cached=True)])


def test_distillation_pulls_towards_the_teacher(folder_data: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "teacher.pth")
    make(folder_data, tmp_path).fit(MODEL, stage(epochs=10, lr=1e-2), seed=9, keep=path)
    task = make(folder_data, tmp_path, teacher=dict(model=MODEL, weights=path))
    assert task.fingerprint() != make(folder_data, tmp_path).fingerprint()

    def distance(stage_: Stage) -> float:
        """The mean squared distance to the teacher that a student is left with."""
        student = str(tmp_path / "student.pth")
        task.fit(MODEL, stage_, seed=0, keep=student)
        network, batch = task.network(MODEL), next(task.batches(stage(distill=1.0), 0, 0))
        network.backbone.load_state_dict(task.encoder.weights())
        network.load_state_dict(torch.load(student, weights_only=True), strict=False)
        return (network(batch.inputs) - batch.teacher).square().mean().item()

    learn = dict(lr=5e-3, cached=True)
    assert distance(stage(epochs=12, distill=10.0, **learn)) < 0.6 * distance(stage(epochs=12, **learn))
    with_cache = task.fit(MODEL, stage(epochs=6, distill=1.0, **learn), seed=0)
    live = task.fit(MODEL, stage(epochs=6, distill=1.0, lr=5e-3), seed=0)
    assert with_cache.metrics == pytest.approx(live.metrics, rel=1e-4)
    assert live.cost.images == 2 * 6 * 12 + 3  # the teacher sees every crop as well
