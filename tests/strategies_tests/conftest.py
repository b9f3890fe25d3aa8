"""What tests of supernets share: studies of small supernets, and their sudden death. `xor_networks` is imported by its name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.executors import InlineExecutor
from benchmarks.study import Study

sys.path.insert(0, str(Path(__file__).parent))

RESTORATION: dict[str, Any] = dict(
    id="restoration-test-v1",
    task=dict(
        type="RestorationTask",
        data=dict(type="ScenesImages"),
        degradation=dict(type="Noise", sigma=30.0),
        input_size=[128, 128],
        ssim_weight=0.02,
    ),
    space=dict(type="RestorationCells", nodes=1, layers=2, channels=2, stem=4),
    stages=[
        dict(
            name="short",
            view=dict(share=0.1, size=[16, 16], copies=1),
            recipe=dict(epochs=2, batch=4, lr=5e-3, polyak=0.9),
        )
    ],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=1)),
    reward=dict(type="Metric", name="PSNR"),
    budget=dict(trials=3),
    seeds=[0],
)
SEGMENTATION: dict[str, Any] = dict(
    id="segmentation-test-v1",
    space=dict(type="DecoderCells", channels=4),
    final=dict(name="final", view=dict(train=["train", "val"], eval="test", size=[32, 32]), recipe=dict(epochs=1)),
    reward=dict(type="Metric", name="mIoU"),
    budget=dict(trials=2),
    seeds=[0],
)

Opened = Callable[..., Study]


def opened(folder: Path, config: dict[str, Any]) -> Study:
    folder.mkdir(exist_ok=True)
    benchmark = Benchmark(config)
    task = json.dumps({**benchmark.task, "cache": str(folder.parent / "cache"), "device": "cpu"})
    return Study(benchmark, 0, task, InlineExecutor(), folder=folder)


@pytest.fixture
def opened_study() -> Callable[[Path, dict[str, Any]], Study]:
    """Open a study of a config; what it computes beforehand lies beside its folder."""
    return opened


@pytest.fixture
def restoration_study(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Open a study of a narrow space on 26 training images in crops of 16x16; 4 others are scored."""
    from tasks.restoration.samples import RestorationSamples

    monkeypatch.setattr(RestorationSamples, "eval_size", 4)
    return lambda folder, **changes: opened(folder, {**RESTORATION, **changes})


@pytest.fixture
def segmentation_study(folder_data: Path) -> Opened:
    """Open a study of small decoders on the cached features of 6 training images; 3 others are scored."""
    data = dict(type="FolderSegmentation", root=str(folder_data), layout="folders")
    task = dict(type="SegmentationTask", encoder=dict(width=0.1), data=data)
    view = dict(size=[32, 32], eval_size=[32, 32], copies=2)

    def study(folder: Path, aux: float = 0.0, **changes: Any) -> Study:
        stage = dict(name="decoder", view=view, recipe=dict(epochs=1, batch=6, lr=5e-3))
        stages = [dict(**stage, options=dict(cached=True, aux=aux))]
        return opened(folder, {**SEGMENTATION, "task": task, "stages": stages, **changes})

    return study


class KilledError(Exception):
    """Stands for `kill -9`."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, bool], Any]:
    """While it lasts, trial `number`, which a strategy made itself, kills the study before or after it is `written`."""
    whole = Study.record

    @contextmanager
    def dies(number: int, written: bool) -> Iterator[None]:
        def record(self: Study, *arguments: Any) -> Any:
            deadly = len(self.trials) == number
            if deadly and not written:
                raise KilledError
            trial = whole(self, *arguments)
            if deadly:
                raise KilledError
            return trial

        with monkeypatch.context() as patch:
            patch.setattr(Study, "record", record)
            with pytest.raises(KilledError):
                yield

    return dies
