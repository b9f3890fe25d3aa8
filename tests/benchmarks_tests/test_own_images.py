"""Somebody's own images: what lies in a folder, how it is dealt out to splits, and what a limit means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.benchmark import Benchmark
from benchmarks.own import plan
from benchmarks.own.folder import FINDERS, data_of
from benchmarks.own.limit import Limit
from benchmarks.own.protocols import PROTOCOLS, WIDTHS
from core import build
from tasks.data import SPLITS
from tasks.registry import DATA

XML = """<annotation><size><width>48</width><height>40</height><depth>3</depth></size>
<object><name>{name}</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>{end}</xmax><ymax>30</ymax></bndbox></object></annotation>"""


def pictures(folder: Path, count: int, seed: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths = np.random.default_rng(seed), []
    for index in range(count):
        paths.append(folder / f"p{index}.png")
        Image.fromarray(rng.integers(0, 256, (40, 48, 3)).astype(np.uint8)).save(paths[-1])
    return paths


def masks(folder: Path, count: int, values: tuple[int, ...]) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        mask = np.random.default_rng(index).choice(np.array(values, np.uint8), (40, 48))
        Image.fromarray(mask).save(folder / f"p{index}.png")


def persons(root: Path, count: int) -> None:
    """A person with two joints in each picture, as COCO writes it."""
    (root / "images").mkdir()
    (root / "annotations").mkdir()
    record: dict[str, Any] = {"categories": [{"id": 1, "name": "person", "keypoints": ["nose", "tail"]}]}
    joints = dict(category_id=1, bbox=[2, 3, 20, 30], keypoints=[4, 5, 2, 9, 20, 1])
    record["annotations"] = [dict(id=index, image_id=index, **joints) for index in range(count)]
    record["images"] = [dict(id=index, file_name=f"p{index}.png", width=48, height=40) for index in range(count)]
    (root / "annotations/train.json").write_text(json.dumps(record))
    for path in sorted(root.glob("*.png")):
        path.rename(root / "images" / path.name)


def opened(task: str, root: Path) -> Any:
    data: Any = build(DATA, data_of(task, root))
    data.check(SPLITS, SPLITS[1:])
    return data


def sizes(data: Any) -> list[int]:
    return [data.size(split) for split in SPLITS]


@pytest.mark.parametrize(("values", "classes"), [((0, 255), 2), ((0, 1, 2), 3), ((0, 1, 2, 255), 3), ((3, 7), 2)])
def test_label_maps_without_splits_or_names(tmp_path: Path, values: tuple[int, ...], classes: int) -> None:
    pictures(tmp_path / "images", 10)
    masks(tmp_path / "masks", 10, values)
    data = opened("segmentation", tmp_path)
    assert sizes(data) == [6, 2, 2]
    assert len(data.classes) == classes
    image, labels = data.read("train", 0)
    assert image.shape[:2] == labels.shape
    assert set(np.unique(labels)) <= {*range(classes), 255}
    prints = [{print for print, _ in data.pictures(split)} for split in SPLITS]
    assert len(set.union(*prints)) == 10


def test_soft_edges_are_no_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "images", 4)
    masks(tmp_path / "masks", 4, tuple(range(200)))
    with pytest.raises(ValueError, match="hold 200 values, as soft edges leave them"):
        data_of("segmentation", tmp_path)


def test_names_of_ones_own_win_over_those_of_the_layout(tmp_path: Path) -> None:
    pictures(tmp_path / "train", 3)
    masks(tmp_path / "trainannot", 3, (0, 1))
    (tmp_path / "classes.txt").write_text("ground\ncrack\n")
    assert opened("segmentation", tmp_path).classes == ("ground", "crack")


@pytest.mark.parametrize(("names", "mirror"), [(("left lung", "right lung"), False), (("left lung", "heart"), True)])
def test_what_a_mirror_would_turn_into_another_class_is_not_mirrored(
    tmp_path: Path, names: tuple[str, str], mirror: bool
) -> None:
    pictures(tmp_path / "images", 5)
    masks(tmp_path / "masks", 5, (0, 1))
    (tmp_path / "classes.txt").write_text("\n".join(names))
    config = PROTOCOLS["segmentation"](data_of("segmentation", tmp_path), (40, 48), WIDTHS["segmentation"][0], None)
    assert [stage["view"]["mirror"] for stage in (*config["stages"], config["final"])] == [mirror] * 2


def test_gray_pictures_of_three_channels_are_gray(tmp_path: Path) -> None:
    for path in pictures(tmp_path, 5):
        Image.fromarray(np.asarray(Image.open(path))[..., 0]).convert("RGB").save(path)
    assert opened("restoration", tmp_path).channels == 1
    pictures(tmp_path, 1)
    assert opened("restoration", tmp_path).channels == 3


def test_what_is_dealt_out_is_told_with_what_it_is_of(tmp_path: Path) -> None:
    pictures(tmp_path / "images", 10)
    masks(tmp_path / "masks", 10, (0, 255))
    assert opened("segmentation", tmp_path).summary("val").startswith("2 of 10 images; classes 0 ")


def test_equal_pictures_are_in_one_split(tmp_path: Path) -> None:
    pictures(tmp_path, 6)
    for index in range(6):  # each a second time
        (tmp_path / f"q{index}.png").write_bytes((tmp_path / f"p{index}.png").read_bytes())
    data = opened("restoration", tmp_path)
    prints = [[print for print, _ in data.pictures(split)] for split in SPLITS]
    assert sum(map(len, prints)) == 12
    assert not set(prints[0]) & set(prints[2])
    assert not set(prints[0]) & set(prints[1])
    assert data.fingerprint() == opened("restoration", tmp_path).fingerprint()
    pictures(tmp_path, 1, seed=5)
    assert data.fingerprint() != opened("restoration", tmp_path).fingerprint()


def test_pairs_and_clean_images(tmp_path: Path) -> None:
    pictures(tmp_path / "a/noisy", 5)
    pictures(tmp_path / "a/clean", 5, seed=1)
    assert opened("restoration", tmp_path / "a").paired
    pictures(tmp_path / "b", 5)
    assert not opened("restoration", tmp_path / "b").paired
    pictures(tmp_path / "c/train", 5)
    pictures(tmp_path / "c/test", 3, seed=1)
    assert sizes(opened("restoration", tmp_path / "c")) == [4, 1, 3]
    pictures(tmp_path / "d/train", 5)
    pictures(tmp_path / "d/val", 3, seed=1)
    assert sizes(opened("restoration", tmp_path / "d")) == [4, 1, 3]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no split 'train', and no images"):
        data_of("restoration", empty)
    pictures(tmp_path / "e", 2)
    with pytest.raises(ValueError, match="2 different pictures cannot be dealt out"):
        opened("restoration", tmp_path / "e")


def test_one_file_of_coco_s_whatever_it_is_called(tmp_path: Path) -> None:
    """Hidden files, as macOS leaves them beside others, do not count."""
    pictures(tmp_path / "images", 8)
    (tmp_path / "export.json").write_text("{}")
    (tmp_path / "._export.json").write_bytes(b"\x00\x05")
    assert FINDERS["detection"](tmp_path)["splits"] == {"train": {"annotations": "export.json", "images": "images"}}


def test_boxes_beside_images(tmp_path: Path) -> None:
    for index, path in enumerate(pictures(tmp_path, 8)):
        path.with_suffix(".xml").write_text(XML.format(name=["cat", "dog"][index % 2], end=20 + index))
    data = opened("detection", tmp_path)
    assert data.classes == ("cat", "dog")
    assert sum(sizes(data)) == 8
    places = [data.annotated(split, k).name for split in SPLITS for k in range(data.size(split))]
    assert sorted(places) == [f"p{index}.png" for index in range(8)]
    with pytest.raises(ValueError, match="neither of COCO nor of Pascal VOC"):
        data_of("detection", Path(__file__).parent)


def test_folders_of_classes(tmp_path: Path) -> None:
    for seed, name in enumerate(("cat", "dog")):
        pictures(tmp_path / "bare" / name, 5, seed)
        pictures(tmp_path / "split/train" / name, 5, seed)
        pictures(tmp_path / "split/test" / name, 2, seed + 2)
    bare, split = opened("classification", tmp_path / "bare"), opened("classification", tmp_path / "split")
    assert bare.classes == split.classes == ("cat", "dog")
    assert (sizes(bare), sizes(split)) == ([6, 2, 2], [8, 2, 4])
    with pytest.raises(ValueError, match="has no folder of a class"):
        data_of("classification", tmp_path / "bare/cat")


def test_limits_are_read_as_they_are_written() -> None:
    assert Limit.of("params=500k") == Limit("params", 500_000)
    assert Limit.of("madds=1.5G") == Limit("madds", 1.5e9)
    assert Limit.of("latency=20ms") == Limit("latency_ms", 20)
    for wrong in ("params", "params=-1", "params=20ms", "latency=20", "madds=1Gb", "params=0", "params=many"):
        with pytest.raises(ValueError, match="write it as params=500k"):
            Limit.of(wrong)
    with pytest.raises(ValueError, match="did you mean 'params'"):
        Limit.of("param=5")


@pytest.mark.parametrize("task", [task for task in PROTOCOLS if task != "restoration"])
@pytest.mark.parametrize("minutes", [1, 30, 1000])
def test_weights_of_an_encoder_are_taken_in_any_time(
    monkeypatch: pytest.MonkeyPatch, task: str, minutes: float
) -> None:
    monkeypatch.setattr(plan, "_size", lambda wish: (64, 96))
    _, width, _ = plan._fitting(plan.Wish(task, {}, minutes, encoder="encoder.pth"), {})
    assert width.encoder == 1


@pytest.mark.parametrize("task", PROTOCOLS)
def test_every_width_makes_a_protocol(tmp_path: Path, task: str) -> None:
    for index, path in enumerate(pictures(tmp_path, 8)):
        path.with_suffix(".xml").write_text(XML.format(name="cat", end=20 + index))
    if task == "segmentation":
        (tmp_path / "images").mkdir()
        for path in sorted(tmp_path.glob("*.png")):
            path.rename(tmp_path / "images" / path.name)
        masks(tmp_path / "masks", 8, (0, 1))
    if task == "depth":
        pictures(tmp_path / "images", 8)
        masks(tmp_path / "depth", 8, (200, 250))
    if task == "classification":
        for index, path in enumerate(sorted(tmp_path.glob("*.png"))):
            (tmp_path / f"kind{index % 2}").mkdir(exist_ok=True)
            path.rename(tmp_path / f"kind{index % 2}" / path.name)
    if task == "keypoints":
        persons(tmp_path, 8)
    data, costs = data_of(task, tmp_path), []
    for width in WIDTHS[task]:
        config = PROTOCOLS[task](data, (64, 96), width, None)
        benchmark = Benchmark(config)
        space: Any = benchmark.space
        costs.append(len(space.decisions))
        assert str(width)
    assert costs


def test_the_cause_is_told_why_boxes_cannot_be_used(tmp_path: Path) -> None:
    for split in ("train", "val"):
        pictures(tmp_path / split, 2)
        (tmp_path / split / "_annotations.coco.json").write_text('{"images": [')
    with pytest.raises(ValueError, match=r"train/_annotations\.coco\.json, line 1: this is not JSON"):
        data_of("detection", tmp_path)


def test_the_cause_is_told_why_label_maps_cannot_be_used(tmp_path: Path) -> None:
    """Without names of classes, which the maps would give."""
    pictures(tmp_path / "images/train", 2)
    pictures(tmp_path / "masks/train", 2)
    with pytest.raises(ValueError, match=r"masks/train/p0\.png is not an 8-bit label map \(mode RGB\)"):
        data_of("segmentation", tmp_path)
    for path in (tmp_path / "masks/train").iterdir():
        Image.new("L", (48, 40), 255).save(path)
    with pytest.raises(ValueError, match="hold nothing but 255, which does not count"):
        data_of("segmentation", tmp_path)
    for path in (tmp_path / "masks/train").iterdir():
        path.unlink()
        Image.new("L", (48, 40)).save(path.with_suffix(".webp"))
    with pytest.raises(ValueError, match=r"p0\.webp is a webp file, which is not read: save it as PNG"):
        data_of("segmentation", tmp_path)


def test_no_split_is_lost_without_a_word(tmp_path: Path) -> None:
    for seed, split in enumerate(("training", "validation", "testing")):
        pictures(tmp_path / "a" / split, 2, seed)
        for name in "xy":
            pictures(tmp_path / "b" / split / name, 1, seed)
        pictures(tmp_path / "c/images" / split, 2, seed)
    assert sizes(opened("restoration", tmp_path / "a")) == [2, 2, 2]
    assert sizes(opened("classification", tmp_path / "b")) == [2, 2, 2]
    for split in ("training", "valid", "testing"):
        masks(tmp_path / "c/masks" / split, 2, (0, 1))
    with pytest.raises(ValueError, match=r"c/.*valid.* and .*c/.*valid.* are both split 'val': leave one"):
        data_of("segmentation", tmp_path / "c")
    (tmp_path / "c/images/validation").rename(tmp_path / "c/elsewhere")
    with pytest.raises(ValueError, match=r"c/masks/valid is there, but not all that makes it split 'val'"):
        data_of("segmentation", tmp_path / "c")


def test_pictures_that_are_not_read_are_named(tmp_path: Path) -> None:
    pictures(tmp_path / "a", 2)
    (tmp_path / "a/p1.png").rename(tmp_path / "a/p1.WEBP")
    with pytest.raises(ValueError, match=r"p1\.WEBP is a WEBP file"):
        data_of("restoration", tmp_path / "a")
    for name in "xy":
        pictures(tmp_path / "b/train" / name / "day", 2)
    with pytest.raises(ValueError, match=r"train/x/day is a folder with files of its own"):
        opened("classification", tmp_path / "b")
    pictures(tmp_path / "b/val/x", 1)
    pictures(tmp_path / "c/noisy/train/day", 2)
    pictures(tmp_path / "c/clean/train/day", 2)
    with pytest.raises(ValueError, match=r"noisy/train/day is a folder with files of its own"):
        opened("restoration", tmp_path / "c")


def test_crops_fit_into_the_smallest_picture(tmp_path: Path) -> None:
    pictures(tmp_path, 8)
    Image.new("RGB", (20, 70)).save(tmp_path / "z.png")
    config = PROTOCOLS["restoration"](data_of("restoration", tmp_path), (40, 48), WIDTHS["restoration"][-1], None)
    smallest = min(min(opened("restoration", tmp_path).shape(split, k)) for split in SPLITS[:2] for k in range(2))
    assert config["final"]["view"]["size"] == [smallest] * 2
