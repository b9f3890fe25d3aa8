"""Networks that were searched for one task, trained for another, in one table with what was searched there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.published import ARCH1
from benchmarks.transfer import found, transferred
from tasks.weights import load

CONFIG = """
benchmark = dict(
    id="{id}", task=dict(type="{task}Task", data=dict(type="{data}"), encoder=dict(width=0.1), input_size=[64, 64]),
    space=dict(type="DecoderCells", channels=4),
    stages=[dict(name="short", view=dict(share=0.05, size=[64, 64], eval_size=[64, 64]), recipe=dict(epochs=1, batch=8))],
    final=dict(name="final", view=dict(share=0.05, size=[64, 64], eval="test", eval_size=[64, 64]),
        recipe=dict(epochs={epochs}, batch=8)),
    reward=dict(type="Metric", name="{metric}", sign={sign}), budget=dict(trials=1), seeds=[0, 1])
strategies = dict(random_search=dict(type="RandomSearch"),
    fcn=dict(type="Baseline", model=dict(decoder=dict(type="mmseg.FCNHead", channels=4, norm_cfg=dict(type="BN")))))
"""


@pytest.mark.slow
def test_a_network_found_on_segmentation_estimates_depth(tool: Any, tmp_path: Path) -> None:
    """Its final training begins with what it has learnt, but for the last layer."""
    names = dict(id="labels-v1", task="Segmentation", data="ScenesSegmentation", epochs=1, metric="mIoU", sign=1)
    (tmp_path / "labels.py").write_text(CONFIG.format(**names))
    names = dict(id="metres-v1", task="Depth", data="ScenesDepth", epochs=0, metric="RMSE", sign=-1)
    (tmp_path / "metres.py").write_text(CONFIG.format(**names))
    played = ("--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path / "runs")
    assert tool("run_benchmark", tmp_path / "labels.py", *played).returncode == 0
    source, target = (tmp_path / "runs" / name for name in ("labels-v1/random_search/seed0", "metres-v1"))

    asked = (source, "--to", tmp_path / "metres.py", "--seed", 0, "--work-dir", tmp_path / "runs")
    done = tool("transfer", *asked)
    assert done.returncode == 0, done.stderr
    name = "labels-v1.random_search.seed0"
    table = done.stdout.splitlines()
    assert table[0] == "## metres-v1"
    assert all(any(row in line for line in table) for row in (name, "fcn"))
    before, after = (load(folder / "answers/0/final.pth") for folder in (source, target / name / "seed0"))
    shared = [key for key in before if key in after and "running" not in key and "num_batches" not in key]
    same = {key for key in shared if torch.equal(before[key], after[key])}
    assert {key for key in shared if key not in same} == {"decode_head.conv_seg.weight", "decode_head.conv_seg.bias"}
    answers = [
        json.loads((folder / "answers/0/answer.json").read_text()) for folder in (source, target / name / "seed0")
    ]
    assert answers[0]["key"] == answers[1]["key"]
    assert answers[0]["final"]["params"] - answers[1]["final"]["params"] == 6 * (9 * 4 + 1)  # seven classes, one depth

    (anew,) = found(str(source), anew=True)
    assert anew.name == f"{name}.anew"
    assert "weights" not in anew.settings
    (source / "answers/0/final.pth").unlink()
    done = tool("transfer", *asked)
    assert (done.returncode, "there are no weights" in done.stderr, done.stderr.count("\n")) == (2, True, 1)


def test_a_published_network_is_written_as_a_baseline() -> None:
    (one,) = found("SEG-1", anew=False)
    protocol = transferred([one], "scenes-depth-v1", {"benchmark.final.recipe.epochs": 1})
    assert protocol["strategies"]["SEG-1"] == {"type": "Baseline", "genotype": ARCH1}
    assert set(protocol["strategies"]) == {"SEG-1", "fcn", "refinenet_lw"}
    assert protocol["benchmark"]["final"]["recipe"]["epochs"] == 1


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
