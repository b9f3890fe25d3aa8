"""What tests share: real data where it is there, golden files, a run of a tool as a user runs it."""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from PIL import Image

from benchmarks.benchmark import Benchmark
from benchmarks.executors import InlineExecutor
from benchmarks.running.job import build_task
from benchmarks.study import Study

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # `stranger`, which reads the pages
SHARED = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew; look at the diff")
    parser.addoption("--examples", type=int, help="inputs that tests/fuzzing gives every reader of outside files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that in the end no worker waits for another one's."""
    items.sort(key=lambda item: "tools_tests" not in item.path.parts)


def pytest_collection_finish() -> None:
    """A sixth of all time went into looking for garbage among the libraries, a million objects that stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """The path of a data pack outside the checkout; the test is skipped where it is not there."""

    def path(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not beside this checkout (it may not be shipped)")
        return SHARED / name

    return path


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Compare a value with tests/golden/<name>; --update-golden writes it."""

    def compare(name: str, value: Any) -> None:
        path = ROOT / "tests" / "golden" / name
        text = value if isinstance(value, str) else json.dumps(value, indent=1) + "\n"
        if request.config.getoption("--update-golden"):
            path.write_text(text)
        assert path.read_text() == text

    return compare


@pytest.fixture
def tool(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python tools/<name>.py ...` from the checkout's root, in this process: its imports take seconds.

    Runs are played in it too, one by one, unless a test asks for several `--jobs`.
    """
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT / "tools")

    def call(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        alone = ["--jobs", "1"] if name == "run_benchmark" and "--jobs" not in arguments else []
        command = [str(ROOT / "tools" / f"{name}.py"), *map(str, arguments), *alone]
        monkeypatch.setattr(sys, "argv", command)
        build_task.cache_clear()  # a new process would read its data anew
        heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        capfd.readouterr()
        try:
            runpy.run_path(command[0], run_name="__main__")
            code: Any = 0
        except SystemExit as left:
            code = left.code
        except Exception:
            traceback.print_exc()
            code = 1
        finally:
            for number, handler in heard.items():  # a tool settles what they do for a process of its own
                signal.signal(number, handler)
        out, err = capfd.readouterr()
        seen = [line.rsplit("\r", 1)[-1] for line in err.split("\n")]  # a terminal overwrites what stood before
        return subprocess.CompletedProcess(command, code, out, "\n".join(seen))

    return call


TOY: dict[str, Any] = dict(
    id="toy-test-v1",
    task=dict(type="ToyTask", noise=4.0),
    space=dict(type="ToySpace", layers=4),
    stages=[dict(name="short", recipe=dict(epochs=1)), dict(name="long", recipe=dict(epochs=4))],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=64)),
    gate=dict(type="RunningMean", tolerance=0.3),
    reward=dict(type="Metric", name="score"),
    budget=dict(trials=60),
    seeds=[0],
)


class ToyStudy(Protocol):
    def __call__(self, folder: Path | None = None, *, workers: int = 1, seed: int = 0, **changes: Any) -> Study: ...


@pytest.fixture
def toy_config() -> dict[str, Any]:
    """A small protocol on the toy task."""
    return TOY


@pytest.fixture
def toy_study() -> ToyStudy:
    """Open a study of a small protocol on the toy task: two stages, a gate, 60 trials; `changes` are to the protocol."""

    def opened(folder: Path | None = None, *, workers: int = 1, seed: int = 0, **changes: Any) -> Study:
        executor, patience = changes.pop("executor", None) or InlineExecutor(), changes.pop("patience", None)
        config = {name: value for name, value in {**TOY, **changes}.items() if value is not None}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        benchmark = Benchmark(config)
        return Study(benchmark, seed, json.dumps(benchmark.proxy), executor, workers, folder, patience=patience)

    return opened


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole session, in all of its processes: the embedded encoder is pre-trained once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def folder_data(tmp_path: Path) -> Path:
    """A data set of the layout `folders`: 6 + 3 + 3 random pictures of 40x48 with three classes and an ignored border."""
    root, rng = tmp_path / "data", np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 3), ("test", 3)):
        for kind in ("images", "masks"):
            (root / kind / split).mkdir(parents=True)
        for index in range(count):
            mask = np.repeat(np.repeat(rng.integers(0, 3, (5, 6), dtype=np.uint8), 8, 0), 8, 1)
            image = np.stack([mask * 80, 200 - mask * 60, mask * 30 + 40], -1) + rng.integers(0, 30, (40, 48, 3))
            mask[:2] = 255
            Image.fromarray(image.astype(np.uint8)).save(root / "images" / split / f"p{index}.jpg")
            Image.fromarray(mask).save(root / "masks" / split / f"p{index}.png")
    (root / "classes.txt").write_text("field\nroad\nwater\n")
    return root
