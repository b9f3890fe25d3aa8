"""The restoration task: what it shows a network, what it learns, how it scores, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from tasks.restoration.task import RestorationTask
from tasks.stage import Stage

NOISE = dict(type="Noise", sigma=40)
SMALL = dict(type="DnCNN", width=12, depth=4)
UNCHANGED = dict(type="Unchanged")
STAGE = Stage("short", epochs=2, size=(24, 24), batch=4, copies=0, lr=3e-3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pieces of a photograph: 8 of 40x56 to learn from, 3 of 44x32 to score."""
    root, photo = tmp_path_factory.mktemp("restoration"), skimage.data.camera()
    for split, count, height, width in (("train", 8, 40, 56), ("val", 3, 44, 32)):
        (root / split).mkdir()
        for index in range(count):
            piece = photo[100 + 20 * index :, 150 + 10 * index :][:height, :width]
            Image.fromarray(piece).save(root / split / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs of 30x20; the degraded image is the clean one, inverted."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for kind in ("bad", "good"):
        (root / "train" / kind).mkdir(parents=True)
    for index in range(3):
        image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(image).save(root / f"train/good/{index}.png")
        Image.fromarray(255 - image).save(root / f"train/bad/{index}.png")
    return root


def task_on(root: Path, **settings: Any) -> RestorationTask:
    return RestorationTask(dict(type="FolderImages", root=str(root)), "", **{"degradation": NOISE, **settings})


def task_on_pairs(root: Path, **settings: Any) -> RestorationTask:
    return RestorationTask(dict(type="FolderPairs", root=str(root), degraded="bad", clean="good"), "", **settings)


def test_dncnn_is_the_published_network(root: Path, shared) -> None:
    task = task_on(root)
    model = dict(type="DnCNN")
    assert task.config(model) == model
    network = task.network(model)
    assert not network.training
    assert sum(weight.numel() for weight in network.parameters()) == 555_137
    assert task.input_shape == (1, 321, 481)
    network.load_state_dict(torch.load(shared("anchors/dncnn_sigma25/dncnn_25.pth"), weights_only=True))


def test_a_folded_dncnn_keeps_every_size(root: Path) -> None:
    network = task_on(root).network(dict(type="DnCNN", width=8, depth=3, fold=2))
    assert sum(weight.numel() for weight in network.parameters()) == (4 * 8 + 8 * 8 + 8 * 4) * 9 + 8 + 8 + 4
    torch.nn.init.ones_(network.model[-1].bias)
    images = torch.rand(1, 1, 13, 10)
    assert torch.allclose(network(images), images - 1)


def test_published_weights_have_their_published_score(shared, tmp_path: Path) -> None:
    """Every 8th image of BSD68 at sigma 25, as the 68 take two minutes; they have 29.227 here, 29.23 in the paper."""
    root, chosen = shared("bsds500"), tmp_path / "every_8th.txt"
    chosen.write_text("\n".join((root / "bsd68_ids.txt").read_text().split()[::8]))
    data = dict(type="FolderImages", root=str(root), splits={"val": str(chosen)})
    task = RestorationTask(data, "", dict(type="Noise", sigma=25), rounded=True)
    network = task.network(dict(type="DnCNN"))
    network.load_state_dict(torch.load(shared("anchors/dncnn_sigma25/dncnn_25.pth"), weights_only=True))
    with torch.no_grad():
        metrics, cost = task.score(network, STAGE)
    assert cost.images == 9
    assert metrics["PSNR"] == pytest.approx(29.18, abs=0.02)
    assert metrics["SSIM"] == pytest.approx(0.836, abs=0.001)


def test_training_beats_doing_nothing_and_can_be_repeated(root: Path) -> None:
    task, stage = task_on(root), replace(STAGE, epochs=12)
    task.prepare([stage])
    first, second = (task.fit(SMALL, stage, seed=3) for _ in range(2))
    assert first.metrics == second.metrics
    assert set(first.metrics) == set(task.metrics)
    assert (first.cost.images, first.cost.pixels) == (12 * 8 + 3, 12 * 8 * 24 * 24 + 3 * 44 * 32)
    assert first.metrics != task.fit(SMALL, stage, seed=4).metrics
    nothing = task.fit(UNCHANGED, stage, seed=3)
    assert first.metrics["PSNR"] > nothing.metrics["PSNR"] + 4
    assert first.metrics["SSIM"] > nothing.metrics["SSIM"]
    assert first.metrics["loss"] < 0.5 * nothing.metrics["loss"]


def test_a_stage_starts_from_the_weights_of_the_one_before(root: Path, tmp_path: Path) -> None:
    task, path = task_on(root), str(tmp_path / "weights.pth")
    first = task.fit(SMALL, STAGE, seed=0, weights=path)
    assert first.weights == path
    frozen = replace(STAGE, lr=0.0, epochs=1)
    assert task.fit(SMALL, frozen, seed=1, init=path).metrics["PSNR"] == pytest.approx(first.metrics["PSNR"], abs=1e-5)
    with pytest.raises(ValueError, match=r"weights\.pth does not fit"):
        task.fit(dict(type="DnCNN", width=5, depth=2, channels=1), STAGE, seed=1, init=str(_other(tmp_path)))


def test_networks_can_train_in_bfloat16(root: Path) -> None:
    task, stage = task_on(root, ssim_weight=0.1), replace(STAGE, epochs=12)
    seen = set()

    class Spy(torch.nn.Conv2d):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            result = super().forward(images)
            seen.add((self.weight.dtype, result.dtype))
            return result

    batch = next(task.batches(stage, 0, 0))
    loss = task.loss(Spy(1, 1, 1), replace(stage, bfloat16=True), batch)
    assert seen == {(torch.float32, torch.bfloat16)}
    assert loss.dtype != torch.bfloat16
    full, short = (task.fit(SMALL, replace(stage, bfloat16=kind), seed=3).metrics for kind in (False, True))
    assert full != short
    assert short["PSNR"] == pytest.approx(full["PSNR"], abs=0.5)


def _other(folder: Path) -> Path:
    torch.save({"elsewhere": torch.zeros(1)}, folder / "other_weights.pth")
    return folder / "other_weights.pth"


def test_norms_of_averaged_weights_see_large_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of small crops, four at a time, would not be those that the deep layers meet later."""
    task, sizes = task_on(root), []
    loss = RestorationTask.loss

    def spied(self, network, stage, batch):
        sizes.append((len(batch.truth), torch.is_grad_enabled()))
        return loss(self, network, stage, batch)

    monkeypatch.setattr(RestorationTask, "loss", spied)
    stage = replace(STAGE, epochs=1, copies=25, polyak=0.9)
    outcome = task.fit({**SMALL, "norm": True}, stage, seed=0)
    assert sizes == [(4, True)] * 50 + [(32, False)] * 4
    assert outcome.cost.images == 200 + 128 + 3
    sizes.clear()
    task.fit(SMALL, stage, seed=0)
    assert sizes == [(4, True)] * 50  # it has no norms


def test_a_network_without_weights_is_only_scored(root: Path, tmp_path: Path) -> None:
    task, path = task_on(root), str(tmp_path / "none.pth")
    outcome = task.fit(UNCHANGED, STAGE, seed=0, weights=path)
    assert outcome.cost.images == 3
    assert outcome.metrics["loss"] == pytest.approx((40 / 255) ** 2, rel=0.1)
    assert task.fit(UNCHANGED, STAGE, seed=1, init=path).metrics == outcome.metrics
    means = task.fit(dict(type="NonLocalMeans", sigma=40), STAGE, seed=0)
    assert means.metrics["PSNR"] > outcome.metrics["PSNR"] + 4
    with pytest.raises(ValueError, match="sigma must be above 0 and at most 255, not 0"):
        task.network(dict(type="NonLocalMeans", sigma=0))


def test_non_local_means_takes_colours(pairs: Path) -> None:
    network = task_on_pairs(pairs).network(dict(type="NonLocalMeans", sigma=20))
    images = 0.5 + 0.08 * torch.randn(2, 3, 20, 16, generator=torch.Generator().manual_seed(0))
    assert network(images).std() < images.std()
    assert network(images).shape == images.shape


def test_scored_images_are_degraded_once_and_whole(root: Path) -> None:
    task = task_on(root)
    pictures = task.pictures(STAGE)
    first, again, other = (pictures.scored(index) for index in (0, 0, 1))
    assert first[0].shape == first[1].shape == (44, 32, 1)
    assert (first[0] == again[0]).all()
    noise, elsewhere = first[0] - first[1], other[0] - other[1]
    assert abs(np.corrcoef(noise.ravel(), elsewhere.ravel())[0, 1]) < 0.1
    for stage in (replace(STAGE, size=(16, 16)), replace(STAGE, name="other", epochs=7)):
        assert (task.pictures(stage).scored(0)[0] == first[0]).all()


def test_crops_are_degraded_afresh_unless_they_are_fixed(root: Path) -> None:
    task = task_on(root)
    views = [task.pictures(STAGE).crop(0, seed, epoch)[0] for seed, epoch in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert [(view == views[0]).all() for view in views] == [True, True, False, False]
    fixed = [task.pictures(replace(STAGE, copies=1)).crop(0, seed, epoch)[0] for seed, epoch in ((0, 0), (1, 1))]
    assert (fixed[0] == fixed[1]).all()


def test_crops_lie_in_the_image_in_eight_orientations(pairs: Path) -> None:
    task, stage = task_on_pairs(pairs), replace(STAGE, size=(8, 12), eval="train")
    pictures, found = task.pictures(stage), set()
    image = task.data.read("train", 0)[1].astype(np.float32) / 255
    for epoch in range(40):
        degraded, clean = pictures.crop(0, epoch=epoch)
        assert degraded.shape == clean.shape == (8, 12, 3)
        assert np.allclose(degraded, 1 - clean, atol=1e-6)  # both are cut alike
        for turns in range(8):
            view = np.rot90(clean[:, ::-1] if turns >= 4 else clean, turns)
            windows = np.lib.stride_tricks.sliding_window_view(image, view.shape)
            if (windows == view).all((3, 4, 5)).any():
                found.add(turns)
    assert found == set(range(8))


def test_crops_can_be_enlarged(root: Path) -> None:
    """Twice the scale, half the steepness."""
    steep = []
    for scale in (1.0, 2.0):
        pictures = task_on(root).pictures(replace(STAGE, size=(32, 32), scale=(scale, scale)))
        crops = [pictures.crop(place)[1] for place in range(8)]
        assert {crop.shape for crop in crops} == {(32, 32, 1)}
        steep.append(np.mean([abs(np.diff(crop, axis=0)).mean() for crop in crops]))
    assert 0.35 < steep[1] / steep[0] < 0.75


def test_pairs_are_learnt_from(pairs: Path) -> None:
    task, stage = task_on_pairs(pairs), Stage("s", epochs=30, size=(12, 12), batch=3, eval="train", lr=1e-2)
    task.prepare([stage])
    assert task.input_shape == (3, 321, 481)
    outcome = task.fit(dict(type="DnCNN", channels=3, width=8, depth=2), stage, seed=0)
    assert outcome.metrics["PSNR"] > task.fit(UNCHANGED, stage, seed=0).metrics["PSNR"] + 5


def test_the_loss_has_a_term_for_the_structure(root: Path) -> None:
    rng = np.random.default_rng(0)
    clean = skimage.data.camera()[100:130, 200:240] / 255
    restored = clean + rng.normal(0, 0.05, clean.shape)
    likeness = structural_similarity(
        clean, restored, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
    )
    expected = np.mean((clean - restored) ** 2) + 0.6 * np.log10(1 / likeness)
    tensors = [torch.from_numpy(image)[None, None] for image in (restored, clean)]
    assert task_on(root, ssim_weight=0.6).distance(*tensors).item() == pytest.approx(expected, abs=1e-6)
    opposite = (1 - tensors[1]).requires_grad_()  # its likeness is negative
    loss = task_on(root, ssim_weight=0.6).distance(opposite, tensors[1])
    loss.backward()
    assert opposite.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(opposite.grad).all()
    outcome = task_on(root, ssim_weight=0.6).fit(SMALL, STAGE, seed=0)
    assert outcome.metrics["loss"] > task_on(root).fit(SMALL, STAGE, seed=0).metrics["loss"]


def test_scores_are_of_clipped_and_where_asked_rounded_images(root: Path) -> None:
    plain, rounded = (task_on(root, rounded=value).fit(UNCHANGED, STAGE, seed=0).metrics for value in (False, True))
    data = task_on(root).pictures(STAGE)
    for metrics, levels in ((plain, None), (rounded, 255)):
        values = []
        for index in range(3):
            degraded, clean = (image.astype(np.float64) for image in data.scored(index))
            restored = degraded.clip(0, 1)
            restored = restored if levels is None else np.rint(restored * levels) / levels
            values.append(-10 * np.log10(np.mean((restored - clean) ** 2)))
        assert metrics["PSNR"] == pytest.approx(np.mean(values), abs=1e-4)
    faint = task_on(root, rounded=True, degradation=dict(type="Noise", sigma=0.01))
    assert faint.fit(UNCHANGED, STAGE, seed=0).metrics["PSNR"] == 100  # without any error, and still a number


def test_the_border_does_not_count(pairs: Path, tmp_path: Path) -> None:
    for kind in ("bad", "good"):
        image = np.full((20, 20, 3), 99, dtype=np.uint8)
        image[:4] = 0 if kind == "bad" else 255
        (tmp_path / "val" / kind).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / "val" / kind / "a.png")
    stage = Stage("s", epochs=1, train=("val",), size=(8, 8))
    assert task_on_pairs(tmp_path, border=4).fit(UNCHANGED, stage, seed=0).metrics["SSIM"] == pytest.approx(1)
    assert task_on_pairs(tmp_path, border=3).fit(UNCHANGED, stage, seed=0).metrics["SSIM"] < 0.9


def test_large_images_go_through_in_tiles(root: Path) -> None:
    whole, tiles = (task_on(root, tile=tile) for tile in (None, 24))
    network = whole.network(SMALL)
    torch.nn.init.normal_(network.model[-1].weight, std=0.1)
    seen: list[int] = []
    network.register_forward_hook(lambda module, inputs, output: seen.append(max(output.shape[2:])))
    with torch.no_grad():
        scores = [task.score(network, STAGE)[0] for task in (whole, tiles)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
    assert seen[:3] == [44, 44, 44]
    assert len(seen) > 6
    assert max(seen[3:]) <= 24


@pytest.mark.parametrize(
    ("name", "value"),
    [("eval_size", (24, 24)), ("encoder_lr", 1e-3), ("jitter", 0.2), ("cached", True), ("distill", 0.3), ("aux", 0.4)],
)
def test_settings_without_a_meaning_are_refused(root: Path, name: str, value: Any) -> None:
    stage = replace(STAGE, copies=1, **{name: value})
    with pytest.raises(ValueError, match=f"stage 'short' sets {name}, which means nothing to restoration"):
        task_on(root).prepare([stage])


@pytest.mark.parametrize(
    ("settings", "stage", "sentence"),
    [
        ({}, dict(size=(24, 41)), r"0\.png is 56x40, too small for crops of 41 pixels \(stage 'short'\)"),
        ({}, dict(scale=(0.5, 1.0)), r"0\.png is 56x40, too small for crops of 48 pixels"),
        (dict(border=11), {}, r"0\.png is 32x44, too small for SSIM inside the border: use images of at least 33x33"),
        (dict(ssim_weight=1.0), dict(size=(10, 24)), r"SSIM needs crops of at least 11 pixels, not \(10, 24\)"),
        ({}, dict(eval="dev"), "there is no folder 'dev'"),
    ],
)
def test_stages_that_do_not_fit_the_data_are_refused(root: Path, settings: dict, stage: dict, sentence: str) -> None:
    with pytest.raises((ValueError, OSError), match=sentence):
        task_on(root, **settings).prepare([replace(STAGE, **stage)])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(border=-1), "border -1"),
        (dict(ssim_weight=-0.5), "ssim_weight -0.5"),
        (dict(tile=4), "tile 4"),
        (dict(degradation=None), "the images of FolderImages are clean: give the degradation"),
        (dict(degradation=dict(type="Noise", sigma=300)), "sigma must be above 0 and at most 255, not"),
    ],
)
def test_settings_that_are_refused(root: Path, settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        task_on(root, **settings)


def test_data_that_are_refused(pairs: Path) -> None:
    with pytest.raises(ValueError, match="FolderPairs are degraded already: leave out the degradation"):
        task_on_pairs(pairs, degradation=NOISE)
    with pytest.raises(ValueError, match="ScenesSegmentation is no data for RestorationTask"):
        RestorationTask(dict(type="ScenesSegmentation"), "", NOISE)


def test_the_fingerprint_is_the_datas(root: Path) -> None:
    assert task_on(root).fingerprint() == task_on(root).fingerprint()
    gray = RestorationTask(dict(type="FolderImages", root=str(root), gray=False), "", NOISE)
    assert gray.fingerprint() != task_on(root).fingerprint()
