"""The folder of a network that is taken home, whatever the images that it is tried out with."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from torch import Tensor, nn

from benchmarks.export import package
from benchmarks.export.latency import latency
from benchmarks.export.package import export
from benchmarks.export.stock import training_config
from tasks import Stage
from tasks.restoration.task import RestorationTask
from tasks.stage import Recipe

STAGE = Stage.of(dict(name="final", view=dict(size=[16, 16], eval="train"), recipe=dict(epochs=1, batch=2)))
PARTS = {"network": dict(type="DnCNN", width=4, depth=2)}


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small network on three images of this size (height, width), in place of that of a run."""
    monkeypatch.setattr(package, "latency", partial(latency, seconds=0.01))

    def make(size: tuple[int, int], tile: int | None = None) -> Any:
        (tmp_path / "train").mkdir()
        rng = np.random.default_rng(0)
        for index in range(3):
            Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / f"train/{index}.png")
        data, noise = dict(type="FolderImages", root=str(tmp_path)), dict(type="Noise", sigma=25)
        task = RestorationTask(data, "", noise, input_size=(16, 16), tile=tile)
        final = {"metrics": {"PSNR": 20.0}, "params": 1.0, "madds": 1.0}
        known = dict(task=task, stage=STAGE, parts=PARTS, name="a test", config={"protocol_hash": ""})
        return SimpleNamespace(**known, record={"final": final}, network=lambda: task.network(PARTS))

    return make


def test_what_goes_through_in_tiles_is_tried_out_on_one(found: Any, tmp_path: Path) -> None:
    about = export(found((40, 90), tile=36), tmp_path / "tiles", onnx=False)
    assert about["input"] == [1, 36, 36]
    assert json.loads((tmp_path / "tiles/model.json").read_text()) == about
    modes = {path.name: path.stat().st_mode for path in (tmp_path / "tiles").iterdir()}
    assert modes["network.safetensors"] == modes["network.py"]


class Deciding(nn.Conv2d):
    """It doubles low images."""

    def forward(self, input: Tensor) -> Tensor:
        made = nn.functional.conv2d(input, self.weight)
        return made if input.shape[-2] > 32 else 2 * made


def test_another_size_than_that_of_a_tile_is_tried_out(found: Any, tmp_path: Path) -> None:
    answer = found((80, 90), tile=64)
    answer.network = lambda: nn.Sequential(Deciding(1, 1, 1, bias=False)).eval()
    with pytest.raises(ValueError, match="its own code decides by sizes of images"):
        export(answer, tmp_path / "deciding", onnx=False)


def test_low_images_are_tried_out_with_all_their_rows(found: Any, tmp_path: Path) -> None:
    assert export(found((20, 40)), tmp_path / "low", onnx=False)["input"] == [1, 20, 40]


@pytest.mark.parametrize(("batch", "steps"), [(1, 3), (2, 1), (3, 1), (4, 1)])
def test_stock_tools_have_the_batches_of_the_suite(found: Any, batch: int, steps: int) -> None:
    """Of three crops: a last batch of one is left out, another is not."""
    task, stage = found((20, 40)).task, replace(STAGE, recipe=Recipe(epochs=1, batch=batch, schedule="poly"))
    config = Config.fromstring(training_config(task, PARTS, stage), ".py")
    loader = Runner.build_dataloader(config.train_dataloader)
    assert len(loader) == len(list(loader)) == len(task.samples(stage).batches(0, 0)) == steps
    assert config.param_scheduler[0].end == steps
