"""Restoration beyond noise: several levels of it, images to enlarge, haze, holes; each against its own formula."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from search_spaces.restoration_cells.space import RestorationCells
from tasks.restoration.degradations import Degradation, Haze, Holes, LowResolution, NoiseLevels
from tasks.restoration.metrics import psnr
from tasks.restoration.task import RestorationTask
from tasks.restoration.tiles import tiled


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """(150, 120, 3) float32, 0 to 1."""
    return skimage.data.astronaut()[60:210, 170:290].astype(np.float32) / 255


def degraded(degradation: Degradation, image: np.ndarray, seed: int = 0) -> np.ndarray:
    before = image.copy()
    result, again = (degradation(image, np.random.default_rng(seed)) for _ in range(2))
    assert (image == before).all()
    assert (result == again).all()
    assert result.dtype == np.float32
    return result


def searched(task: RestorationTask, **settings: Any) -> dict[str, Any]:
    """A small network of the cells."""
    space = RestorationCells(nodes=1, layers=2, channels=4, stem=8, in_channels=task.data.channels, **settings)
    return space.model(space.sample(Random(0)))


# Levels.


def test_several_levels_score_as_each_alone_does(denoising, stage) -> None:
    task = denoising(degradation=dict(type="NoiseLevels", sigmas=[30, 50, 12.5]))
    model = {"network": dict(type="NonLocalMeans", sigma=40)}
    outcome = task.fit(model, stage(epochs=0), seed=0)
    assert outcome.cost.images == 3 * 3
    assert tuple(outcome.metrics) == task.metrics
    alone = {}
    for sigma in (30, 50, 12.5):
        single = denoising(degradation=dict(type="Noise", sigma=sigma))
        alone[sigma] = single.fit(model, stage(epochs=0), seed=7).metrics
        for name in ("PSNR", "SSIM"):
            assert outcome.metrics[f"{name}{sigma:g}"] == alone[sigma][name]
    for name in ("PSNR", "SSIM", "loss"):
        assert outcome.metrics[name] == pytest.approx(np.mean([one[name] for one in alone.values()]), rel=1e-12)


def test_a_level_is_drawn_for_each_crop(denoising, stage) -> None:
    gray = np.full((100, 100, 1), 0.5, dtype=np.float32)
    drawn = [NoiseLevels([10, 50])(gray, np.random.default_rng(seed)).std() * 255 for seed in range(12)]
    assert {round(value / 10) for value in drawn} == {1, 5}
    samples = denoising(degradation=dict(type="NoiseLevels", sigmas=[10, 50])).samples(stage(copies=4))
    crops = [np.subtract(*samples.crop(place)).std() * 255 for place in range(8)]
    assert min(crops) < 15
    assert max(crops) > 40


# Images to enlarge.


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_has_the_psnr_that_pillow_and_scikit_image_say(denoising, stage, photos: Path, scale: int) -> None:
    task = denoising(degradation=dict(type="LowResolution", scale=scale))
    found = task.fit({"network": dict(type="Bicubic", scale=scale)}, stage(epochs=0), seed=0).metrics["PSNR"]
    expected = []
    for path in sorted((photos / "val").iterdir()):
        clean = np.array(Image.open(path))
        high, wide = (side - side % scale for side in clean.shape)
        clean = clean[:high, :wide]
        small = Image.fromarray(clean.astype(np.float32)).resize(
            (wide // scale, high // scale), Image.Resampling.BICUBIC
        )
        stored = Image.fromarray(np.rint(np.array(small).clip(0, 255)))
        enlarged = np.array(stored.resize((wide, high), Image.Resampling.BICUBIC)).clip(0, 255)
        expected.append(peak_signal_noise_ratio(clean.astype(np.float64), enlarged.astype(np.float64), data_range=255))
    assert found == pytest.approx(np.mean(expected), abs=0.02)


@pytest.mark.parametrize("scale", [2, 3])
def test_networks_enlarge(denoising, stage, scale: int) -> None:
    task = denoising(degradation=dict(type="LowResolution", scale=scale), ssim_weight=0.1)
    learning = stage(epochs=2, size=(24, 36))
    task.prepare([learning])
    batch = next(task.batches(learning, 0, 0))
    assert (batch.inputs.shape, batch.truth.shape) == ((4, 1, 24 // scale, 36 // scale), (4, 1, 24, 36))
    low, clean = task.samples(learning).scored(0)
    assert clean.shape[:2] == (44 - 44 % scale, 32 - 32 % scale)
    assert clean.shape[:2] == (scale * low.shape[0], scale * low.shape[1])
    assert (np.rint(low * 255) / 255 == low).all()
    metrics = task.fit(searched(task, scale=scale), learning, seed=0).metrics
    assert metrics["PSNR"] > 10
    plain = task.fit({"network": dict(type="VDSR", scale=scale, width=8, depth=2)}, learning, seed=0).metrics
    bicubic = task.fit({"network": dict(type="Bicubic", scale=scale)}, learning, seed=0).metrics
    assert plain["PSNR"] > bicubic["PSNR"] - 0.5


def test_what_does_not_enlarge_is_refused_and_so_are_crops_that_do_not_divide(denoising, stage) -> None:
    task = denoising(degradation=dict(type="LowResolution", scale=2))
    with pytest.raises(
        ValueError, match=r"makes images of \(1, 1, 321, 481\) and not \(1, 1, 642, 962\): give it the scale"
    ):
        task.network(searched(task))
    with pytest.raises(ValueError, match=r"stage 'short': the sides of crops must be multiples of 2, not \(24, 23\)"):
        task.prepare([stage(size=(24, 23))])
    with pytest.raises(ValueError, match="scale of LowResolution must be 2, 3 or 4, not 8"):
        LowResolution(8)


@torch.no_grad()
def test_tiles_may_be_enlarged(photo: np.ndarray) -> None:
    images = torch.from_numpy(photo).permute(2, 0, 1)[None]
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.PixelShuffle(2))
    whole = network(images)
    assert whole.shape == (1, 2, 300, 240)
    assert torch.allclose(tiled(network, images, 40, 2), whole, atol=1e-5)


# Haze.


def test_haze_is_the_formula(photo: np.ndarray) -> None:
    even = degraded(Haze(beta=(1.5, 1.5), airlight=(0.8, 0.8), depth=(0.6, 0.6)), photo)
    through = np.exp(-1.5 * 0.6)
    assert even == pytest.approx(photo * through + 0.8 * (1 - through), abs=1e-6)


def test_haze_grows_with_a_depth_that_is_a_ramp(photo: np.ndarray) -> None:
    black = np.zeros_like(photo)
    for seed in range(5):
        hazy = degraded(Haze(beta=(1.2, 1.2), airlight=(0.9, 0.9), depth=(0.2, 1.0)), black, seed)
        depth = -np.log(1 - hazy[..., 0].astype(np.float64) / 0.9) / 1.2  # I = A (1 - t) where J is black
        assert 0.2 - 1e-5 <= depth.min() < depth.max() <= 1.0 + 1e-5
        assert abs(np.diff(depth, 2, axis=0)).max() < 1e-5
        assert abs(np.diff(depth, 2, axis=1)).max() < 1e-5
        corners = depth[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.max() == depth.max()
    assert not (degraded(Haze(), photo, 1) == degraded(Haze(), photo, 2)).all()


def test_the_dark_channel_takes_even_haze_away() -> None:
    """Of a picture that is dark in every patch: seven tenths of what haze took come back."""
    clean = np.random.default_rng(0).random((1, 60, 60, 3), dtype=np.float32)
    clean[:, ::4, ::4] = 0
    clean[0, 20:30, 20:30] = 1
    hazy = np.stack([degraded(Haze(beta=(1, 1), airlight=(1, 1), depth=(0.5, 0.5)), image) for image in clean])
    task = RestorationTask(dict(type="ScenesImages", gray=False), "", dict(type="Haze"), input_size=(60, 60))
    network = task.network({"network": dict(type="DarkChannel")})
    tensors = [torch.from_numpy(images).permute(0, 3, 1, 2) for images in (hazy, clean)]
    restored = network(tensors[0]).clamp(0, 1)
    assert psnr(restored, tensors[1]) > psnr(tensors[0], tensors[1]) + 10


# Holes.


def test_holes_are_black_marked_and_as_large_as_they_say(photo: np.ndarray) -> None:
    for low, high in ((0.1, 0.1), (0.3, 0.4)):
        seen = degraded(Holes(share=(low, high)), photo)
        assert seen.shape == (150, 120, 4)
        lost = seen[..., 3:]
        assert set(np.unique(lost)) == {0, 1}
        assert low <= lost.mean() < high + 0.03
        assert (seen[..., :3] == photo * (1 - lost)).all()
    assert not (degraded(Holes(), photo, 1) == degraded(Holes(), photo, 2)).all()


def test_networks_fill_what_was_lost_and_touch_nothing_else(denoising, stage) -> None:
    task = denoising(degradation=dict(type="Holes"))
    assert task.input_shape == (2, 321, 481)
    assert task.metrics == ("PSNR", "SSIM", "loss", "PSNR_lost")
    learning = stage(epochs=12)
    task.prepare([learning])
    model, black = searched(task, holes=True), {"network": dict(type="Unchanged", channels=1)}
    image = next(task.scored_batches(learning))
    known = 1 - image.inputs[:, 1:]
    with torch.no_grad():
        for network in map(task.network, (model, {"network": dict(type="Telea")})):
            filled = network(image.inputs)
            assert torch.allclose(filled * known, image.truth * known, atol=1e-6)
            assert not torch.allclose(filled, image.inputs[:, :1], atol=1e-2)
    scores = {name: task.fit(one, learning, seed=0).metrics for name, one in (("net", model), ("black", black))}
    assert scores["net"]["PSNR_lost"] > scores["black"]["PSNR_lost"] + 2
    assert task.fit({"network": dict(type="Telea")}, learning, seed=0).metrics["PSNR"] > scores["black"]["PSNR"] + 5


def test_what_was_lost_is_scored_alone(denoising, stage) -> None:
    task = denoising(degradation=dict(type="Holes"))
    found = task.fit({"network": dict(type="Unchanged", channels=1)}, stage(epochs=0), seed=0).metrics
    samples, inside, whole = task.samples(stage()), [], []
    for index in range(3):
        seen, clean = (image.astype(np.float64) for image in samples.scored(index))
        squares = (seen[..., 0] - clean[..., 0]) ** 2
        inside.append(-10 * np.log10(squares[seen[..., 1] == 1].mean()))
        whole.append(-10 * np.log10(squares.mean()))
    assert found["PSNR_lost"] == pytest.approx(np.mean(inside), abs=1e-6)
    assert found["PSNR"] == pytest.approx(np.mean(whole), abs=1e-6)


def test_a_network_without_the_marks_is_refused(denoising) -> None:
    task = denoising(degradation=dict(type="Holes"))
    with pytest.raises(
        ValueError, match=r"makes images of \(1, 2, 321, 481\) and not \(1, 1, 321, 481\): give it the .* marks"
    ):
        task.network({"network": dict(type="DnCNN", channels=2, width=4, depth=2)})
    with pytest.raises(ValueError, match="either fills holes or enlarges: leave holes out, or scale at 1, not 2"):
        RestorationCells(holes=True, scale=2)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: Haze(beta=(2, 1)), "beta of Haze must rise within 0 to 10, not 2 to 1"),
        (lambda: Haze(airlight=(0.5, 1.5)), "airlight of Haze must rise within 0 to 1, not 0.5 to 1.5"),
        (lambda: Holes(share=(0, 0.5)), "share of Holes must rise within 0.01 to 0.9, not 0 to 0.5"),
        (lambda: Holes(thickness=(0, 2)), "thickness of Holes must rise within 1 to 50, not 0 to 2"),
        (lambda: NoiseLevels([]), "sigma must be above 0 and at most 255"),
    ],
)
def test_settings_out_of_range_are_refused(made: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        made()
