"""Networks that were searched for one task, trained for another, in one table with what was searched there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.published.networks import ARCH1
from benchmarks.running.transfer import found, transferred
from tasks.weights import load


def benchmark(name: str, task: str, data: dict[str, Any], epochs: int) -> dict[str, Any]:
    view, recipe = dict(size=[64, 64], eval_size=[64, 64]), dict(epochs=epochs, batch=4)
    return dict(
        id=name,
        task=dict(type=f"{task}Task", data=data, encoder=dict(width=0.1), input_size=[64, 64]),
        space=dict(type="DecoderCells", channels=4),
        stages=[dict(name="short", view=view, recipe=recipe)],
        final=dict(name="final", view=dict(eval="test", **view), recipe=recipe),
        reward=dict(type="Metric", name="loss" if epochs else "RMSE", sign=-1),
        budget=dict(trials=1),
        seeds=[0],
    )


@pytest.fixture
def play(tool: Any, tmp_path: Path) -> Callable[..., Path]:
    """Play a protocol's strategy of this name; the folder of the run."""

    def run(protocol: dict[str, Any], strategy: str) -> Path:
        path = tmp_path / "protocol.json"
        path.write_text(json.dumps(protocol))
        done = tool("run_benchmark", path, "--strategy", strategy, "--work-dir", tmp_path / "runs")
        assert done.returncode == 0, done.stderr
        return tmp_path / "runs" / protocol["benchmark"]["id"] / strategy / "seed0"

    return run


@pytest.fixture
def on_depth(folder_data: Path) -> dict[str, Any]:
    """A benchmark on the same images with depths; its final training only scores: its weights are those it began with."""
    for image in folder_data.glob("images/*/*"):
        place = folder_data / "depth" / image.parent.name / f"{image.stem}.npy"
        place.parent.mkdir(parents=True, exist_ok=True)
        height, width = np.array(Image.open(image)).shape[:2]
        np.save(place, np.full((height, width), 2.0))
    return benchmark("metres-v1", "Depth", dict(type="FolderDepth", root=str(folder_data)), 0)


@pytest.mark.exhaustive
def test_a_network_found_on_segmentation_estimates_depth(
    play: Callable[..., Path], folder_data: Path, on_depth: dict[str, Any], tmp_path: Path
) -> None:
    """It begins with what it has learnt, but for the last layer."""
    labels = dict(type="FolderSegmentation", root=str(folder_data), layout="folders")
    searched = benchmark("labels-v1", "Segmentation", labels, 1)
    source = play(dict(benchmark=searched, strategies=dict(random_search=dict(type="RandomSearch"))), "random_search")
    (tmp_path / "metres.json").write_text(
        json.dumps(dict(benchmark=on_depth, strategies=dict(random_search=dict(type="RandomSearch"))))
    )
    (network,) = found(str(source), anew=False)
    assert network.name == "labels-v1.random_search.seed0"
    target = play(transferred([network], str(tmp_path / "metres.json")), network.name)
    before, after = (load(folder / "answers/0/final.pth") for folder in (source, target))
    shared = [key for key in before if key in after and "running" not in key and "num_batches" not in key]
    changed = {key for key in shared if not torch.equal(before[key], after[key])}
    assert changed == {"decode_head.conv_seg.weight", "decode_head.conv_seg.bias"}
    answers = [json.loads((folder / "answers/0/answer.json").read_text()) for folder in (source, target)]
    assert answers[0]["key"] == answers[1]["key"]
    assert answers[0]["final"]["params"] - answers[1]["final"]["params"] == 2 * (9 * 4 + 1)  # three classes, one depth

    (anew,) = found(str(source), anew=True)
    assert (anew.name, "weights" in anew.settings) == (f"{network.name}.anew", False)
    (source / "answers/0/final.pth").unlink()
    with pytest.raises(ValueError, match="there are no weights"):
        list(found(str(source), anew=False))


def test_all_runs_of_the_other_benchmark_are_one_table(tool: Any, tmp_path: Path) -> None:
    short = ("--cfg-options", "benchmark.budget.trials=4", "benchmark.budget.images=None")
    searched = ("--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path)
    assert tool("run_benchmark", "toy", *searched, *short).returncode == 0
    done = tool("transfer", tmp_path / "toy-v2/random_search/seed0", "--to", "toy", "--anew", *searched[2:], *short)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert any("random_search " in row for row in rows)
    assert any("toy-v2.random_search.seed0.anew" in row for row in rows)


def test_a_published_network_is_written_as_a_baseline() -> None:
    (one,) = found("SEG-1", anew=False)
    protocol = transferred([one], "scenes-depth-v1", {"benchmark.final.recipe.epochs": 1})
    assert protocol["strategies"]["SEG-1"] == {"type": "Baseline", "genotype": ARCH1}
    assert set(protocol["strategies"]) == {"SEG-1", "fcn", "refinenet_lw"}
    assert protocol["benchmark"]["final"]["recipe"]["epochs"] == 1


def test_two_networks_of_one_name_are_refused() -> None:
    (one,) = found("SEG-1", anew=False)
    assert set(transferred([one, one], "scenes-depth-v1")["strategies"]) >= {"SEG-1"}
    with pytest.raises(ValueError, match="two networks are called SEG-1, as their runs are: transfer them one after"):
        transferred([one, one._replace(settings={})], "scenes-depth-v1")


def test_a_training_that_was_killed_is_none(monkeypatch: pytest.MonkeyPatch, tool: Any, tmp_path: Path) -> None:
    monkeypatch.setattr("command_line.call", lambda command, **_: 137)
    assert tool("transfer", "SEG-0", "--to", "depth", "--work-dir", tmp_path).returncode == 137


def test_a_folder_that_cannot_be_made_is_refused(tool: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = tool("transfer", "SEG-0", "--to", "depth", "--work-dir", tmp_path / "file")
    assert (done.returncode, "cannot be made (Not a directory): choose another --work-dir" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("SEG-9", "--to", "depth"),
            "SEG-9 is no folder of a run, and unknown published network 'SEG-9': did you mean",
        ),
        (("docs", "--to", "depth"), "docs holds no finished run"),
        (("SEG-0", "--to", "detection"), "SEG-0 is a network of the space DecoderCells, and scenes-detection-v3 has"),
        (("SEG-0", "--to", "dept"), "did you mean 'depth'"),
    ],
)
def test_what_cannot_be_transferred_is_a_sentence(tool: Any, arguments: tuple[str, ...], sentence: str) -> None:
    done = tool("transfer", *arguments)
    assert (done.returncode, sentence in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
