"""The segmentation task: what every setting of a stage does, which weights move, a kill in training is harmless."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.published import ARCH0, ARCH2
from core import build
from tasks import TASKS, Recipe, Stage, Start, View
from tasks.segmentation.samples import SegmentationSamples
from tasks.segmentation.task import SegmentationTask

SETTINGS = dict(epochs=2, size=(64, 64), eval_size=(64, 64), scale=(1.0, 1.5), jitter=0.2, copies=2, batch=4)


def stage(**changes: Any) -> Stage:
    settings = {**SETTINGS, **changes}
    parts = [{f.name: settings.pop(f.name) for f in fields(kind) if f.name in settings} for kind in (View, Recipe)]
    return Stage("short", View(**parts[0]), Recipe(**parts[1]), tuple(sorted(settings.items())))


@pytest.fixture
def task(folder_data: Path, tmp_path: Path) -> SegmentationTask:
    return make(folder_data, tmp_path / "cache")


def make(root: Path, cache: Path, **settings: Any) -> SegmentationTask:
    data = dict(type="FolderSegmentation", root=str(root), layout="folders")
    encoder = {"width": 0.1, **settings.pop("encoder", {})}
    return build(TASKS, dict(type="SegmentationTask", data=data, encoder=encoder, cache=str(cache), **settings))


def model(aux: str | None = "cell", genotype: Any = ARCH2, channels: int = 8) -> dict[str, Any]:
    return {"decoder": dict(type="densebench.CellDecoder", genotype=genotype, channels=channels, aux=aux)}


def test_the_same_seed_gives_the_same_metrics_and_another_does_not(task: SegmentationTask) -> None:
    first = task.fit(model(), stage(), seed=1).metrics
    assert task.fit(model(), stage(), seed=1).metrics == first
    assert task.fit(model(), stage(), seed=2).metrics != first


def test_torchs_global_generator_is_left_alone(task: SegmentationTask) -> None:
    before = torch.random.get_rng_state()
    task.fit(model(), stage(epochs=1), seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_all_passes_are_counted(task: SegmentationTask) -> None:
    cost = task.fit(model(), stage(), seed=1).cost
    assert (cost.images, cost.pixels) == (
        2 * 12 + 3,
        (2 * 12 + 3) * 64 * 64,
    )  # two epochs of twelve crops, three scored
    assert task.fit(model(), stage(epochs=0), seed=1).cost.images == 3


def test_a_frozen_encoder_stays_and_is_not_saved_and_a_trained_one_moves(task: SegmentationTask, tmp_path) -> None:
    start = task.encoder.weights()
    task.fit(model(), stage(), seed=0, keep=str(tmp_path / "w.pth"))
    state = torch.load(tmp_path / "w.pth", weights_only=True)
    assert not any(name.startswith("backbone.") for name in state)
    task.fit(model(), stage(encoder_lr=1e-3), seed=0, keep=str(tmp_path / "w.pth"))
    state = torch.load(tmp_path / "w.pth", weights_only=True)
    assert not all(torch.equal(state[f"backbone.{name}"], value) for name, value in start.items())


def test_weights_are_handed_on_from_stage_to_stage(task: SegmentationTask, tmp_path: Path) -> None:
    path = str(tmp_path / "w.pth")
    task.fit(model(), stage(epochs=8, lr=1e-2), seed=0, keep=path)
    still = stage(epochs=1, lr=1e-12, weight_decay=0.0)
    handed = task.fit(model(), still, seed=5, start=Start(path)).metrics["loss"]
    assert handed < 0.8 * task.fit(model(), still, seed=5).metrics["loss"]


def test_weights_that_fit_nowhere_are_refused(task: SegmentationTask, tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="does not fit"):
        task.fit(model(), stage(), seed=0, start=Start(str(tmp_path / "w.pth")))


def test_a_searched_backbone_takes_over_the_encoders_weights_as_it_is_told(folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path, encoder=dict(pretrain_epochs=1))
    parts = {"backbone": task.encoder.config}
    own = task.encoder.weights()
    taken = task.begin(parts, stage(), 0).backbone.state_dict()
    assert all(torch.equal(taken[name], value) for name, value in own.items())
    seen = {}

    def adopt(weights: Any, fresh: Any) -> Any:
        seen.update(weights)
        return {name: weights[name] + 1 if "conv1.bn.bias" in name else value for name, value in fresh.items()}

    changed = task.begin(parts, stage(), 0, adopt).backbone.state_dict()
    assert set(seen) == {f"backbone.{name}" for name in own}
    assert torch.equal(changed["conv1.bn.bias"], own["conv1.bn.bias"] + 1)
    assert not torch.equal(changed["conv1.conv.weight"], own["conv1.conv.weight"])


def test_a_decoder_learns_its_training_images(task: SegmentationTask) -> None:
    long = stage(epochs=40, size=(80, 96), copies=1, batch=6, lr=1e-2, encoder_lr=3e-3)
    assert task.fit(model(None, ARCH0, 16), long, seed=0).metrics["loss"] < 0.1


def test_auxiliary_weight_changes_training_and_none_builds_no_auxiliary_cells(task: SegmentationTask, tmp_path) -> None:
    path = tmp_path / "w.pth"
    losses = {}
    for weight in (0.0, 0.1, 0.4):
        losses[weight] = task.fit(model(), stage(aux=weight), seed=0, keep=str(path)).metrics["loss"]
        names = torch.load(path, weights_only=True)
        assert any(".aux." in name for name in names) == bool(weight)
    assert losses[0.0] < losses[0.1] < losses[0.4]
    assert not any(".aux." in name for name in task.network(model()).state_dict())
    for parts, kind in ((model(None), "CellDecoder"), ({}, "SegformerHead")):
        with pytest.raises(ValueError, match=f"sets aux, but .*{kind} has no auxiliary classifiers"):
            task.fit(parts, stage(aux=0.1), seed=0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"distill": 0.3}, "the task has no teacher"),
        ({"bfloat16": True}, "sets bfloat16, which means nothing to SegmentationTask"),
        ({"cached": True, "copies": 0}, "copies of at least 1"),
        ({"cached": True, "encoder_lr": 0.1}, "frozen encoder"),
        ({"distil": 0.3}, "did you mean 'distill'"),
    ],
)
def test_settings_without_a_meaning_are_refused(task: SegmentationTask, settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        task.prepare([stage(**settings)])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(data=dict(type="FolderSegmentatio")), "unknown data set 'FolderSegmentatio': did you mean"),
        (
            dict(data=dict(type="ScenesDetection")),
            "ScenesDetection is no data set for SegmentationTask: use a Segmentation",
        ),
        (dict(template=dict(type="FCOS")), "FCOS is no model template for SegmentationTask: use a EncoderDecoder"),
        (dict(template=dict(decodr=None)), "model template 'EncoderDecoder' cannot be built"),
        (dict(features_dtype="int8"), "features_dtype must be one of float32, float16"),
        (dict(teacher=dict(model={})), "the teacher has no 'weights'"),
        (dict(teacher=dict(model={}, weights="nowhere")), "there are no teacher weights nowhere"),
    ],
)
def test_wrong_configs_are_one_sentence(tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    plain = dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder={}, cache=str(tmp_path))
    with pytest.raises(ValueError, match=sentence):
        build(TASKS, {**plain, **settings})


def test_a_killed_training_goes_on_where_it_was(task: SegmentationTask, tmp_path: Path, monkeypatch) -> None:
    long = stage(epochs=4, copies=0, encoder_lr=1e-3, polyak=0.9, schedule="poly", resumable=True)
    whole = task.fit(model(), long, seed=0, keep=str(tmp_path / "a.pth"))
    batches = SegmentationTask.batches

    def killed(self, stage, seed, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return batches(self, stage, seed, epoch)

    monkeypatch.setattr(SegmentationTask, "batches", killed)
    with pytest.raises(KeyboardInterrupt):
        task.fit(model(), long, seed=0, keep=str(tmp_path / "b.pth"))
    monkeypatch.setattr(SegmentationTask, "batches", batches)
    score = SegmentationTask.score
    monkeypatch.setattr(SegmentationTask, "score", lambda self, network, stage: killed(self, stage, 0, 2))
    with pytest.raises(KeyboardInterrupt):  # and again, when all epochs are done
        task.fit(model(), long, seed=0, keep=str(tmp_path / "b.pth"))
    monkeypatch.setattr(SegmentationTask, "score", score)
    monkeypatch.setattr("tasks.training.Training.epoch", None)  # nothing is learnt again
    resumed = task.fit(model(), long, seed=0, keep=str(tmp_path / "b.pth"))
    assert resumed.metrics == whole.metrics
    assert sorted(path.name for path in tmp_path.glob("?.pth*")) == ["a.pth", "b.pth"]


def test_a_loss_that_is_not_finite_stops_the_training(task: SegmentationTask) -> None:
    with pytest.raises(FloatingPointError, match="the training loss became"):
        task.fit(model(), stage(lr=1e30, clip=None, epochs=5), seed=0)


def test_crops_keep_images_and_labels_together(task: SegmentationTask) -> None:
    """An image whose colour is its label stays one, whatever the scale, place and side."""
    labels = np.kron(np.arange(12, dtype=np.uint8).reshape(3, 4), np.ones((16, 16), np.uint8))
    image = np.repeat(labels[..., None] * 20, 3, axis=2)
    samples = SegmentationSamples(task.data, stage(size=(32, 48), scale=(1.0, 2.0), jitter=0.0))
    for seed in range(20):
        view, truth = samples.cut(image, labels, np.random.default_rng(seed))
        assert view.shape == (32, 48, 3)
        inside = (view[..., 0] == truth * 20).mean()  # only colours at borders are mixed
        assert inside > 0.8
        assert 255 not in truth
