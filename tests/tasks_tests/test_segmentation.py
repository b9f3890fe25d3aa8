"""The segmentation task: cached equals live, every setting of a stage does what it says, a kill in training is harmless."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.published import ARCH0, ARCH2
from search_spaces.decoder_cells import DecoderCells
from tasks import TASKS, Stage
from tasks.optimization import Optimization
from tasks.segmentation.pictures import SegmentationPictures
from tasks.segmentation.task import SegmentationTask

STAGE = Stage("short", epochs=2, size=(64, 64), eval_size=(64, 64), scale=(1.0, 1.5), jitter=0.2, copies=2, batch=4)


@pytest.fixture
def task(folder_data: Path, tmp_path: Path) -> SegmentationTask:
    return make(folder_data, tmp_path / "cache")


def make(root: Path, cache: Path, **settings: Any) -> SegmentationTask:
    data = dict(type="FolderSegmentation", root=str(root), layout="folders")
    encoder = {"width": 0.1, **settings.pop("encoder", {})}
    return TASKS.build(dict(type="SegmentationTask", data=data, encoder=encoder, cache=str(cache), **settings))


def model(aux: str | None = "cell") -> dict[str, Any]:
    space = DecoderCells(8, 1, aux=aux)
    return space.model(space.read(ARCH2))


def test_cached_and_live_features_give_equal_losses_and_scores(task: SegmentationTask) -> None:
    cached = replace(STAGE, cached=True, aux=0.15, polyak=0.9)
    task.prepare([cached])
    with_cache = task.fit(model(), cached, seed=3)
    live = task.fit(model(), replace(cached, cached=False), seed=3)
    assert with_cache.metrics == pytest.approx(live.metrics, rel=1e-4)
    assert (with_cache.cost.images, with_cache.cost.pixels) == (live.cost.images, live.cost.pixels)


def test_the_same_seed_gives_the_same_metrics_and_another_does_not(task: SegmentationTask) -> None:
    first = task.fit(model(), STAGE, seed=1).metrics
    assert task.fit(model(), STAGE, seed=1).metrics == first
    assert task.fit(model(), STAGE, seed=2).metrics != first


def test_torchs_global_generator_is_left_alone(task: SegmentationTask) -> None:
    before = torch.random.get_rng_state()
    task.fit(model(), replace(STAGE, epochs=1), seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("change", ["data", "transform", "encoder", "dtype"])
def test_features_are_made_anew_when_what_they_are_made_from_changes(folder_data: Path, tmp_path: Path, change) -> None:
    stage = replace(STAGE, cached=True)
    before = make(folder_data, tmp_path).features(stage, training=True)[0].folder
    assert make(folder_data, tmp_path).features(stage, training=True)[0].folder == before
    settings: dict[str, Any] = {}
    if change == "data":
        (folder_data / "masks/train/p0.png").write_bytes((folder_data / "masks/train/p1.png").read_bytes())
    elif change == "transform":
        stage = replace(stage, jitter=0.1)
    elif change == "encoder":
        settings = dict(encoder=dict(refit_norms=True))
    else:
        settings = dict(features_dtype="float16")
    assert make(folder_data, tmp_path, **settings).features(stage, training=True)[0].folder != before


def test_features_that_are_not_the_encoders_are_refused(task: SegmentationTask, folder_data: Path) -> None:
    stage = replace(STAGE, cached=True)
    folder = task.features(stage, training=False)[0].folder
    tap = np.load(folder / "tap2.npy", mmap_mode="r+")
    tap[:] = tap + 1
    tap.flush()
    with pytest.raises(RuntimeError, match="no longer holds what the encoder computes"):
        make(folder_data, Path(task.cache)).features(stage, training=False)


def test_a_frozen_encoder_stays_and_a_trained_one_moves(task: SegmentationTask, tmp_path: Path) -> None:
    start = task.encoder.weights()
    for stage, moves in ((STAGE, False), (replace(STAGE, encoder_lr=1e-3), True)):
        task.fit(model(), stage, seed=0, weights=str(tmp_path / "w.pth"))
        state = torch.load(tmp_path / "w.pth", weights_only=True)
        same = all(torch.equal(state[f"backbone.{name}"], value) for name, value in start.items())
        assert same != moves


def test_weights_are_handed_on_from_stage_to_stage(task: SegmentationTask, tmp_path: Path) -> None:
    path = str(tmp_path / "w.pth")
    task.fit(model(), replace(STAGE, epochs=8, lr=1e-2), seed=0, weights=path)
    still = replace(STAGE, epochs=1, lr=0.0, weight_decay=0.0)
    handed = task.fit(model(), still, seed=5, init=path).metrics["loss"]
    assert handed < 0.8 * task.fit(model(), still, seed=5).metrics["loss"]


def test_weights_that_fit_nowhere_are_refused(task: SegmentationTask, tmp_path: Path) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="does not fit"):
        task.fit(model(), STAGE, seed=0, init=str(tmp_path / "w.pth"))


def test_a_decoder_learns_its_training_pictures(task: SegmentationTask) -> None:
    stage = replace(STAGE, epochs=40, size=(80, 96), copies=1, batch=6, lr=1e-2, encoder_lr=3e-3)
    space = DecoderCells(16, 1)
    assert task.fit(space.model(space.read(ARCH0)), stage, seed=0).metrics["loss"] < 0.1


def test_auxiliary_weight_changes_training_and_none_builds_no_auxiliary_cells(task: SegmentationTask, tmp_path) -> None:
    path = tmp_path / "w.pth"
    losses = {}
    for weight in (0.0, 0.1, 0.4):
        losses[weight] = task.fit(model(), replace(STAGE, aux=weight), seed=0, weights=str(path)).metrics["loss"]
        names = torch.load(path, weights_only=True)
        assert any(".aux." in name for name in names) == bool(weight)
    assert losses[0.0] < losses[0.1] < losses[0.4]


def test_distillation_pulls_towards_the_teacher(folder_data: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "teacher.pth")
    make(folder_data, tmp_path).fit(model(), replace(STAGE, epochs=10, lr=1e-2), seed=9, weights=path)
    task = make(folder_data, tmp_path, teacher=dict(model=model(), weights=path))
    assert task.fingerprint() != make(folder_data, tmp_path).fingerprint()

    def distance(stage: Stage) -> float:
        """The mean squared distance to the teacher that a student is left with."""
        student = str(tmp_path / "student.pth")
        task.fit(model(), stage, seed=0, weights=student)
        network, batch = task.network(model()), next(task.batches(replace(STAGE, distill=1.0), 0, 0))
        network.load_state_dict(torch.load(student, weights_only=True), strict=False)
        return (network(batch.inputs) - batch.teacher).square().mean().item()

    cached = replace(STAGE, epochs=6, lr=5e-3, cached=True)
    live = replace(cached, cached=False)
    assert distance(replace(cached, epochs=12, distill=10.0)) < 0.6 * distance(replace(cached, epochs=12))
    with_cache = task.fit(model(), replace(cached, distill=1.0), seed=0).metrics
    assert with_cache == pytest.approx(task.fit(model(), replace(live, distill=1.0), seed=0).metrics, rel=1e-4)


@pytest.mark.parametrize(
    ("setting", "sentence"), [({"distill": 0.3}, "the task has no teacher"), ({"bfloat16": True}, "only restoration")]
)
def test_settings_without_a_meaning_are_refused(task: SegmentationTask, setting: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        task.prepare([replace(STAGE, **setting)])


def test_a_killed_training_goes_on_where_it_was(task: SegmentationTask, tmp_path: Path, monkeypatch) -> None:
    stage = replace(STAGE, epochs=4, copies=0, encoder_lr=1e-3, polyak=0.9, schedule="poly", resumable=True)
    whole = task.fit(model(), stage, seed=0, weights=str(tmp_path / "a.pth"))
    batches = SegmentationTask.batches

    def killed(self, stage, seed, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        return batches(self, stage, seed, epoch)

    monkeypatch.setattr(SegmentationTask, "batches", killed)
    with pytest.raises(KeyboardInterrupt):
        task.fit(model(), stage, seed=0, weights=str(tmp_path / "b.pth"))
    monkeypatch.setattr(SegmentationTask, "batches", batches)
    score = SegmentationTask.score
    monkeypatch.setattr(SegmentationTask, "score", lambda self, network, stage: killed(self, stage, 0, 2))
    with pytest.raises(KeyboardInterrupt):  # and again, when all epochs are done
        task.fit(model(), stage, seed=0, weights=str(tmp_path / "b.pth"))
    monkeypatch.setattr(SegmentationTask, "score", score)
    monkeypatch.setattr("tasks.training.train_mode", None)  # nothing is learnt again
    resumed = task.fit(model(), stage, seed=0, weights=str(tmp_path / "b.pth"))
    assert resumed.metrics == whole.metrics
    assert resumed.cost.images == whole.cost.images
    assert sorted(path.name for path in tmp_path.glob("?.pth*")) == ["a.pth", "b.pth"]


def test_a_loss_that_is_not_finite_stops_the_training(task: SegmentationTask) -> None:
    with pytest.raises(FloatingPointError, match="the training loss became"):
        task.fit(model(), replace(STAGE, lr=1e30, clip=None, epochs=5), seed=0)


def optimised(stage: Stage, steps: int) -> tuple[torch.nn.Parameter, Optimization]:
    """A single weight that is pulled towards 1 by a steep loss."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimization = Optimization(stage, [weight], [], steps)
    for _ in range(steps):
        optimization.step(100 * (weight - 1).square().sum())
    return weight, optimization


def test_clipping_bounds_the_gradient() -> None:
    assert optimised(replace(STAGE, clip=0.5), 1)[0].grad.norm() == pytest.approx(0.5)
    assert optimised(replace(STAGE, clip=None), 1)[0].grad.norm() == pytest.approx(200)


def test_averaged_weights_follow_the_published_formula() -> None:
    decay, stage = 0.3, replace(STAGE, polyak=0.3, lr=0.1)
    expected = 0.0
    for step in range(1, 6):
        value = optimised(replace(stage, polyak=0.0), step)[0].item()
        rate = min(decay, (1 + step) / (10 + step))
        expected = rate * expected + (1 - rate) * value
    weight, optimization = optimised(stage, 5)
    assert weight.item() != pytest.approx(expected)
    optimization.finish()
    assert weight.item() == pytest.approx(expected, rel=1e-5)


def test_the_poly_schedule_ends_at_zero() -> None:
    for schedule, end in (("poly", 0.0), ("constant", STAGE.lr)):
        optimization = optimised(replace(STAGE, schedule=schedule), 10)[1]
        assert optimization.adam.param_groups[0]["lr"] == pytest.approx(end)


def test_crops_keep_images_and_labels_together(task: SegmentationTask) -> None:
    """A picture whose colour is its label stays one, whatever the scale, place and side."""
    labels = np.kron(np.arange(12, dtype=np.uint8).reshape(3, 4), np.ones((16, 16), np.uint8))
    image = np.repeat(labels[..., None] * 20, 3, axis=2)
    for seed in range(20):
        stage = replace(STAGE, size=(32, 48), scale=(1.0, 2.0), jitter=0.0)
        view, truth = SegmentationPictures(task.data, stage).cut(image, labels, np.random.default_rng(seed))
        assert view.shape == (32, 48, 3)
        inside = (view[..., 0] == truth * 20).mean()  # only colours at borders are mixed
        assert inside > 0.8
        assert 255 not in truth


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(epochs=0), "at least 1"),
        (dict(share=0.0), "share must be in"),
        (dict(cached=True, copies=0), "copies >= 1"),
        (dict(cached=True, encoder_lr=0.1), "frozen encoder"),
        (dict(schedule="cosine"), "schedule must be"),
    ],
)
def test_stages_that_mean_nothing_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(STAGE, **settings)
