"""check_data on boxes: both layouts, a count of everything, and every wrong thing in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """XML files beside their images of 20x10: three in train, of which one has no object, two in val."""
    root = tmp_path / "boxes"
    for split, names in (("train", "abc"), ("val", "de")):
        (root / split).mkdir(parents=True)
        for name in names:
            Image.new("RGB", (20, 10)).save(root / split / f"{name}.JPG")
            objects = OBJECT.format("car", 1) + OBJECT.format("bus", 4) if name != "c" else ""
            text = f"<annotation>\n<size><width>20</width><height>10</height></size>\n{objects}\n</annotation>"
            (root / split / f"{name}.xml").write_text(text)
    return root


def test_voc(tool, boxes: Path) -> None:
    path = boxes / "train/b.xml"
    path.write_text(path.read_text().replace("<xmin>4</xmin>", "<xmin>9</xmin>"))
    done = tool("check_data", "detection", boxes)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    counted = "3 images, 1 without objects; 3 objects: bus 1, car 2; boxes without area, left out: 1; wrong: 0"
    assert lines[0] == f"train: {counted}"
    assert lines[1].startswith("val: 2 images, 0 without objects; 4 objects: bus 2, car 2;")
    assert lines[2:] == ["dealt out: train 2, val 1, test 2", "5 images, all good"]


def test_every_wrong_thing_is_a_line(tool, boxes: Path) -> None:
    path = boxes / "train/a.xml"
    path.write_text(path.read_text().replace("<xmin>1</xmin>", "<xmin>-8</xmin>"))
    (boxes / "train/b.JPG").unlink()
    (boxes / "val/d.xml").write_text("<annotation>\n<size>")
    (boxes / "val/e.JPG").write_text("hello")
    done = tool("check_data", "detection", boxes)
    assert done.returncode == 2
    assert done.stderr == "error: 4 things are wrong, see above\n"
    for sentence in (
        "train/a.xml, line 3: the box [-8.0, 1.0, 9.0, 9.0] of 'car' lies 9 pixels outside its image of 20x10",
        "train/b.jpg is missing",
        "val/d.xml, line 2: this is not XML",
        "val/e.JPG cannot be decoded",
    ):
        assert sum(sentence in line for line in done.stdout.splitlines()) == 1, done.stdout


def test_coco(tool, boxes: Path) -> None:
    images = [{"id": k, "file_name": f"{name}.JPG", "width": 20, "height": 10} for k, name in enumerate("abc")]
    entry = {"id": 1, "image_id": 2, "category_id": 1, "bbox": [0, 0, 9, 9]}
    record = {"images": images, "categories": [{"id": 1, "name": "car"}]}
    record["annotations"] = [entry, entry]
    (boxes / "train/_annotations.coco.json").write_text(json.dumps(record))
    refused = tool("check_data", "detection", boxes)
    assert (refused.returncode, "boxes/val is there, but not all that" in refused.stderr) == (2, True), refused.stderr
    (boxes / "val").rename(boxes / "elsewhere")
    done = tool("check_data", "detection", boxes)
    assert done.returncode == 2
    assert done.stdout.startswith("train: 3 images, 2 without objects; 1 objects: car 1;")
    assert "_annotations.coco.json has an annotation with the id 1 for the second time" in done.stdout
    assert done.stderr == "error: 1 thing is wrong, see above\n"


def test_a_benchmark_names_classes_and_layout(tool, boxes: Path, tmp_path: Path) -> None:
    data = "dict(type='tasks.detection.voc.VocDetection', root='elsewhere', classes=['bus'], splits={'train': 'val'})"
    config = (
        f"benchmark = dict(task=dict(data=dict(type='StratifiedSubset', images=2, data={data})))\nstrategy = dict()\n"
    )
    path = tmp_path / "subset.py"
    path.write_text(config)
    done = tool("check_data", "detection", boxes, "--config", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("train: 2 images, 0 without objects; 2 objects: bus 2;")
    done = tool("check_data", "detection", boxes, "--config", "scenes-segmentation-v2")
    assert done.returncode == 2
    assert "is about tasks.segmentation.data.ScenesSegmentation, not a FolderDetection" in done.stderr


def test_what_cannot_be_opened_is_one_line(tool, boxes: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (boxes / "train").rename(boxes / "elsewhere")
    for folder, sentence in (
        (tmp_path / "empty", "has annotations neither of COCO nor of"),
        (boxes, "split 'train' of"),
    ):
        done = tool("check_data", "detection", folder)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_bccd(tool, shared) -> None:
    done = tool("check_data", "detection", shared("bccd"))
    assert done.returncode == 0, done.stderr
    assert "train: 205 images, 0 without objects; 2804 objects: Platelets 209, RBC 2381, WBC 214;" in done.stdout
    assert "364 images, all good" in done.stdout
