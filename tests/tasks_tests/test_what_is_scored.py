"""What is scored: pictures that nothing has learnt from, with something to score on; and batches that can be learnt from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.run import Run
from tasks import Stage
from tasks.data import in_both
from tasks.detection.coco import CocoDetection
from tasks.detection.subset import StratifiedSubset
from tasks.restoration.folders import FolderImages, FolderPairs
from tasks.segmentation.folders import FolderSegmentation
from tasks.segmentation.task import SegmentationTask


def noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Noise of 32x24: four pictures in train, two in val and test."""
    for number, (split, index) in enumerate(
        (s, k) for s, n in (("train", 4), ("val", 2), ("test", 2)) for k in range(n)
    ):
        noise(tmp_path / f"clean/{split}/{index}.png", number)
    return tmp_path / "clean"


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Two pictures with a car each in train and val."""
    for number, split in enumerate(("train", "val")):
        record: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "car"}]}
        for index in range(2):
            noise(tmp_path / f"coco/{split}/{index}.png", 2 * number + index)
            record["images"].append({"id": index, "file_name": f"{index}.png", "width": 32, "height": 24})
            record["annotations"].append({"id": index, "image_id": index, "category_id": 1, "bbox": [1, 2, 9, 9]})
        (tmp_path / f"coco/{split}/_annotations.coco.json").write_text(json.dumps(record))
    return tmp_path / "coco"


def test_pictures_are_compared_by_what_is_read(clean: Path, coco: Path, folder_data: Path, tmp_path: Path) -> None:
    """Neither names nor formats matter, and those of one colour are not compared."""
    assert not in_both(*map(FolderImages(str(clean)).pictures, ("test", "train")))
    Image.open(clean / "train/2.png").save(clean / "test/other.bmp")
    for split in ("train", "test"):
        Image.new("RGB", (9, 9)).save(clean / split / "black.png")
    data = FolderImages(str(clean))
    both = in_both(data.pictures("test"), data.pictures("train"))
    assert both == f"1 of 4 pictures ({clean}/test/other.bmp is {clean}/train/2.png)"
    boxes = CocoDetection(str(coco))
    assert not in_both(boxes.pictures("val"), boxes.pictures("train"))
    shutil.copy(coco / "train/1.png", coco / "val/0.png")
    subsets = [StratifiedSubset(dict(type="CocoDetection", root=str(coco)), images=1, seed=seed) for seed in range(8)]
    drawn = [int(subset.indices["train"][0]) for subset in subsets]
    found = [in_both(subset.pictures("val"), subset.pictures("train")) for subset in subsets]
    assert set(drawn) == {0, 1}
    assert found == [("", "1 of 2 pictures (val/0.png is train/1.png)")[index] for index in drawn]
    maps = FolderSegmentation(str(folder_data), "folders")
    assert len(maps.pictures("train")) == 6
    assert not in_both(maps.pictures("test"), maps.pictures("train"))


def test_of_pairs_the_clean_pictures_are_compared(clean: Path, tmp_path: Path) -> None:
    for split, sources in (("train", (0, 1)), ("test", (1, 2))):
        for index, source in enumerate(sources):
            noise(tmp_path / f"pairs/{split}/rain/{index}.png", 100 + source + index)
            (tmp_path / f"pairs/{split}/norain").mkdir(exist_ok=True)
            shutil.copy(clean / f"train/{source}.png", tmp_path / f"pairs/{split}/norain/{index}.png")
    data = FolderPairs(str(tmp_path / "pairs"), "rain", "norain")
    assert in_both(data.pictures("test"), data.pictures("train")).startswith("1 of 2 pictures (")


def protocol(data: dict[str, Any], **final: Any) -> dict[str, Any]:
    """Denoising with a final stage that learns from train and val, and is scored on test."""
    view = dict(size=[16, 16])
    return dict(
        id="own-v1",
        task=dict(type="RestorationTask", data=data, degradation=dict(type="Noise", sigma=25), input_size=[24, 32]),
        space=dict(type="RestorationCells", channels=4),
        stages=[dict(name="short", view=view, recipe=dict(epochs=1))],
        final=dict(
            name="final", view={**view, "train": ["train", "val"], "eval": "test", **final}, recipe=dict(epochs=1)
        ),
        reward=dict(type="Metric", name="PSNR"),
        budget=dict(trials=1),
        seeds=[0],
    )


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_final_score_on_training_pictures_is_refused(clean: Path, tmp_path: Path, split: str) -> None:
    shutil.copy(clean / split / "1.png", clean / "test/0.png")
    config = dict(benchmark=protocol(dict(type="FolderImages", root=str(clean))), strategy=dict(type="RandomSearch"))
    stage = "short"  # sees both
    with pytest.raises(
        ValueError, match=rf"1 of 2 pictures .* of split 'test', .* are also in '{split}' of stage '{stage}'"
    ):
        Run(config, "one", 0, tmp_path / "runs", "cpu").prepare()
    assert not (tmp_path / "runs/own-v1").exists()


def test_so_is_one_on_the_same_files_under_another_name(clean: Path, tmp_path: Path) -> None:
    data = dict(type="FolderImages", root=str(clean), splits={"more": ["val", "test[:1]"]})
    benchmark = protocol(data, train=["train", "more"])
    with pytest.raises(ValueError, match=r"are also in 'more' of stage 'final': take them out of one of both"):
        Run(dict(benchmark=benchmark, strategy=dict(type="RandomSearch")), "one", 0, tmp_path, "cpu").prepare()


def test_so_is_one_on_pictures_that_a_teacher_learns_from(folder_data: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (folder_data / kind / "more").mkdir()
        for source, name in (("train", "a"), ("test", "b")):
            file = sorted((folder_data / kind / source).iterdir())[0]
            shutil.copy(file, folder_data / kind / "more" / f"{name}{file.suffix}")
    view, recipe = dict(size=[32, 32], eval_size=[40, 48]), dict(epochs=1, batch=2)
    teacher = dict(name="teacher", view={**view, "train": ["more"]}, recipe=recipe)
    own = dict(
        task=dict(
            type="SegmentationTask",
            data=dict(type="FolderSegmentation", root=str(folder_data), layout="folders"),
            encoder=dict(width=0.1),
            teacher=dict(model={}, stage=teacher),
        ),
        space=dict(type="DecoderCells", channels=8),
        stages=[dict(name="short", view=view, recipe=recipe)],
        final=dict(name="final", view={**view, "eval": "test"}, recipe=recipe, options=dict(distill=0.3)),
        reward=dict(type="Metric", name="mIoU"),
    )
    config = dict(benchmark={**protocol({}), **own}, strategy=dict(type="RandomSearch"))
    with pytest.raises(ValueError, match=r"1 of 3 pictures .* of split 'test', .* are also in 'more' of stage 'final'"):
        Run(config, "one", 0, tmp_path / "runs", "cpu").prepare()


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_checker_names_pictures_in_two_splits(tool, clean: Path, split: str) -> None:
    shutil.copy(clean / "train/3.png", clean / split / "1.png")
    done = tool("check_data", "restoration", clean)
    assert done.returncode == (2 if split == "test" else 0), done.stderr
    said = f"1 of 2 pictures ({clean}/{split}/1.png is {clean}/train/3.png) of split '{split}' are in 'train', too: "
    assert sum(said in line for line in done.stdout.splitlines()) == 1


def test_the_checker_looks_at_the_splits_of_a_benchmark(tool, clean: Path, tmp_path: Path) -> None:
    """The folder test is none of them, and what the final score is taken on is in a training split."""
    (clean / "other").mkdir()
    shutil.copy(clean / "val/1.png", clean / "other/1.png")
    data = dict(type="FolderImages", root="elsewhere", splits={"hidden": "other", "more": "train[1:]"})
    config = tmp_path / "own.py"
    config.write_text(f"benchmark = {protocol(data, train=['more', 'val'], eval='hidden')}\nstrategy = dict()\n")
    done = tool("check_data", "restoration", clean, "--config", config)
    assert done.returncode == 2
    lines = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert lines[:4] == ["train", "val", "more", "hidden"]
    assert "of split 'hidden' are in 'val', too: scores on them say nothing" in done.stdout
    assert done.stderr == "error: 1 thing is wrong, see above\n"


def nothing(entry: dict[str, Any]) -> None:
    entry["bbox"][2] = 0


def crowds(entry: dict[str, Any]) -> None:
    entry["iscrowd"] = 1


def difficult(entry: dict[str, Any]) -> None:
    entry["difficult"] = True


@pytest.mark.parametrize("change", [nothing, crowds, difficult])
def test_boxes_that_cannot_be_scored(tool, coco: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = coco / "val/_annotations.coco.json"
    record = json.loads(path.read_text())
    for entry in record["annotations"]:
        change(entry)
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="split 'val' has no object that counts"):
        CocoDetection(str(coco)).check(["train", "val"], ["val"])
    done = tool("check_data", "detection", coco)
    assert done.returncode == 2
    assert "split 'val' has no object that counts" in done.stdout
    path.write_text(json.dumps({**record, "annotations": []}))
    CocoDetection(str(coco)).check(["val"])  # to learn from, it may be empty


def task_on(root: Path, cache: Path) -> SegmentationTask:
    data = dict(type="FolderSegmentation", root=str(root), layout="folders")
    return SegmentationTask(data=data, encoder=dict(width=0.1), cache=str(cache), input_size=(40, 48))


def staged(name: str = "short", **changes: Any) -> Stage:
    recipe = {"epochs": changes.pop("epochs", 1), "batch": changes.pop("batch", 4)}
    return Stage.of(dict(name=name, view=dict(size=[32, 32], **changes), recipe=recipe))


@pytest.mark.parametrize("split", ["val", "test"])
def test_labels_that_cannot_be_scored(folder_data: Path, tmp_path: Path, split: str) -> None:
    for path in (folder_data / "masks" / split).iterdir():
        Image.new("L", (48, 40), 255).save(path)
    task = task_on(folder_data, tmp_path)
    with pytest.raises(ValueError, match=f"split '{split}' has no label that counts, all are ignored"):
        task.check([staged(), staged(eval=split)])
    task_on(folder_data, tmp_path).check([staged(train=["train", split], eval="test" if split == "val" else "val")])


def test_cached_features_need_scored_images_of_one_size(folder_data: Path, tmp_path: Path) -> None:
    options = (("cached", True),)
    stages = {own: replace(staged(own, copies=1, eval=own), options=options) for own in ("val", "test")}
    for kind, suffix in (("images", "jpg"), ("masks", "png")):
        path = folder_data / kind / f"test/p2.{suffix}"
        Image.open(path).resize((48, 32), Image.Resampling.NEAREST).save(path)
    task = task_on(folder_data, tmp_path)
    task.check([stages["val"]])
    sentence = (
        "stage 'test' reads cached features, but the images of split 'test' are not of one size: give it an eval_"
    )
    with pytest.raises(ValueError, match=sentence):
        task.check([stages["test"]])
    task.check([replace(stages["test"], options=()), replace(staged(copies=1, eval_size=[32, 32]), options=options)])


@pytest.mark.parametrize("changes", [dict(batch=1), dict(share=0.1), dict(share=0.4, half=0), dict(share=0.4, half=1)])
def test_batches_of_one_crop_are_refused(folder_data: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    task = task_on(folder_data, tmp_path)
    with pytest.raises(
        ValueError, match="stage 'odd' has batches of one crop, which batch norms cannot learn from: give"
    ):
        task.check([staged("odd", **changes)])
    task.check([staged("odd", **changes, epochs=0)])
    task.check([staged(batch=5)])  # a last one of one crop is left out
    if "batch" not in changes:
        task.check([staged("odd", **changes, copies=2)])
