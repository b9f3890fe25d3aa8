"""Files as they come: pictures are read as everybody sees them, texts in their encodings, names inside the data."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from PIL import Image

from tasks.depth.folders import whole_numbers
from tasks.detection.coco import CocoDetection
from tasks.files import PIXELS, by_stem, check_spelling, class_names, decode, files_in, in_colour, inside, listed
from tasks.restoration.folders import FolderImages, eight_bits
from tasks.segmentation.folders import FolderSegmentation, _label_map, recognise

QUARTERS = np.zeros((16, 24, 3), dtype=np.uint8)
QUARTERS[:8, :12], QUARTERS[:8, 12:], QUARTERS[8:, :12] = (250, 0, 0), (0, 250, 0), (0, 0, 250)


def turned(path: Path, orientation: int, mode: str = "RGB") -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUARTERS).convert(mode).save(path, exif=exif)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_turned_as_mmcv_turns_them(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"x.{suffix}"
    turned(path, orientation)
    seen, expected = decode(path, in_colour), mmcv.imread(str(path), channel_order="rgb")
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < 3
    assert (seen.shape[:2] == (24, 16)) == (5 <= orientation <= 8)


def test_label_maps_and_clean_images_are_turned_as_well(tmp_path: Path) -> None:
    for kind in ("images/train", "masks/train"):
        (tmp_path / kind).mkdir(parents=True)
    turned(tmp_path / "images/train/x.png", 6)
    turned(tmp_path / "masks/train/x.png", 6, "L")
    labels = {int(value): int(value) for value in np.unique(np.array(Image.fromarray(QUARTERS).convert("L")))}
    names = {value: place for place, value in enumerate(labels)}
    data = FolderSegmentation(str(tmp_path), "folders", [str(value) for value in labels], label_map=names)
    image, mask = data.read("train", 0)
    assert image.shape[:2] == mask.shape == (24, 16)
    pairs = np.concatenate([image.reshape(-1, 3), mask.reshape(-1, 1)], 1)
    assert len(np.unique(pairs, axis=0)) == 4, "each colour has one label"
    clean = FolderImages(str(tmp_path), gray=False).read("train", 0)[1]
    assert (clean == np.rot90(QUARTERS, -1)).all()


def test_a_damaged_orientation_is_none(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "x.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert (decode(tmp_path / "x.png", in_colour) == QUARTERS).all()


def deep(kind: str, path: Path) -> None:
    if kind == "colours":
        assert cv2.imwrite(str(path), np.full((4, 4, 3), 900, dtype=np.uint16))
    else:
        Image.fromarray(np.full((4, 4), 900, dtype=kind)).save(path, None if kind == "uint16" else "TIFF")


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32", "colours"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_deep_pixels_are_refused_by_all_tasks(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    deep(kind, path)
    for convert in (in_colour, partial(eight_bits, gray=True)):
        with pytest.raises(ValueError, match=rf"x\.{suffix} has more than 8 bits a channel: save it as an 8-bit"):
            decode(path, convert)


def test_five_and_six_bits_are_not_deep(tmp_path: Path) -> None:
    """A BMP of 16 bits a pixel."""
    header = b"BM" + (66 + 4).to_bytes(4, "little") + bytes(4) + (66).to_bytes(4, "little") + (40).to_bytes(4, "little")
    header += b"".join(value.to_bytes(size, "little") for value, size in ((2, 4), (1, 4), (1, 2), (16, 2), (3, 4)))
    header += bytes(20) + b"".join(mask.to_bytes(4, "little") for mask in (0xF800, 0x7E0, 0x1F))
    (tmp_path / "x.bmp").write_bytes(header + b"\0\xf8\x1f\0")
    assert decode(tmp_path / "x.bmp", in_colour).tolist() == [[[255, 0, 0], [0, 0, 255]]]


@pytest.mark.parametrize("side", [9_460, 13_000, 20_000, 60_000])
def test_picture_bombs_are_refused_before_they_take_memory(tmp_path: Path, side: int) -> None:
    assert side**2 > PIXELS
    path = tmp_path / "x.png"
    Image.new("1", (2, 2)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    path.write_bytes(data[:29] + zlib.crc32(data[12:29]).to_bytes(4, "big") + data[33:])
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"x\.png cannot be decoded \(it has more than 89 megapixels\)"):
        decode(path, in_colour)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [pipe, folder, device])
def test_only_regular_files_are_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.png")
    for read in (lambda path: decode(path, in_colour), listed):
        with pytest.raises(ValueError, match=r"x\.png is no regular file"):
            read(tmp_path / "x.png")


def test_links_are_followed(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "x.png")
    (tmp_path / "y.png").symlink_to("x.png")
    assert (decode(tmp_path / "y.png", in_colour) == QUARTERS).all()


def test_a_file_of_another_kind_is_named_beside_the_missing_one(tmp_path: Path) -> None:
    Image.fromarray(QUARTERS).save(tmp_path / "x.gif")
    with pytest.raises(ValueError, match=r"x\.png is missing \(there is x\.gif: save it as PNG\)"):
        decode(tmp_path / "x.png", in_colour)
    (tmp_path / "y.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(ValueError, match=r"y\.png cannot be decoded"):  # no program is started for it
        decode(tmp_path / "y.png", in_colour)


@pytest.mark.parametrize("data", [
    b"red\nblue\n", b"\xef\xbb\xbfred\r\nblue\r\n", b"\n red \n\n\tblue\n\n", "red\nblue".encode("utf-16"), b"red\rblue",
])  # fmt: skip
def test_lists(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.txt").write_bytes(data)
    assert list(listed(tmp_path / "x.txt")) == ["red", "blue"]


@pytest.mark.parametrize(("data", "sentence"), [
    ("rot\n红色\n".encode("gbk"), r"x\.txt, line 2: this is not UTF-8: save the file as UTF-8"),
    (b"red\nblue\nred \n", r"x\.txt names 'red' 2 times"),
    (b"red\nbl\0ue\n", r"x\.txt, line 2: the name 'bl\\x00ue' has characters that cannot be shown"),
])  # fmt: skip
def test_lists_that_are_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(ValueError, match=sentence):
        listed(tmp_path / "x.txt")


@pytest.mark.parametrize(("names", "sentence"), [
    ("road", "classes of here must be a list of names, not 'road'"), ([], "here has no classes"),
    (["a", " "], "has a class of the name ' '"), (["a", 3], "has a class of the name 3"),
    (["a", "b", "a"], "named twice: a, b, a"), (["a", "b\nc"], "cannot be shown"), (list("abcd"), "3 are the most"),
])  # fmt: skip
def test_names_of_classes_that_are_refused(names: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        class_names(names, "here", 3)


def test_names_that_differ_in_capitals_alone(tmp_path: Path) -> None:
    check_spelling(["red", "blue"], "here")
    with pytest.raises(ValueError, match="here has 'Red' beside 'red': name them alike, or give `classes`"):
        check_spelling(["red", "blue", "Red"], "here")


@pytest.mark.parametrize("twin", ["café ", "cafe\u0301", "caf\u200bé", "\ufeffcafé", "CAFÉ", "\u00a0café"])
def test_names_that_look_alike(twin: str) -> None:
    with pytest.raises(ValueError, match=r"here has .* beside .*: name them alike"):
        check_spelling([twin, "tea", "café"], "here")


def test_label_maps_and_depths_are_no_jpegs(tmp_path: Path) -> None:
    Image.new("L", (9, 8), 2).save(tmp_path / "x.png", "JPEG")
    for convert in (_label_map, whole_numbers):
        with pytest.raises(ValueError, match=r"x\.png is a JPEG, which changes the values"):
            decode(tmp_path / "x.png", convert)


@pytest.mark.parametrize("name", ["../../y.png", "/etc/hostname", "a/../../../y.png", "../../data2/y.png"])
def test_names_that_lead_out_of_the_data(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data"
    with pytest.raises(ValueError, match=r"it says '.*', which leads out of .*data: name files inside of it"):
        inside(root, root / "images", name, "it says")


@pytest.mark.parametrize("name", ["y.png", "../masks/y.png", "a/../y.png"])
def test_names_that_stay_in_the_data(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for root in (tmp_path / "data", Path("data"), Path()):
        assert inside(root, root / "images", name, "it says") == root / "images" / name
    assert inside(tmp_path / "data", Path("/elsewhere"), "y.png", "it says") == Path("/elsewhere/y.png")


def test_files_of_a_folder(tmp_path: Path) -> None:
    """Hidden ones are none, accents are compared however they are written, and twins are refused."""
    for name in ("b.PNG", "._b.png", "e\u0301.png", "a.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in files_in(tmp_path)] == ["b.PNG", "e\u0301.png"]
    assert set(by_stem(files_in(tmp_path))) == {"b", "é"}
    (tmp_path / "é.jpg").write_text("")
    with pytest.raises(ValueError, match=r"é\.jpg has the name of e\u0301\.png: keep one, or rename it"):
        by_stem(files_in(tmp_path))
    (tmp_path / os.fsdecode(b"\xff.png")).write_text("")
    with pytest.raises(ValueError, match=r"the file '\\udcff\.png' has characters that cannot be shown: rename it"):
        files_in(tmp_path)


def test_an_annotation_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(ValueError, match=r"a\.json has more than 2048 MiB"):
        CocoDetection(str(tmp_path), {"train": {"annotations": "a.json", "images": "images"}})


@pytest.mark.parametrize("bits", [2, 4])
def test_label_maps_of_few_bits_are_refused(folder_data: Path, bits: int) -> None:
    """A reader stretches their values, to 255 as well."""
    rows = bytes(1 + 48 * bits // 8) * 40  # a filter's number, then the pixels
    parts = (b"IHDR", struct.pack(">IIBBBBB", 48, 40, bits, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    (folder_data / "masks/train/p1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(ValueError, match=r"p1\.png has fewer than 8 bits a pixel"):
        recognise(folder_data).check(["train"])
