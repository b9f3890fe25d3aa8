"""The segmentation task: what every setting of a stage does, and an encoder's outputs on disk, which equal the live ones."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.published.networks import ARCH0, ARCH2
from core import build
from tasks import TASKS, Recipe, Stage, View
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


def test_an_encoder_learns_with_an_optimiser_of_its_own(task: SegmentationTask, tmp_path: Path) -> None:
    kept = str(tmp_path / "w.pth")
    task.fit(model(), stage(optimizer=dict(type="Adam", lr=3e-3), encoder=dict(type="SGD", lr=1e-3)), seed=0, keep=kept)
    learnt = torch.load(kept, weights_only=True)
    assert any(not torch.equal(learnt[f"backbone.{name}"], value) for name, value in task.encoder.weights().items())
    with pytest.raises(ValueError, match="frozen encoder"):
        task.prepare([stage(cached=True, copies=1, encoder={})])
    with pytest.raises(ValueError, match=r"stage 'short': unknown setting of optimizer 'SGD' 'betas'"):
        task.prepare([stage(encoder=dict(type="SGD", lr=0.1, betas=[0.9, 0.99]))])


def test_auxiliary_weight_changes_training_and_none_builds_no_auxiliary_cells(task: SegmentationTask, tmp_path) -> None:
    path = tmp_path / "w.pth"
    losses = {}
    for weight in (0.0, 0.1, 0.4):
        losses[weight] = task.fit(model(), stage(aux=weight), seed=0, keep=str(path)).metrics["loss"]
        names = torch.load(path, weights_only=True)
        assert any(".aux." in name for name in names) == bool(weight)
    assert losses[0.0] < losses[0.1] < losses[0.4]
    assert not any(".aux." in name for name in task.network(model()).state_dict())
    with pytest.raises(ValueError, match=r"sets aux, but .*CellDecoder has no auxiliary classifiers"):
        task.fit(model(None), stage(aux=0.1), seed=0)
    plain = [task.fit({}, stage(aux=weight), seed=0).metrics for weight in (0.0, 0.1)]
    assert plain[0] == plain[1]  # a head that knows none


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"distill": 0.3}, "the task has no teacher"),
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
        (dict(template=dict(decodr=None)), "unknown setting of model template 'EncoderDecoder'"),
        (dict(features_dtype="int8"), "features_dtype must be one of float32, float16"),
        (dict(teacher=dict(model={})), "the teacher: give either weights, a file's path, or a stage"),
        (dict(background="backgroundd"), "class as the background 'backgroundd': did you mean 'background'"),
        (dict(teacher=dict(model={}, weights="nowhere")), "there are no teacher weights nowhere"),
    ],
)
def test_wrong_configs_are_one_sentence(tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    plain = dict(type="SegmentationTask", data=dict(type="ScenesSegmentation"), encoder={}, cache=str(tmp_path))
    with pytest.raises(ValueError, match=sentence):
        build(TASKS, {**plain, **settings})


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


# Cached features, with and without a teacher.


def test_cached_and_live_features_give_equal_losses_and_scores(folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path)
    settings = dict(aux=0.15, polyak=0.9)
    prepared = task.prepare([stage(cached=True, **settings)])
    assert prepared.images == 12 + 3
    with_cache = task.fit(model(), stage(cached=True, **settings), seed=3)
    live = task.fit(model(), stage(**settings), seed=3)
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


LEARNS = dict(
    name="teacher",
    view=dict(size=[64, 64], eval_size=[64, 64]),
    recipe=dict(epochs=3, batch=4, lr=1e-2, encoder_lr=1e-3),
)


def test_a_teacher_with_a_stock_head_and_backbone_learns_once(folder_data: Path, tmp_path: Path) -> None:
    resnet = dict(type="mmseg.ResNet", depth=18, base_channels=8, out_indices=(0, 1, 2, 3))
    parts = dict(backbone=resnet, decoder=dict(type="mmseg.FCNHead", channels=8, norm_cfg=dict(type="BN")))
    make_ = partial(make, folder_data, tmp_path, teacher=dict(model=parts, stage=LEARNS))
    taught, fast = stage(distill=0.3, epochs=1), stage(epochs=1)
    first, again = (make_().prepare([taught]) for _ in "ab")
    assert first == again  # what it cost then
    assert first.images == 3 * 6 + 3  # its epochs, and its score
    assert len(list(tmp_path.glob("teacher-*/teacher.pth"))) == 1
    assert make_().prepare([fast]).images == 0
    task = make_()
    outcome = task.fit(model(), taught, seed=0)
    assert outcome.metrics != task.fit(model(), fast, seed=0).metrics
    teacher = task.teacher(taught)
    assert teacher is not None
    kept = torch.load(next(tmp_path.glob("teacher-*/teacher.pth")), weights_only=True)
    assert torch.equal(teacher.state_dict()["network.backbone.conv1.weight"], kept["backbone.conv1.weight"])
    assert task.fingerprint() != make(folder_data, tmp_path).fingerprint()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            dict(view=dict(train=["train", "val"])),
            "'short' is scored on the split 'val', which the teacher learns from",
        ),
        (dict(options=dict(distill=0.3)), "the teacher's own stage 'teacher' distills"),
        (dict(options=dict(cached=True)), "cached features need a frozen encoder"),
    ],
)
def test_a_teachers_stage_is_checked(folder_data: Path, tmp_path: Path, changes: Any, sentence: str) -> None:
    task = make(folder_data, tmp_path, teacher=dict(model={}, stage={**LEARNS, **changes}))
    with pytest.raises(ValueError, match=sentence):
        task.prepare([stage(distill=0.3)])


def test_the_background_can_be_left_out(folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path, background="field")
    metrics = task.fit(model(), stage(), seed=0).metrics
    assert set(metrics) == set(task.metrics)
    assert metrics["foreground_mIoU"] != metrics["mIoU"]
    assert {name: metrics[name] for name in SegmentationTask.metrics} == make(folder_data, tmp_path / "b").fit(
        model(), stage(), seed=0
    ).metrics  # fmt: skip


def test_distillation_pulls_towards_the_teacher(folder_data: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "teacher.pth")
    make(folder_data, tmp_path).fit(model(), stage(epochs=10, lr=1e-2), seed=9, keep=path)
    task = make(folder_data, tmp_path, teacher=dict(model=model(), weights=path))
    assert task.fingerprint() != make(folder_data, tmp_path).fingerprint()

    def distance(stage_: Stage) -> float:
        """The mean squared distance to the teacher that a student is left with."""
        student = str(tmp_path / "student.pth")
        task.fit(model(), stage_, seed=0, keep=student)
        network: Any = task.network(model())
        batch = next(task.batches(stage(distill=1.0), 0, 0))
        network.backbone.load_state_dict(task.encoder.weights())
        network.load_state_dict(torch.load(student, weights_only=True), strict=False)
        return (network(batch.inputs) - batch.teacher).square().mean().item()

    learn = dict(lr=5e-3, cached=True)
    assert distance(stage(epochs=12, distill=10.0, **learn)) < 0.6 * distance(stage(epochs=12, **learn))
    with_cache = task.fit(model(), stage(epochs=1, distill=1.0, **learn), seed=0)
    live = task.fit(model(), stage(epochs=1, distill=1.0, lr=5e-3), seed=0)
    assert with_cache.metrics == pytest.approx(live.metrics, rel=1e-4)
    assert live.cost.images == 2 * 12 + 3  # the teacher sees every crop as well
    assert all(note.stat().st_size < 5_000 for note in tmp_path.glob("*/made_from.json"))  # hashes, and no weights
