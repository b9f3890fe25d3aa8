"""Detection at the command line: a whole run on a folder, its networks in stock MMDetection, bad data in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.detection.voc import VocDetection

SIZES = ("task.input_size", "task.encoder.refit_size", "stages.0.view.size", "stages.0.view.eval_size",
         "final.view.size", "final.view.eval_size")  # fmt: skip
TINY = (
    "task.encoder.checkpoint=None",
    "task.encoder.width=0.1",
    "space.channels=8",
    "task.template.width=8",
    "budget.trials=2",
    "stages.0.recipe.epochs=1",
    "final.recipe.epochs=1",
    *(f"{name}=[96,128]" for name in SIZES),
)

# What somebody has who takes `model.py` and `final.pth` home: MMDetection, and the modules that the config imports.
PREDICT = """
import sys, torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.runner import load_checkpoint

register_all_modules()
assert not {"tasks", "search_spaces", "benchmarks"} & sys.modules.keys()
config = Config.fromfile("model.py")
config.model.test_cfg.score_thr = 0.0  # so short a training finds nothing that it is sure of
network = MODELS.build(config.model)
load_checkpoint(network, "final.pth", strict=True)
network.eval()
image = torch.randint(0, 256, (3, 96, 120), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
sample = DetDataSample(metainfo=dict(img_shape=(96, 120), ori_shape=(96, 120), scale_factor=(1.0, 1.0)))
with torch.no_grad():
    found = network.test_step(dict(inputs=[image], data_samples=[sample]))[0].pred_instances
limit = torch.tensor([120, 96, 120, 96])
inside = bool(((found.bboxes >= 0) & (found.bboxes <= limit)).all())
print(len(found) > 0, inside, bool((found.labels < 2).all()), sum(weight.numel() for weight in network.parameters()))
"""


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """XML files beside their images of 96x128: 4 + 2 + 2 with a red and a blue block each, on lines 3 and 4."""
    root, rng = tmp_path / "data", np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2), ("test", 2)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(80, 100, (96, 128, 3), dtype=np.uint8)
            lines = ["<annotation>", "<size><width>128</width><height>96</height></size>"]
            for name, colour, left in (("red", (220, 30, 30), 8), ("blue", (30, 30, 220), 72)):
                top = int(rng.integers(5, 40))
                image[top : top + 44, left : left + 36] = colour
                corners = {"xmin": left + 1, "ymin": top + 1, "xmax": left + 36, "ymax": top + 44}
                box = "".join(f"<{corner}>{value}</{corner}>" for corner, value in corners.items())
                lines.append(f"<object><name>{name}</name><bndbox>{box}</bndbox></object>")
            Image.fromarray(image).save(root / split / f"p{index}.jpg")
            (root / split / f"p{index}.xml").write_text("\n".join([*lines, "</annotation>"]))
    return root


def tiny(root: Path, work: Path, *strategies: str, options: tuple[str, ...] = ()) -> list[str]:
    """The arguments of the smallest run of bccd-fcos-v3."""
    settings = [f"benchmark.{setting}" for setting in (f"task.data.root={root}", *TINY)]
    chosen = ["--strategy", *strategies]
    return ["bccd-fcos-v3", *chosen, "--work-dir", str(work), "--cfg-options", *settings, *options]


def trials(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


def test_a_whole_run_and_its_networks_in_mmdetection(tool, voc: Path, tmp_path: Path) -> None:
    """A searched network and plain ones under both templates, in subprocesses that know only what `model.py` names."""
    counts = {"random_search": 2, "plain_fcos": 0, "mobilenet_v2": 0}
    done = tool("run_benchmark", *tiny(voc, tmp_path, "random_search", "plain_fcos"))
    assert done.returncode == 0, done.stderr
    settings = (one for one in TINY if not one.startswith(("space", "task.template")))
    options = [f"benchmark.{one}" for one in (f"task.data.root={voc}", "space.width=0.1", *settings)]
    ssdlite = ("bccd-ssdlite-v2", "--strategy", "mobilenet_v2", "--work-dir", str(tmp_path))
    also = tool("run_benchmark", *ssdlite, "--cfg-options", *options)
    assert also.returncode == 0, also.stderr
    for name, count in counts.items():
        assert f"| {name} " in done.stdout + also.stdout
        (folder,) = tmp_path.glob(f"bccd-*/{name}/seed0")
        result = json.loads((folder / "study.json").read_text())
        assert result["primary"] == "mAP"
        assert result["trials"] == {"done": count, "stopped": 0, "failed": 0, "duplicate": 0}
        assert [trial["status"] for trial in trials(folder)] == ["done"] * count
        command, home = [sys.executable, "-c", PREDICT], folder / "answers/0"
        built = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        assert built.stdout.splitlines()[-1] == f"True True True {result['answers'][0]['final']['params']}"
    reward = trials(tmp_path / "bccd-fcos-v3/random_search/seed0")[0]
    losses = (reward["stages"][0]["metrics"][f"loss_{part}"] for part in ("cls", "bbox", "centerness"))
    assert reward["reward"] == pytest.approx(-sum(losses))


def test_progressive_search_records_both_parts(tool, voc: Path, tmp_path: Path) -> None:
    parts = ("strategy.parts.0.trials=1", "strategy.parts.1.trials=1")
    done = tool("run_benchmark", *tiny(voc, tmp_path, "progressive_ppo", options=parts))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "bccd-fcos-v3/progressive_ppo/seed0"
    fpn, head = (trial["arch"] for trial in trials(folder))  # of the trial of each part
    fixed = {f"head.layer{k}": "conv3" if k < 4 else "skip" for k in range(6)} | {"head.split": 0}
    assert {name: choice for name, choice in fpn.items() if name.startswith("head.")} == fixed
    changed = {name for name in fpn if fpn[name] != head[name]}
    assert changed
    assert all(name.startswith("head.") for name in changed)
    result = json.loads((folder / "study.json").read_text())
    assert result["trials"]["done"] == 2
    assert result["answers"][0]["arch"] in (fpn, head)


def break_xml(root: Path) -> None:
    (root / "val/p1.xml").write_text("<annotation>\n<size><width>128</size>\n")


def move_box(root: Path) -> None:
    path = root / "train/p2.xml"
    path.write_text(path.read_text().replace("<xmax>108</xmax>", "<xmax>140</xmax>"))


def drop_image(root: Path) -> None:
    (root / "test/p1.jpg").unlink()


def write_coco(root: Path) -> None:
    """The same annotations as COCO's; one in train is of a category that the file does not have."""
    data = VocDetection(str(root))
    for split in ("train", "val", "test"):
        record = data.ground_truth(split)
        for image in record["images"]:
            image["file_name"] = Path(image["file_name"]).name
        if split == "train":
            record["annotations"][2]["category_id"] = 7
        (root / split / "_annotations.coco.json").write_text(json.dumps(record))


def rename_root(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))


def leave(root: Path) -> None:
    """Nothing is wrong with the folder."""


@pytest.mark.parametrize(
    ("damage", "options", "sentences"),
    [
        (break_xml, (), ("val/p1.xml, line 2: this is not XML",)),
        (
            move_box,
            (),
            ("train/p2.xml, line 4: the box [73.0, ", "of 'blue' lies 12 pixels outside its image of 128x96"),
        ),
        (drop_image, (), ("test/p1.jpg is missing: put it back",)),
        (leave, ("classes=['red', 'green', 'blue']",), ("class 'green' has no object in split 'train'",)),
        (
            write_coco,
            ("type=CocoDetection",),
            ("train/_annotations.coco.json: annotation 3 is of the category 7, which",),
        ),
        (rename_root, (), ("there is no folder ", "data: check the root")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_data_is_refused_before_anything_is_written(
    tool,
    voc: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    options: tuple[str, ...],
    sentences: tuple[str, ...],
) -> None:
    damage(voc)
    more = tuple(f"benchmark.task.data.{option}" for option in options)
    done = tool("run_benchmark", *tiny(voc, tmp_path / "runs", "random_search", options=more))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    for sentence in sentences:
        assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "runs").exists()
