"""PSNR and SSIM against scikit-image, tiles against the whole image, degradations against what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from skimage.feature import structure_tensor
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from core import build
from tasks.registry import DEGRADATIONS
from tasks.restoration.degradations import Downscale, Noise, RainStreaks
from tasks.restoration.metrics import psnr, ssim
from tasks.restoration.networks import DnCNN
from tasks.restoration.tiles import tiled


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """(150, 121, 3) float32, 0 to 1."""
    return skimage.data.astronaut()[60:210, 170:291].astype(np.float32) / 255


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def spoilt(image: np.ndarray, seed: int, sigma: float) -> np.ndarray:
    return (image + np.random.default_rng(seed).normal(0, sigma, image.shape)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_metrics_equal_those_of_scikit_image(photo: np.ndarray, channels: int) -> None:
    clean = photo[..., :channels]
    images = [spoilt(clean, 1, 0.02), clean[::-1].copy(), 0.4 * clean]
    expected_psnr, expected_ssim = [], []
    for image in images:
        a, b = image.astype(np.float64), clean.astype(np.float64)
        expected_psnr.append(peak_signal_noise_ratio(b, a, data_range=1.0))
        settings = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0)
        expected_ssim.append(structural_similarity(a, b, channel_axis=-1, **settings))
    batch, truth = torch.cat([tensor(image) for image in images]), tensor(clean).expand(3, -1, -1, -1)
    batch = batch.contiguous(memory_format=torch.channels_last)
    assert psnr(batch, truth).numpy() == pytest.approx(expected_psnr, abs=1e-6)
    assert ssim(batch, truth).numpy() == pytest.approx(expected_ssim, abs=1e-6)


@pytest.mark.parametrize("size", [(11, 11), (11, 200), (75, 12), (139, 107), (74, 58)])
def test_ssim_is_the_same_with_and_without_a_gradient(photo: np.ndarray, size: tuple[int, int]) -> None:
    """A gradient is asked of convolutions; scores are computed in blocks, which begin and end anywhere."""
    photo = np.pad(photo, ((0, 0), (0, 90), (0, 0)), mode="symmetric")[: size[0], : size[1]]
    clean, other = tensor(photo).repeat(2, 1, 1, 1), tensor(spoilt(photo, 3, 0.1))
    noisy = torch.cat([other, other.flip(2)]).requires_grad_()
    with torch.no_grad():
        scores = ssim(noisy, clean)
    assert torch.allclose(scores, ssim(noisy, clean), rtol=0, atol=1e-10)
    assert ssim(noisy, clean).requires_grad
    assert not torch.allclose(scores[0], scores[1], atol=1e-3)


def test_equal_images(photo: np.ndarray) -> None:
    assert psnr(tensor(photo), tensor(photo)).item() == float("inf")
    assert ssim(tensor(photo), tensor(photo)).item() == pytest.approx(1, abs=1e-12)


def test_images_that_cannot_be_compared() -> None:
    image = torch.zeros(1, 1, 14, 20)
    with pytest.raises(ValueError, match=r"images of \(1, 1, 14, 20\) and \(1, 1, 20, 14\)"):
        psnr(image, image.transpose(2, 3))
    with pytest.raises(ValueError, match="at least 11x11 pixels, not 20x10"):
        ssim(image[..., :10, :], image[..., :10, :])


@pytest.fixture
def network() -> nn.Module:
    """Four convolutions that do something: an output looks 4 pixels far."""
    torch.manual_seed(0)
    network = DnCNN(3, width=6, depth=4)
    nn.init.normal_(network.model[-1].weight, std=0.1)
    return network.eval()


@torch.no_grad()
def test_tiles_change_nothing_where_they_overlap_enough(network: nn.Module, photo: np.ndarray) -> None:
    images = torch.cat([tensor(photo), tensor(photo).flip(3)])
    whole = network(images)
    seen = []
    network.register_forward_hook(lambda module, inputs, output: seen.append(output.shape[2:]))
    for tile, overlap in ((32, 4), (33, 6), (125, 4), (500, 5)):
        assert torch.allclose(tiled(network, images, tile, overlap), whole, rtol=0, atol=1e-5)
        assert max(max(shape) for shape in seen) <= tile
        assert len(seen) == 1 if tile == 500 else len(seen) > 1
        seen.clear()
    wrong = (tiled(network, images, 32, 3) - whole).abs()
    assert wrong.max() > 1e-5
    assert wrong[..., :6, :6].max() < 1e-5  # the first tile keeps the image's corner


@torch.no_grad()
@pytest.mark.parametrize("fold", [2, 4])
def test_tiles_change_nothing_for_networks_that_fold_pixels(photo: np.ndarray, fold: int) -> None:
    torch.manual_seed(0)
    network: Any = DnCNN(3, width=6, depth=2, fold=fold).eval()
    seen: list[int] = []
    nn.init.normal_(network.model[-1].weight, std=0.1)
    images = tensor(photo)[..., :75, :101]
    whole = network(images)
    network.register_forward_hook(lambda module, inputs, output: seen.append(max(output.shape[2:])))
    for tile in (35, 36, 50, 64):
        assert torch.allclose(tiled(network, images, tile, min(3 * fold, tile // 4)), whole, rtol=0, atol=1e-5)
        assert max(seen) <= tile


def test_noise_is_as_strong_as_it_says() -> None:
    image = np.full((200, 300, 1), 0.1, dtype=np.float32)
    noisy = Noise(sigma=25)(image, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(0.1, abs=2e-3)
    assert noisy.std() * 255 == pytest.approx(25, abs=0.3)
    assert noisy.min() < 0  # not clipped
    drawn = [Noise([10, 50])(image, np.random.default_rng(seed)).std() * 255 for seed in range(12)]
    assert {round(value / 10) for value in drawn} == {1, 5}


@pytest.mark.parametrize("sigma", [0, -5, 256, [25, 300], [], float("nan"), "loud", "25"])
def test_a_noise_out_of_range_is_refused(sigma) -> None:
    with pytest.raises(ValueError, match="sigma must be above 0 and at most 255"):
        Noise(sigma)


@pytest.mark.parametrize("angle", [-30, 0, 50])
def test_rain_falls_at_its_angle(angle: float) -> None:
    dark = np.zeros((200, 200, 1), dtype=np.float32)
    rain = RainStreaks(length=(30, 40), angle=(angle, angle), density=(1, 1))(dark, np.random.default_rng(1))
    rr, rc, cc = (part.mean() for part in structure_tensor(rain[..., 0]))
    across = np.rad2deg(0.5 * np.arctan2(2 * rc, cc - rr))  # the direction in which the brightness changes most
    assert -across == pytest.approx(angle, abs=4)


def test_rain_is_added_and_its_density_counts(photo: np.ndarray) -> None:
    wet = [RainStreaks(density=(many, many))(photo, np.random.default_rng(1)) for many in (0, 1, 4)]
    assert all(image.dtype == np.float32 and image.shape == photo.shape for image in wet)
    assert all((image >= photo).all() and image.max() <= 1 for image in wet)
    assert (wet[0] == photo).all()
    covered = [(image > photo + 0.05).any(2).mean() for image in wet]
    assert 0.02 < covered[1] < 0.5 * covered[2] < 0.5


@pytest.mark.parametrize(
    "wrong",
    [dict(length=(9, 5)), dict(angle=(0, 91)), dict(density=(-1, 2)), dict(thickness=(0, 2)), dict(brightness=(0, 2))],
)
def test_rain_out_of_range_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} of RainStreaks must rise within"):
        RainStreaks(**wrong)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_downscale_is_pillows_bicubic(photo: np.ndarray, factor: int) -> None:
    size, small = (121, 150), (round(121 / factor), round(150 / factor))
    for channel in range(3):
        reduced = np.array(Image.fromarray(photo[..., channel]).resize(small, Image.Resampling.BICUBIC))
        reduced = np.rint(reduced.clip(0, 1) * 255).astype(np.float32) / 255
        expected = np.array(Image.fromarray(reduced).resize(size, Image.Resampling.BICUBIC))
        found = Downscale(factor)(photo, np.random.default_rng(0))[..., channel]
        assert np.quantile(abs(found - expected), 0.99) < 1e-5  # where one of them rounds the other way
        assert abs(found - expected).max() < 1.5 / 255


def test_downscale_by_another_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 2, 3 or 4, not 5"):
        Downscale(5)


@pytest.mark.parametrize("name", ["Noise", "RainStreaks", "Downscale"])
def test_a_degradation_depends_on_its_generator_alone(photo: np.ndarray, name: str) -> None:
    settings = {"Noise": dict(sigma=[10, 20, 30]), "RainStreaks": {}, "Downscale": dict(factor=2)}[name]
    degrade = build(DEGRADATIONS, dict(type=name, **settings))
    before = photo.copy()
    first, again, other = (degrade(photo, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (photo == before).all()
    assert (first == again).all()
    assert (first == other).all() == (name == "Downscale")
