"""Data that are nested without end, bombs and odd names: read, or refused with one line (what else is in tests/fuzzing)."""

from __future__ import annotations

import json
import signal
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from tasks.detection.coco import CocoDetection
from tasks.detection.voc import VocDetection
from tasks.restoration.folders import FolderImages, FolderPairs

XML = """<?xml version="1.0" encoding="{}"?>
<annotation><size><width>12</width><height>10</height></size>
<object><name>red</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object>
<object><name>blue</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>12</xmax><ymax>10</ymax></bndbox></object></annotation>"""


def tried(read: Callable[[], object]) -> None:
    """Fails where `read` takes more than ten seconds, or does not end well."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of what they mend
            read()
    except ValueError as error:
        refused = error
    else:
        return
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert type(refused) is ValueError, repr(refused)
    assert len(str(refused).splitlines()) == 1, repr(refused)
    str(refused).encode()


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (200, 10, 10)).save(path, "PNG")


def test_coco(tmp_path: Path) -> None:
    path = tmp_path / "annotations/train.json"
    names = [{"id": 1, "name": "red", "supercategory": "all"}, {"id": 2, "name": "blue", "supercategory": "all"}]
    record: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 0, "name": "all"}, *names]}
    for index in range(2):
        picture(tmp_path / f"images/train/{index}.png")
        record["images"].append({"id": index, "file_name": f"{index}.png", "width": 12, "height": 10})
        for label in (1, 2):
            entry = {"id": 2 * index + label, "image_id": index, "category_id": label, "bbox": [1, 2, 3.5, 4]}
            record["annotations"].append({**entry, "area": 5, "iscrowd": 0, "difficult": 0})
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    CocoDetection(str(tmp_path)).check(["train"])
    for depth in range(700, 1000, 10):  # what can just be read can be too deep to be shown
        for key in ("images", "annotations", "categories"):
            for name in ("id", "file_name", "bbox", "name", "iscrowd", "supercategory", "category_id"):
                entry = json.dumps({**record[key][0], name: 0}).replace(
                    f'"{name}": 0', f'"{name}": ' + "[" * depth + "]" * depth
                )
                path.write_text(json.dumps({**record, key: ["here"]}).replace('"here"', entry))
                tried(lambda: CocoDetection(str(tmp_path)).check(["train"]))
    for deep in (b"[" * 100_000, b'{"images":' * 100_000, b'{"images": [' + b"[" * 999 + b"]" * 999 + b"]}"):
        path.write_bytes(deep)
        with pytest.raises(ValueError, match=r"train\.json"):
            CocoDetection(str(tmp_path))


def test_voc(tmp_path: Path) -> None:
    path = tmp_path / "train/a.xml"
    picture(tmp_path / "train/a.png")
    path.write_text(XML.format("utf-8"))
    VocDetection(str(tmp_path)).check(["train"])
    lots = b"<!DOCTYPE a [" + b"".join(b'<!ENTITY e%d "%s">' % (k, b"&e%d;" % (k - 1) * 10) for k in range(1, 12))
    for bomb in (b"<a>" * 1_000_000, lots + b"]><a>&e11;</a>", b"<a " + b"b='' " * 2_000_000 + b"/>"):
        path.write_bytes(bomb)
        with pytest.raises(ValueError, match=r"a\.xml"):
            VocDetection(str(tmp_path))


def test_names_of_images_to_restore(tmp_path: Path) -> None:
    rng = Random(3)
    letters = ["rain", "1", "12", "_", "-", " ", "é", "e\u0301", ".", "._", "\n", "\u2028", "\udcff", "\uff11", "²"]
    for number in range(150):
        root = tmp_path / str(number)
        for kind in ("rain", "norain"):
            (root / "train" / kind).mkdir(parents=True)
            for _ in range(rng.randint(1, 3)):
                name = "".join(rng.choices(letters, k=rng.randint(1, 4)))
                picture(root / "train" / kind / f"{name}{rng.choice(['.png', '.JPG', '.jpeg', '.tif'])}")
        for data in (FolderPairs(str(root), "rain", "norain"), FolderImages(str(root), {"train": "train/rain"})):
            tried(partial(data.check, ["train"]))
            tried(data.fingerprint)
