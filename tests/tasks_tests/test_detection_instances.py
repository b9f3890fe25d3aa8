"""Annotations as arrays: what lists of images held, read as a stream, whatever the order and the layout of the file."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tasks.detection import instances as instances_module
from tasks.detection.coco import CocoDetection
from tasks.detection.data import Annotations, Objects
from tasks.detection.folders import area_of, fit_box, fit_boxes
from tasks.detection.instances import entries, read_instances


def record(seed: int) -> dict[str, Any]:
    """Twenty images, some without objects, and objects of three classes in any order; boxes stick out a little or are empty."""
    rng = Random(seed)
    images = [dict(id=7 * k + 3, file_name=f"{k}.jpg", width=40 + k, height=30) for k in range(20)]
    annotations = []
    for number in range(150):
        image = rng.choice(images[:17])
        x, y = rng.uniform(-1, 20), rng.randrange(15)
        box = [x, y, rng.choice((0, 5, rng.uniform(1, 20))), rng.choice((3, 15.5))]
        extra = rng.choice(({}, dict(area=rng.randrange(50)), dict(iscrowd=1), dict(difficult=True, iscrowd=0.0)))
        annotations.append(
            dict(id=number * 3, image_id=image["id"], category_id=rng.choice((2, 5, 9)), bbox=box, **extra)
        )
    categories = [dict(id=identity, name=name) for identity, name in ((9, "cow"), (2, "cat"), (5, "dog"))]
    return dict(images=images, annotations=annotations, categories=categories)


def images_of(record: dict[str, Any], label_of: dict[int, int]) -> list[dict[str, Any]]:
    """The same as a list of dicts, one annotation after the other."""
    images: dict[int, dict[str, Any]] = {
        image["id"]: dict(name=f"train/{image['file_name']}", size=(30, image["width"]), rows=[], dropped=0, others=0)
        for image in record["images"]
    }
    for entry in record["annotations"]:
        image, (x, y, width, height) = images[entry["image_id"]], entry["bbox"]
        if entry["category_id"] not in label_of:
            image["others"] += 1
            continue
        box = fit_box((float(x), float(y), x + float(width), y + float(height)), image["size"], "a box")
        if box is None:
            image["dropped"] += 1
        else:
            area, marks = entry.get("area", area_of(box)), (entry.get(mark) for mark in ("iscrowd", "difficult"))
            image["rows"].append((box, label_of[entry["category_id"]], area, *map(bool, marks)))
    return list(images.values())


@pytest.mark.parametrize("classes", [None, ["dog", "cat"]])
@pytest.mark.parametrize("seed", range(3))
def test_annotations_are_those_of_a_list(tmp_path: Path, seed: int, classes: list[str] | None) -> None:
    given = record(seed)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "train").mkdir()
    (tmp_path / "annotations/train.json").write_text(json.dumps(given))
    data = CocoDetection(str(tmp_path), classes=classes)
    expected = images_of(given, {2: 1, 5: 0} if classes else {2: 0, 5: 1, 9: 2})
    items = data.items("train")
    assert len(items) == len(expected) == 20
    assert sum(image["dropped"] for image in expected) > 10
    for image, plain in zip(items, expected, strict=True):
        of = Objects.of(plain["rows"])
        assert (image.name, image.size, image.dropped, image.others) == tuple(
            plain[key] for key in ("name", "size", "dropped", "others")
        )
        for values, wanted in zip(vars(image.objects).values(), vars(of).values(), strict=True):
            assert values.dtype == wanted.dtype
            assert values.tobytes() == wanted.tobytes(), "also to the bit, as fingerprints are of bytes"
    again = Annotations.of(list(items))
    assert [(one.name, one.size, one.objects.boxes.tolist()) for one in again] == [
        (one.name, one.size, one.objects.boxes.tolist()) for one in items
    ]
    assert items[-1].name == items[19].name
    assert [image.name for image in items[3:5]] == [items[3].name, items[4].name]
    with pytest.raises(IndexError):
        items[20]


def test_many_boxes_are_fitted_like_one() -> None:
    rng = np.random.default_rng(0)
    low = rng.choice([-2.5, -1.0, -0.0, 0.0, 0.5, 7, 29, 40, np.nan, np.inf], (3000, 2))
    high = low + rng.choice([-1.0, 0.0, 0.5, 3, 30, 41], (3000, 2))
    sizes = rng.choice([30, 40], (3000, 2))
    fitted, wrong, empty = fit_boxes(low, high, sizes)
    seen = set()
    for row in range(3000):
        try:
            one = fit_box((*low[row].tolist(), *high[row].tolist()), tuple(sizes[row].tolist()), "it")
        except ValueError:
            assert wrong[row]
            seen.add("wrong")
            continue
        assert not wrong[row]
        assert empty[row] == (one is None)
        assert one is None or np.array(one).tobytes() == fitted[row].tobytes()
        seen.add("empty" if one is None else "fitted")
    assert seen == {"wrong", "empty", "fitted"}


LAYOUTS = [
    '{"images": [{"id": 1}], "annotations": [{"id": 2}, {"id": 3}], "categories": []}',
    ' {"info":{"a":[1,{"images":[]}]}\n,"categories":[ ] ,\t"annotations":[{"id":2} ,{"id":3}]\r\n,"images":[{"id":1}],"x":1}',
    '{"images": [{"id": 9}], "images": [{"id": 1}], "annotations": [{"id": 2}, {"id": 3}], "categories": [], "n": "\\u00e9 é"}',
]


@pytest.mark.parametrize("chunk", [1, 3, 50, 1 << 22])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
@pytest.mark.parametrize("text", LAYOUTS)
def test_a_stream_is_what_it_is_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, chunk: int
) -> None:
    def never(path: Path) -> None:
        raise AssertionError("decoded at once")

    monkeypatch.setattr(instances_module, "CHUNK", chunk)
    monkeypatch.setattr(instances_module, "_whole", never)
    path = tmp_path / "a.json"
    path.write_bytes(text.encode(encoding))
    found: dict[str, list[Any]] = {}
    for name, entry in entries(path):
        found[name] = [] if entry is None else [*found[name], entry]
    assert found == {name: json.loads(text)[name] for name in found}
    assert len(found) == 3
    read = read_instances(path)
    assert [entry["id"] for entry in read.images] == [1]
    assert read.column("id").tolist() == [2, 3]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"line 1: this is not JSON \(Expecting value\)"),
        ('{"images": [{"id": 1},\n{"id" 2}]}', r"line 2: this is not JSON \(Expecting ':' delimiter\)"),
        ('{"images": [{"id": 1}\n{"id": 2}]}', r"line 2: this is not JSON \(Expecting ',' delimiter\)"),
        ('{"images": [],\n\n"annotations": [', r"line 3: this is not JSON \(Expecting value\)"),
        ('{"images": [], "annotations": [], "categories": []}\n{}', r"line 2: this is not JSON \(Extra data\)"),
        ('{"images": [], "annotations": [], "categories": [], "x": yes}', r"not JSON \(Expecting value\)"),
        ('{"images": [], "annotations": [3], "categories": []}', r"has no list 'annotations' of entries"),
        ('{"images": [], "annotations": {}, "categories": 3}', r"has no list 'annotations' of entries"),
        ('{"images": [], "annotations": []}', r"has no list 'categories' of entries"),
        ("[1, 2]", r"has no list 'images' of entries"),
        ('{"images": []' + ', "a": ' + "[" * 100_000, r"has too many lists in each other"),
        (
            '{"images": [], "a": "\udc80"}',
            r"is not JSON \('utf-8' codec can't decode byte 0xed|has no list 'annotations'",
        ),
    ],
)
def test_what_is_no_instances_file_is_refused_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, errors="surrogatepass")
    with pytest.raises(ValueError, match=rf"a\.json.* ?{sentence}"):
        read_instances(path)


def test_memory_does_not_grow_with_what_is_not_kept(tmp_path: Path) -> None:
    """Of the polygons of a large file nothing stays, nor of the text."""
    import tracemalloc

    entry = dict(image_id=1, category_id=1, bbox=[1, 2, 3, 4], segmentation=[[0.25] * 400])
    texts = [json.dumps({"id": number, **entry}) for number in range(8000)]
    path = tmp_path / "a.json"
    path.write_text('{"images": [], "categories": [], "annotations": [' + ",".join(texts) + "]}")
    size = path.stat().st_size
    del texts
    tracemalloc.start()
    read = read_instances(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read) == 8000
    assert size > 16e6
    assert peak < 0.5 * size
