"""Readers of data sets: annotations, lists, label maps, pictures, folders of classes, CIFAR's files, settings of all these."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import mutators as m
import numpy as np
from hypothesis import strategies as st
from PIL import Image
from verdict import Reader

from core import build
from tasks.classification.cifar import CifarClassification
from tasks.classification.folders import FolderClassification
from tasks.detection.coco import CocoDetection
from tasks.detection.voc import VocDetection
from tasks.files import decode, in_colour, listed
from tasks.registry import DATA
from tasks.restoration.folders import FolderImages, eight_bits
from tasks.segmentation.folders import FolderSegmentation, recognise

SIZE = (12, 10)
ENCODINGS = ("utf-8", "gbk", "utf-16", "latin-1", "x", "punycode", "hex", "utf-7", "shift_jis", "")


def picture(path: Path, label: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.fromarray(np.eye(10, 12, dtype=np.uint8)) if label else Image.new("RGB", SIZE, (200, 10, 10))
    made.save(path, "PNG")


def coco(folder: Path) -> Reader:
    path = folder / "annotations/train.json"
    names = [{"id": 1, "name": "red", "supercategory": "all"}, {"id": 2, "name": "blue", "supercategory": "all"}]
    sound: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 0, "name": "all"}, *names]}
    for index in range(2):
        picture(folder / f"images/train/{index}.png")
        sound["images"].append({"id": index, "file_name": f"{index}.png", "width": 12, "height": 10})
        for label in (1, 2):
            entry = {"id": 2 * index + label, "image_id": index, "category_id": label, "bbox": [1, 2, 3.5, 4]}
            sound["annotations"].append({**entry, "area": 5, "iscrowd": 0, "difficult": 0})
    path.parent.mkdir()

    def read(given: bytes) -> None:
        CocoDetection(str(folder)).check(["train"], ["train"])

    return Reader(m.written(sound), m.documents(sound), read, path.write_bytes, (str(folder), "classes"))


def voc(folder: Path) -> Reader:
    """An XML file as a tree of [name, text or list of trees], or its bytes; in any encoding, with any declaration."""
    box = ["bndbox", [["xmin", "1"], ["ymin", "2"], ["xmax", "9"], ["ymax", "8"]]]
    things = [["object", [["name", name], ["difficult", "0"], box]] for name in ("red", "blue")]
    sound = ["annotation", [["filename", "a.png"], ["size", [["width", "12"], ["height", "10"]]], *things]]
    path = folder / "train/a.xml"
    picture(folder / "train/a.png")
    heads = ['<?xml version="1.0" encoding="{}"?>', "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>", ""]
    parts = st.tuples(m.changed(sound), st.sampled_from(heads), st.sampled_from(ENCODINGS))

    def text(tree: Any) -> str:
        if not isinstance(tree, list) or len(tree) != 2 or not isinstance(tree[0], str):
            return escape(str(tree)[:9999])
        inner = "".join(map(text, tree[1])) if isinstance(tree[1], list) else escape(str(tree[1])[:9999])
        return f"<{tree[0]}>{inner}</{tree[0]}>"

    def data(tree: Any, head: str, encoding: str) -> bytes:
        used = encoding if encoding in ("utf-16", "gbk", "latin-1", "shift_jis") else "utf-8"
        return (head.format(encoding) + text(tree)).encode(used, "replace")

    whole = data(sound, heads[0], "utf-8")
    inputs = st.one_of(
        parts.map(lambda three: data(*three)), m.damaged(whole), m.damaged(data(sound, heads[0], "utf-16"))
    )

    def read(given: bytes) -> None:
        VocDetection(str(folder)).check(["train"], ["train"])

    return Reader(whole, inputs, read, path.write_bytes, (str(folder), "class"))


def lists(folder: Path) -> Reader:
    """Lists of images and names of classes, read by all that have one."""
    for name in ("a", "b c"):
        for kind in ("JPEGImages", "train"):
            picture(folder / f"{kind}/{name}.png")
        picture(folder / f"SegmentationClass/{name}.png", True)
    paths = [
        folder / name
        for name in ("ImageSets/Main/train.txt", "ImageSets/Segmentation/train.txt", "x.txt", "classes.txt")
    ]
    paths[0].parent.mkdir(parents=True)
    paths[1].parent.mkdir()
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
    tree = f"<annotation><size><width>12</width><height>10</height></size><object><name>red</name>{box}</object></annotation>"
    for name in ("a", "b c"):
        (folder / "Annotations").mkdir(exist_ok=True)
        (folder / f"Annotations/{name}.xml").write_text(tree)
    whole = [b"a\nb c\n", "a\r\nrot\r\n".encode("utf-16"), b"../a\n/etc/hostname\n"]
    readers: list[Callable[[], object]] = [
        lambda: listed(paths[3]),
        lambda: VocDetection(str(folder), classes=["red"]).check(["train"]),
        lambda: FolderSegmentation(str(folder), "voc", ["x", "y"]).check(["train"]),
        lambda: FolderImages(str(folder), {"train": "x.txt"}).check(["train"]),
        lambda: FolderSegmentation(str(folder), "voc", list(listed(paths[3]))),
    ]
    inputs = st.tuples(st.integers(0, len(readers) - 1), st.sampled_from(whole).flatmap(m.damaged))

    def lay(given: tuple[int, bytes]) -> None:
        for path in paths:
            path.write_bytes(given[1])

    return Reader((1, whole[0]), inputs, lambda given: readers[given[0]](), lay, (str(folder), "class"))


def masks(folder: Path) -> Reader:
    """Label maps of a folder whose pictures are sound."""
    (folder / "classes.txt").write_text("x\ny\nz\n")
    picture(folder / "images/train/a.png")
    path = folder / "masks/train/a.png"
    picture(path, True)
    sound = path.read_bytes()
    inputs = m.pictures(SIZE, 2)

    def read(given: bytes) -> None:
        FolderSegmentation(str(folder), "folders", ["x", "y"]).check(["train"])

    return Reader(sound, inputs, read, path.write_bytes, (str(folder), "class"))


def images(folder: Path) -> Reader:
    """Pictures as every task reads them."""
    (folder / "classes.txt").write_text("x\ny\n")
    path = folder / "images/train/a.png"
    picture(path)
    picture(folder / "masks/train/a.png", True)
    sound = path.read_bytes()

    def read(given: bytes) -> None:
        faults = []
        for convert in (in_colour, partial(eight_bits, gray=True)):
            try:
                decode(path, convert)
            except ValueError as error:
                faults.append(error)
        recognise(folder).check(["train"])
        if faults:
            raise faults[0]

    return Reader(sound, m.pictures(SIZE), read, path.write_bytes, (str(folder), "class"))


def class_folders(folder: Path) -> Reader:
    """Folders of classes under all kinds of names, with all kinds of things in them."""
    letters = st.sampled_from(
        ["a", "B", "1", " ", "é", "e\u0301", ".", "_", "\n", "\u2028", "\udcff", "train", "val", "=cmd"]
    )
    word = st.lists(letters, min_size=1, max_size=3).map("".join).filter(lambda name: name not in (".", ".."))
    suffixes, kinds = [".png", ".png", ".JPG", ".txt", ""], ["file", "file", "folder", "loop", "pipe"]
    files = st.lists(st.tuples(word, st.sampled_from(suffixes), st.sampled_from(kinds)), max_size=3)
    root = folder / "data"

    def lay(given: dict[str, list[tuple[str, str, str]]]) -> None:
        shutil.rmtree(root, ignore_errors=True)
        for split in ("train", "val"):
            (root / split).mkdir(parents=True)
            for name, files in given.items():
                (root / split / name).mkdir(exist_ok=True)
                for stem, suffix, kind in files:
                    _make(root / split / name / f"{stem}{suffix}", kind)

    def read(given: Any) -> None:
        FolderClassification(str(root)).check(["train", "val"], ["val"])

    sound = {name: [("1", ".png", "file")] for name in ("cat", "dog")}
    beside = st.dictionaries(st.sampled_from(["cat", "dog"]), files).map(lambda more: {**sound, **more})
    wild = st.dictionaries(word, files, max_size=3)
    inputs = st.one_of(wild, wild.map(lambda more: {**more, **sound}), beside)
    return Reader(sound, inputs, read, lay, (str(root), "class"))


def _make(path: Path, kind: str) -> None:
    if path.exists() or path.is_symlink():
        return
    if kind == "file":
        picture(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    else:
        os.mkfifo(path)


def cifar(folder: Path) -> Reader:
    record = bytes([3]) + bytes(range(256)) * 12
    every = b"".join(bytes([label]) + record[1:-1] + bytes([label]) for label in range(10))
    names = [f"class{label}" for label in range(10)]
    data, meta = folder / "data_batch_1.bin", folder / "batches.meta.txt"
    (folder / "test_batch.bin").write_bytes(every)

    def lay(given: tuple[bytes, bytes]) -> None:
        data.write_bytes(given[0])
        meta.write_bytes(given[1])

    def read(given: Any) -> None:
        CifarClassification(str(folder)).check(["train", "test"], ["test"])

    listing = "\n".join(names).encode()
    labels = st.binary(min_size=1, max_size=30).map(lambda some: b"".join(bytes([one]) + record[1:] for one in some))
    first = st.one_of(m.damaged(every), labels, st.just(every))
    return Reader(
        (every, listing),
        st.tuples(first, st.one_of(st.just(listing), m.damaged(listing))),
        read,
        lay,
        (str(folder), "class"),
    )


def settings(folder: Path) -> Reader:
    """What a protocol says of its data."""
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            picture(folder / f"images/{split}/{name}.png")
            picture(folder / f"masks/{split}/{name}.png", True)
            picture(folder / f"{split}/{name}/1.png")
    (folder / "classes.txt").write_text("x\ny\n")
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    entries = {"images": [{"id": 1, "file_name": "a.png", "width": 12, "height": 10}], "annotations": [box]}
    (folder / "a.json").write_text(json.dumps({**entries, "categories": [{"id": 1, "name": "red"}]}))
    root, place = str(folder), {"annotations": "a.json", "images": "images/train"}
    map_of = {"layout": "folders", "classes": ["x", "y"], "label_map": {"0": 0, "1": 1}, "ignore": [7]}
    classes = {"type": "FolderClassification", "root": root}
    sound = [
        {"type": "FolderSegmentation", "root": root, **map_of},
        {"type": "CocoDetection", "root": root, "splits": {"train": place}, "classes": ["red"]},
        {"type": "FolderImages", "root": root, "splits": {"train": ["train", "val[::2]"]}, "gray": True},
        {"type": "FolderPairs", "root": root, "degraded": "images", "clean": "images"},
        {"type": "ResplitClassification", "data": classes, "sources": {"train": "train"}, "fractions": {"val": 0.5}},
        {"type": "VocDetection", "root": root, "splits": {"train": "trainval"}, "one_based": True},
    ]

    def read(given: Any) -> None:
        data = build(DATA, given)
        data.check(["train"])
        data.fingerprint()

    return Reader(sound[0], st.one_of(*map(m.changed, sound)), read)


READERS: list[Callable[[Path], Reader]] = [
    coco, voc, lists, masks, images, class_folders, cifar, settings,
]  # fmt: skip
