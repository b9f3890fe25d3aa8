"""A network that several processes train together is the one that a single process trains; who fails is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import skimage.data
import torch
from PIL import Image
from torch import nn

from benchmarks.running.devices import check, run_together
from benchmarks.running.job import Begin, Failed, Job, build_task, run
from benchmarks.running.store import Store
from tasks import Outcome, Stage, parallel

DENOISER = {"network": dict(type="DnCNN", width=6, depth=3)}


@pytest.fixture
def task(tmp_path: Path) -> str:
    """Denoising of eight small images."""
    photo = skimage.data.camera()
    for split, count in (("train", 8), ("val", 2)):
        (tmp_path / split).mkdir()
        for index in range(count):
            piece = photo[100 + 20 * index :, 150 + 10 * index :][:40, :56]
            Image.fromarray(piece).save(tmp_path / split / f"{index}.png")
    data, noise = dict(type="FolderImages", root=str(tmp_path)), dict(type="Noise", sigma=40)
    return json.dumps(dict(type="RestorationTask", data=data, degradation=noise, cache="", device="cpu"))


def stage(**recipe: Any) -> Stage:
    """Batches of 3, 3 and 2, so that shares of two processes differ."""
    return Stage.of(dict(name="final", view=dict(size=[24, 24]), recipe=dict(epochs=2, batch=3, **recipe)))


def job(task: str, stage: Stage, **more: Any) -> Job:
    return Job(task, json.dumps(dict(type="ToySpace")), more.pop("model", DENOISER), None, stage, 3, **more)


@pytest.mark.slow
def test_two_processes_train_as_one(task: str, tmp_path: Path) -> None:
    """Also where a stage goes on from another's optimiser and averages, and images are counted once."""
    store, weights, outcomes = Store(str(tmp_path)), [], []
    for name, devices in (("one", 1), ("two", 2)):
        first = job(task, stage(polyak=0.9, resumable=True, continued=True), keep=f"{name}.first", store=store)
        begin = Begin(f"{name}.first")
        more = job(task, stage(polyak=0.9, continues=True), begin=begin, keep=f"{name}.pth", store=store)
        for part in (first, more):
            outcomes.append(run(part) if devices == 1 else run_together(part, devices))
        weights.append(torch.load(tmp_path / f"{name}.pth", weights_only=True))
    assert all(isinstance(outcome, Outcome) for outcome in outcomes), outcomes
    for one, two in zip(outcomes[:2], outcomes[2:], strict=True):
        assert two.metrics == pytest.approx(one.metrics, rel=1e-5)
        assert (two.cost.images, two.cost.pixels) == (one.cost.images, one.cost.pixels)
    assert outcomes[1].cost.images == 2 * 8 + 2
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-5, atol=1e-5)
    left = sorted(path.name.replace("one", "two") for path in tmp_path.glob("one*"))
    assert sorted(path.name for path in tmp_path.glob("two*")) == left


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kill", "kind", "cause"),
    [(True, "lost", "process 1 of 2 was ended by SIGKILL"), (False, "error", "the second device is broken")],
)
def test_a_process_that_fails_ends_all_and_is_named(
    task: str, monkeypatch: pytest.MonkeyPatch, kill: bool, kind: str, cause: str
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)  # where the processes find it as well
    faulty = job(task, stage(), model={"network": dict(type="OneFails", kill=kill)}, imports=("device_faults",))
    told = run_together(faulty, 2)
    assert isinstance(told, Failed)
    assert told.kind == kind
    assert cause in told.error


@pytest.mark.slow
def test_a_runs_answers_are_trained_so(tool: Any, tmp_path: Path) -> None:
    tables = []
    for devices in (1, 2):
        work, short = tmp_path / str(devices), "benchmark.budget.trials=3"
        done = tool("run_benchmark", "toy-v2", "--strategy", "random_search", "--seed", 0, "--work-dir", work,
                    "--devices", devices, "--device", "cpu", "--cfg-options", short)  # fmt: skip
        assert done.returncode == 0, done.stderr
        (path,) = work.glob("toy-v2/*/seed0/study.json")
        study = json.loads(path.read_text())
        assert study["device"].endswith(" x 2") == (devices == 2)
        tables.append([answer["final"]["metrics"] for answer in study["answers"]])
    assert tables[0] == tables[1]


def test_batch_norms_on_a_processor_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch synchronises them on GPUs alone. Those of a frozen part are in eval mode, and no matter."""
    monkeypatch.setattr(parallel, "size", lambda: 2)
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    with pytest.raises(ValueError, match="agree on GPUs alone: train this network on one device"):
        parallel.together(network, "cpu", lambda batch: batch.inputs)
    with pytest.raises(ValueError, match="process group"):
        parallel.together(network.eval(), "cpu", lambda batch: batch.inputs)


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [(0, "--devices must be at least 1, not 0"), (3, "a batch of 2, of which 3 devices cannot take a share each")],
)
def test_what_cannot_be_shared_is_refused(task: str, devices: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check(build_task(task), stage(), devices)
    check(build_task(task), stage(), 2)


def test_more_devices_than_there_are(tool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    done = tool("run_benchmark", "toy-v2", "--device", "cuda", "--devices", 2, "--strategy", "random_search")
    assert (done.returncode, done.stderr) == (2, "error: --devices 2: this torch sees 1, give no more\n")
