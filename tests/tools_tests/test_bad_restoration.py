"""Bad input of restoration: one line that names it, exit code 2 and nothing written, from check_data and run_benchmark."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from strategies.supernet import memory

Done = tuple[int, str, str]
PAIRS = ("type=FolderPairs", "degraded=noisy", "clean=clean")


@pytest.fixture
def main(tool: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Done]:
    """Run a tool: exit code, standard output and standard error."""

    def run(name: str, *arguments: object) -> Done:
        done = tool(name, *arguments)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def benchmark(main: Callable[..., Done], tmp_path: Path) -> Callable[..., str]:
    """What run_benchmark says when it refuses scenes-denoise-v2 with these settings; it must write nothing."""

    def refused(*settings: str, strategies: tuple[str, ...] = ("darts",)) -> str:
        options = [setting if setting.startswith("strategies.") else f"benchmark.{setting}" for setting in settings]
        work = tmp_path / "runs"
        code, _, err = main(
            "run_benchmark", "restoration", "--strategy", *strategies, "--work-dir", work, "--cfg-options", *options
        )
        assert code == 2
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1, err
        assert not work.exists()
        return err

    return refused


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two pairs of 64x48 for each split."""
    root = tmp_path / "data"
    for split in ("train", "val", "test"):
        for kind in ("noisy", "clean"):
            (root / split / kind).mkdir(parents=True)
            for index in range(2):
                Image.new("RGB", (64, 48)).save(root / split / kind / f"{index}.png")
    return root


def resize(path: Path) -> None:
    Image.new("RGB", (64, 47)).save(path)


def remove(path: Path) -> None:
    path.unlink()


def sixteen_bits(path: Path) -> None:
    assert cv2.imwrite(str(path), np.zeros((48, 64, 3), dtype=np.uint16))


def alpha(path: Path) -> None:
    Image.new("RGBA", (64, 48)).save(path)


def text(path: Path) -> None:
    path.write_text("hello")


def truncate(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:500])


def empty(path: Path) -> None:
    for kind in ("noisy", "clean"):
        for file in (path.parents[1] / kind).iterdir():
            file.unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (resize, "val/noisy/1.png is 64x47, its clean image 64x48: make both of one size"),
        (remove, "val/clean/1.png is the clean image of nothing: add the degraded one, or take it away"),
        (sixteen_bits, "val/noisy/1.png has more than 8 bits a channel: save it as an 8-bit image"),
        (alpha, "val/noisy/1.png has an alpha channel: save it without transparency"),
        (text, "val/noisy/1.png cannot be decoded (cannot identify image file"),
        (truncate, "val/noisy/1.png cannot be decoded (image file is truncated"),
        (empty, "split 'val' of {root} holds no images: see docs/data.md for the layouts"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_pairs(
    main: Callable[..., Done], benchmark: Callable[..., str], pairs: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(pairs / "val/noisy/1.png")
    sentence = sentence.format(root=pairs)
    code, out, err = main("check_data", "restoration", pairs)
    assert code == 2
    assert err == "error: 1 thing is wrong, see above\n"
    assert sum(sentence in line for line in out.splitlines()) == 1, out
    data = [f"task.data.{setting}" for setting in (f"root={pairs}", *PAIRS)]
    assert sentence in benchmark(*data, "task.degradation=None")


@pytest.mark.parametrize("sigma", ["0", "-5", "256"])
def test_a_noise_out_of_range(benchmark: Callable[..., str], sigma: str) -> None:
    assert f"sigma must be above 0 and at most 255, not {sigma}" in benchmark(f"task.degradation.sigma={sigma}")


@pytest.mark.parametrize("sigma", ["'nan'", "'loud'"])
def test_a_noise_that_is_no_number(benchmark: Callable[..., str], sigma: str) -> None:
    said = benchmark(f"task.degradation.sigma={sigma}")
    assert f"sigma of degradation 'tasks.restoration.degradations.Noise' must be a finite number, not {sigma}" in said


def test_a_baseline_that_cannot_be_built(benchmark: Callable[..., str]) -> None:
    said = benchmark(
        "strategies.non_local_means.model.network.sigma=0", strategies=("random_search", "non_local_means")
    )
    assert "the baseline {'network': {'type': 'NonLocalMeans', 'sigma': 0}} cannot be built: " in said
    assert "sigma must be above 0 and at most 255, not 0" in said


def test_a_supernet_too_large_for_the_memory(benchmark: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another strategy, which comes first, has nothing against it."""
    monkeypatch.setattr(memory, "free_memory", lambda device: 1 << 20)
    said = benchmark("space.channels=4", strategies=("random_search", "darts"))
    assert "the supernet does not fit into the " in said
    assert "give the space narrower channels, or the stage smaller crops" in said
    monkeypatch.setattr(memory, "free_memory", lambda device: 400 << 20)
    said = benchmark("stages.0.recipe.batch=100")
    assert " for batches of 64, and 400 MiB are free: set benchmark.stages.0.recipe.batch=" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--cfg-options", "budget.trials=1"),
            "changes nothing: write benchmark.budget.trials or strategy.budget.trials",
        ),
        (("--cfg-options", "strategies.dart.epochs=1"), "unknown strategy in an option 'dart': did you mean 'darts'"),
        (
            ("--cfg-options", "benchmark.stages.0.options.aux=0.1"),
            "unknown entry of the options of stage 'short' 'aux'",
        ),
        (("--cfg-options", "benchmark.stages.0.recipe.encoder_lr=0.1"), "which means nothing to RestorationTask"),
    ],
)
def test_nothing_is_ignored_silently(
    main: Callable[..., Done], tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, _, err = main("run_benchmark", "restoration", "--work-dir", tmp_path / "runs", *arguments)
    assert code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
