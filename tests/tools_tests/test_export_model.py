"""Found networks taken home: the stock tools measure what the table says, and every form computes the same."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.export.onnx import OnnxNetwork
from benchmarks.export.predictor import Predictor, plain_network
from benchmarks.export.stock import averages, optim_wrapper, schedules
from tasks.stage import Recipe

CONFIG = """
benchmark = dict(
    id="tiny-v1", {what}
    stages=[dict(name="short", view=dict(share=0.1, size=[64, 64]{view}), recipe=dict(epochs=1, batch=8))],
    final=dict(name="final", view=dict(share=0.2, size=[64, 64], eval="test"{view}), recipe=dict(epochs=2, batch=8, {recipe})),
    reward=dict(type="Metric", name="{metric}"), budget=dict(trials=1), seeds=[0])
strategies = dict(random_search=dict(type="RandomSearch"))
"""
ENCODER = "encoder=dict(width=0.25, pretrain_epochs=0, refit_norms=False), input_size=[64, 96]"
TASKS: dict[str, Any] = {
    "segmentation": dict(
        what=f"task=dict(type='SegmentationTask', data=dict(type='NucleiSegmentation', window=96), {ENCODER}),"
        "space=dict(type='DecoderCells', channels=8),",
        view=", eval_size=[64, 96]",
        recipe="schedule='poly'",
        metric="mIoU",
    ),
    "depth": dict(
        what=f"task=dict(type='DepthTask', data=dict(type='ScenesDepth'), {ENCODER}),"
        "space=dict(type='DecoderCells', channels=8),",
        view=", eval_size=[64, 96]",
        recipe="schedule='poly'",
        metric="RMSE",
    ),
    "detection": dict(
        what=f"task=dict(type='DetectionTask', data=dict(type='NucleiDetection', window=96), {ENCODER},"
        "template=dict(type='FCOS', width=8)), space=dict(type='FCOSDecoder', channels=8, blocks=3, layers=1),",
        view=", eval_size=[64, 96]",
        recipe="polyak=0.5",
        metric="mAP",
    ),
    "restoration": dict(
        what="task=dict(type='RestorationTask', data=dict(type='NucleiImages', window=48), degradation=dict(type='Noise',"
        "sigma=[15.0, 30.0]), rounded=True, tile=40, input_size=[64, 64]),"
        "space=dict(type='RestorationCells', nodes=1, layers=1, channels=4, stem=8),",
        view="",
        recipe="schedule=[dict(type='CosineAnnealingLR')]",
        metric="PSNR",
    ),
    "classification": dict(
        what="task=dict(type='ClassificationTask', data=dict(type='NucleiClassification', window=64), encoder=dict(width=0.25),"
        "input_size=[32, 48]), space=dict(type='MBConv', width=0.25, layers=[1, 1, 1, 1, 1, 1]),",
        view=", eval_size=[32, 48]",
        recipe="polyak=0.5",
        metric="top1",
    ),
    "keypoints": dict(
        what=f"task=dict(type='KeypointTask', data=dict(type='FiguresKeypoints'), {ENCODER}),"
        "space=dict(type='DecoderCells', channels=8),",
        view=", eval_size=[64, 96]",
        recipe="polyak=0.5",
        metric="PCKh",
    ),
}


def config_of(task: str) -> str:
    return CONFIG.format(**TASKS[task]).replace(
        "size=[64, 64]", "size=[32, 32]" if task == "restoration" else "size=[64, 64]"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        pytest.param(task, marks=[pytest.mark.exhaustive] if task in ("classification", "depth", "keypoints") else [])
        for task in TASKS
    ],
)  # the others go the ways of these
def test_what_is_taken_home_is_what_was_found(tool: Any, tmp_path: Path, task: str) -> None:
    config, out = tmp_path / "tiny.py", tmp_path / "home"
    config.write_text(config_of(task))
    played = tool("run_benchmark", config, "--work-dir", tmp_path / "runs")
    assert played.returncode == 0, played.stderr
    run = tmp_path / "runs/tiny-v1/random_search/seed0"
    metrics = json.loads((run / "study.json").read_text())["answers"][0]["final"]["metrics"]
    _the_answer_can_be_looked_at(run / "answers/0", task)
    quick = task in ("segmentation", "classification", "depth", "keypoints")
    engines = ["torch"] if quick else ["torch", "onnx"]  # which takes half a minute a network
    done = tool("export_model", run, "--out", out, *(["--onnx"] if "onnx" in engines else []))
    assert done.returncode == 0, done.stderr
    assert ("onnxruntime: " in done.stdout) == ("onnx" in engines)
    about = json.loads((out / "model.json").read_text())
    assert (about["task"], about["metrics"]) == (task, metrics)
    again = tool("export_model", run, "--out", out)
    assert (again.returncode, again.stderr.count("\n"), "exists already" in again.stderr) == (2, 1, True)

    measured = _by_stock_tools("test", out, task, tmp_path)
    names = {"segmentation": ("mIoU", "aAcc"), "detection": ("coco/mAP", "coco/mAP50"), "restoration": ("PSNR", "SSIM")}
    names |= {"classification": ("top1", "cross_entropy"), "depth": ("RMSE", "delta1"), "keypoints": ("PCKh", "AP")}
    for name in names[task]:
        assert measured[name] == pytest.approx(metrics[name.removeprefix("coco/")], abs=0.01)
    if task in ("segmentation", "restoration"):  # the others go their ways
        assert names[task][0] in _by_stock_tools("train", out, task, tmp_path)

    if "onnx" in engines:
        _onnx_computes_the_same(out, about)
    _pictures_are_drawn(tool, out, tmp_path, engines)
    if task == "restoration":
        _latency_is_told(tool, out)


def test_recipes_become_those_of_mmengine() -> None:
    recipe = Recipe(epochs=4, lr=1e-2, encoder_lr=1e-3, schedule="poly", polyak=0.75, clip=2.0)
    wrapper = optim_wrapper(recipe, encoder=True)
    assert wrapper["paramwise_cfg"] == {"custom_keys": {"backbone": {"lr_mult": pytest.approx(0.1)}}}
    assert wrapper["optimizer"] == dict(type="AdamW", lr=1e-2, weight_decay=1e-5)
    assert wrapper["clip_grad"] == {"max_norm": 2.0}
    assert "paramwise_cfg" not in optim_wrapper(recipe, encoder=False)
    assert schedules(recipe, 10) == [dict(type="PolyLR", power=0.9, eta_min=0.0, by_epoch=False, end=40)]
    steps = Recipe(epochs=4, schedule=(dict(type="LinearLR", by_epoch=False), dict(type="MultiStepLR", milestones=[2])))
    assert [one["end"] for one in schedules(steps, 10)] == [40, 4]
    assert averages(recipe) == [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.25)]
    assert averages(Recipe(epochs=4)) == []


def _the_answer_can_be_looked_at(home: Path, task: str) -> None:
    report = json.loads((home / "report.json").read_text())
    assert [point["epoch"] for point in report["curve"]] == [1, 2]
    assert len(report["examples"]) == 4
    for example in report["examples"]:
        sizes = {Image.open(home / file).size for file in example["files"].values()}
        assert len(sizes) == 1
    classes = {"segmentation": 3, "classification": 2}.get(task)
    if classes:
        assert np.array(report["confusion"]["counts"]).shape == (classes, classes)


def _by_stock_tools(what: str, out: Path, task: str, work: Path) -> dict[str, float]:
    """The scores that MMSegmentation's, MMDetection's or MMEngine's own programs write down."""
    library = {"segmentation": "mmseg", "detection": "mmdet", "depth": "mmseg"}.get(task)
    if library is None:
        command, folder = [out / "run.py", what], work / f"work-{what}"
    else:
        home = find_spec(library).submodule_search_locations[0]  # type: ignore[union-attr, index]
        weights, folder = ["weights.pth"] if what == "test" else [], work / f"work-{what}"
        command = [f"{home}/.mim/tools/{what}.py", "config.py", *weights, "--work-dir", folder]
    folder.mkdir()
    here = out if library else folder
    done = subprocess.run([sys.executable, *map(str, command)], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    pattern = "*/*.json" if what == "test" else "*/vis_data/scalars.json"
    written = sorted(folder.rglob(pattern))[-1].read_text().splitlines()
    return json.loads(written[-1])


def _latency_is_told(tool: Any, out: Path) -> None:
    assert not any(module.training for module in plain_network(out).modules())  # norms of a training would be others
    timed = tool("measure_latency", out, "--size", "40x32", "--threads", "1", "--json")
    assert timed.returncode == 0, timed.stderr
    found = json.loads(timed.stdout)
    assert found["size"] == [32, 40]
    assert set(found["whole"]) == {"torch", "onnxruntime"}
    assert 0 < found["whole"]["torch"]["low"] <= found["whole"]["torch"]["median"] <= found["whole"]["torch"]["high"]
    layers = sum(not list(module.children()) for module in plain_network(out).modules())
    assert sum(one["count"] for one in found["operations"]) >= layers
    assert found["estimate"] == pytest.approx(sum(one["count"] * one["ms"] for one in found["operations"]))
    assert found["error"] == pytest.approx(found["estimate"] / found["whole"]["torch"]["median"] - 1)
    wrong = tool("measure_latency", out, "--size", "40")
    assert (wrong.returncode, "WIDTHxHEIGHT" in wrong.stderr) == (2, True)


def _onnx_computes_the_same(out: Path, about: dict[str, Any]) -> None:
    images = np.random.default_rng(0).random((2, *about["input"])).astype(np.float32)[..., :32, :] * about["white"]
    with torch.no_grad():
        plain = plain_network(out)(torch.from_numpy(images))
    for one, other in zip(
        plain if isinstance(plain, tuple) else [plain], OnnxNetwork(out / "network.onnx")(images), strict=True
    ):
        assert np.allclose(one.numpy(), other, atol=1e-4 * max(1, float(one.abs().max())))


def _pictures_are_drawn(tool: Any, out: Path, tmp_path: Path, engines: list[str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(1)
    for name, size in (("a.png", (50, 70)), ("b.jpg", (64, 64))):
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(pictures / name)
    told = {}
    for engine in engines:
        drawn = tool("predict", pictures, "--model", out, "--out", tmp_path / engine, "--engine", engine)
        assert drawn.returncode == 0, drawn.stderr
        assert [line.split(": ")[0] for line in drawn.stdout.splitlines()[:2]] == ["a.png", "b.jpg"]
        size = Image.open(tmp_path / engine / "a.png").size
        enlarged = size[0] == 210 and size[1] >= 150  # perhaps above the names of classes
        assert enlarged or size in ((70, 50), (140, 50))
        told[engine] = json.loads((tmp_path / engine / "predictions.json").read_text())
    assert set(told["torch"]) == {"a.png", "b.jpg"}
    refused = tool("predict", pictures, "--model", out, "--engine", "onnx") if "onnx" not in engines else None
    assert refused is None or (refused.returncode, "has no network.onnx" in refused.stderr) == (2, True)
    (pictures / "c.png").write_bytes(b"no picture")
    torn = tool("predict", pictures / "c.png", "--model", out, "--out", tmp_path / "torn")
    assert (torn.returncode, torn.stderr.count("\n"), "c.png" in torn.stderr) == (2, 1, True)
    others = tool("predict", pictures, "--model", out, "--out", tmp_path / "others")
    assert (others.returncode, "c.png" in others.stderr) == (1, True)
    assert set(json.loads((tmp_path / "others/predictions.json").read_text())) == {"a.png", "b.jpg"}


def test_transparency_is_kept_or_refused(tmp_path: Path) -> None:
    from tasks.restoration.drawing import Usage
    from tasks.usage import AnyUsage

    Image.new("RGBA", (9, 8), (1, 2, 3, 0)).save(tmp_path / "a.png")
    predictor = Predictor.__new__(Predictor)
    predictor.usage = AnyUsage(input=(3, 8, 8), size=None)
    assert predictor.picture(tmp_path / "a.png").shape == (8, 9, 3)
    predictor.usage = Usage(input=(3, 8, 8), size=None, colours="rgb", marks=False)
    with pytest.raises(ValueError, match=r"a\.png has an alpha channel: save it without transparency"):
        predictor.picture(tmp_path / "a.png")


def test_no_picture_is_written_over_another(tool: Any, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    before = (tmp_path / "b.png").read_bytes()
    done = tool("predict", tmp_path / "c.png", "--model", tmp_path)
    assert (done.returncode, "c.png: give an image, or a folder of images" in done.stderr) == (2, True), done.stderr
    done = tool("predict", tmp_path, "--model", tmp_path, "--out", tmp_path)
    assert (done.returncode, f"would overwrite {tmp_path / 'b.png'}" in done.stderr) == (2, True), done.stderr
    assert (tmp_path / "b.png").read_bytes() == before
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    done = tool("predict", tmp_path, "--model", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, "has the name of a.jpg: keep one, or rename it" in done.stderr) == (2, True), done.stderr


def test_what_cannot_be_taken_home_is_refused_in_a_line(tool: Any, tmp_path: Path, toy_config: dict[str, Any]) -> None:
    for run in (tmp_path, tmp_path / "nowhere"):
        done = tool("export_model", run, "--out", tmp_path / "home")
        assert (done.returncode, done.stderr.count("\n"), "no finished answer" in done.stderr) == (2, 1, True)
    played = tool("run_benchmark", "toy", "--strategy", "random_search", "--seed", "0", "--work-dir", tmp_path / "runs")
    assert played.returncode == 0, played.stderr
    run = next((tmp_path / "runs").glob("*/random_search/seed0"))
    done = tool("export_model", run, "--out", tmp_path / "home")
    assert (done.returncode, "ToyTask" in done.stderr) == (2, True)
    assert not (tmp_path / "home").exists()
    with pytest.raises(ValueError, match=r"there is no .*model\.json"):
        Predictor(tmp_path)
