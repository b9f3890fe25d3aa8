"""Damaged data of every kind: it is read, or refused with a ValueError of one line; nothing else, and it comes to an end."""

from __future__ import annotations

import copy
import io
import json
import signal
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.detection.coco import CocoDetection
from tasks.detection.voc import VocDetection
from tasks.files import decode, in_colour, listed
from tasks.restoration.folders import FolderImages, FolderPairs, eight_bits
from tasks.segmentation.folders import FolderSegmentation, recognise

ODD: list[Any] = [None, True, -1, 0, 1, 1.5, 640.0, 1e309, -1e309, float("nan"), 2**70, -(10**400), "", "0", "x", "a\nb",
                  "\ud800", "\0", "../x", "/etc/hostname", "\ufeffred", [], [[]], {}, {"id": 1}, "red", "Red"]  # fmt: skip
PIECES = [b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\x85", b"\xb0\xcb", b"<a>", b"</a>", b"&x;", b"../", b'"',
          b"\xe2\x80\xa8", b"[", b"{", b"1e999", b"-", b"NaN", b"\\ud800", b"1" * 5000]  # fmt: skip
XML = """<?xml version="1.0" encoding="{}"?>
<annotation><size><width>12</width><height>10</height></size>
<object><name>red</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object>
<object><name>blue</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>12</xmax><ymax>10</ymax></bndbox></object></annotation>"""
ENCODINGS = ("utf-8", "gbk", "utf-16", "latin-1", "x", "punycode", "hex", "utf-7", "shift_jis", "")


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


def damaged(data: bytes, rng: Random) -> bytes:
    """Some bytes changed, cut out, put in or cut off."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        change = rng.randrange(4)
        if change == 0:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif change == 1:
            data = data[:at] + data[at + rng.randint(1, 20) :]
        elif change == 2:
            data = data[:at] + rng.choice(PIECES) + data[at:]
        elif at > len(data) // 2:
            data = data[:at]
    return data


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in plain data with a key that it has."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def changed(record: dict[str, Any], rng: Random) -> dict[str, Any]:
    record = copy.deepcopy(record)
    for _ in range(rng.randint(1, 3)):
        holder, key = rng.choice(list(places(record)) or [(record, "images")])
        change = rng.randrange(4)
        if change == 0 and isinstance(holder, dict):
            holder.pop(key, None)
        elif change == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD))
    return record


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (200, 10, 10)).save(path, "PNG")


def test_coco(tmp_path: Path) -> None:
    rng, path = Random(0), tmp_path / "annotations/train.json"
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
    for number in range(1000):
        if number < 700:
            path.write_text(json.dumps(changed(record, rng)))
        else:
            path.write_bytes(damaged(json.dumps(record).encode(), rng))
        tried(lambda: CocoDetection(str(tmp_path)).check(["train"], ["train"]))
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
    rng, path = Random(1), tmp_path / "train/a.xml"
    picture(tmp_path / "train/a.png")
    path.write_text(XML.format("utf-8"))
    VocDetection(str(tmp_path)).check(["train"])
    for number in range(800):
        encoding = rng.choice(ENCODINGS) if number % 2 else "utf-8"
        data = XML.format(encoding).encode(encoding if encoding in ("utf-16", "gbk") else "utf-8")
        path.write_bytes(damaged(data, rng))
        tried(lambda: VocDetection(str(tmp_path)).check(["train"], ["train"]))
    lots = b"<!DOCTYPE a [" + b"".join(b'<!ENTITY e%d "%s">' % (k, b"&e%d;" % (k - 1) * 10) for k in range(1, 12))
    for bomb in (b"<a>" * 1_000_000, lots + b"]><a>&e11;</a>", b"<a " + b"b='' " * 2_000_000 + b"/>"):
        path.write_bytes(bomb)
        with pytest.raises(ValueError, match=r"a\.xml"):
            VocDetection(str(tmp_path))


def test_lists_and_names_of_classes(tmp_path: Path) -> None:
    rng = Random(2)
    for kind in ("JPEGImages", "train"):
        for name in ("a", "b c"):
            picture(tmp_path / f"{kind}/{name}.png")
    (tmp_path / "SegmentationClass").mkdir()
    for name in ("a", "b c"):
        Image.fromarray(np.eye(10, 12, dtype=np.uint8)).save(tmp_path / f"SegmentationClass/{name}.png")
    (tmp_path / "Annotations").mkdir()
    for name in ("a", "b c"):
        (tmp_path / f"Annotations/{name}.xml").write_text(XML.format("utf-8"))
    lists = [tmp_path / f"ImageSets/{kind}/train.txt" for kind in ("Main", "Segmentation")]
    for path in lists:
        path.parent.mkdir(parents=True)
    (tmp_path / "x.txt").write_text("")
    for _ in range(200):
        data = damaged(b"a\nb c\n" if rng.random() < 0.8 else "a\r\nrot\r\n".encode("utf-16"), rng)
        for path in (*lists, tmp_path / "x.txt", tmp_path / "classes.txt"):
            path.write_bytes(data)
        tried(lambda: listed(tmp_path / "classes.txt"))
        tried(lambda: VocDetection(str(tmp_path), classes=["red", "blue"]).check(["train"]))
        tried(lambda: FolderSegmentation(str(tmp_path), "voc", ["x", "y"]).check(["train"]))
        tried(lambda: FolderImages(str(tmp_path), {"train": "x.txt"}).check(["train"]))
        tried(lambda: FolderSegmentation(str(tmp_path), "voc", None if rng.random() < 0.5 else list(listed(lists[0]))))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"])
def test_pictures(tmp_path: Path, kind: str) -> None:
    rng, made = Random(kind), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {} if kind in ("BMP", "GIF") else {"exif": exif}
    values = np.random.default_rng(0).integers(0, 3, (10, 12), dtype=np.uint8)
    Image.fromarray(values * 90).save(made, kind, **more)
    (tmp_path / "classes.txt").write_text("x\ny\nz\n")
    for place in ("images", "masks"):
        (tmp_path / place / "train").mkdir(parents=True)
    path = tmp_path / "images/train/a.png"
    for number in range(150):
        data = made.getvalue()
        limit = 60 if number % 2 else len(data)  # headers more than pixels
        path.write_bytes(damaged(data[:limit], rng) + data[limit:])
        (tmp_path / "masks/train/a.png").write_bytes(path.read_bytes())
        tried(lambda: decode(path, in_colour))
        tried(lambda: decode(path, partial(eight_bits, gray=True)))
        tried(lambda: recognise(tmp_path).check(["train"], ["train"]))


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
