"""Clean images and pairs in folders: where they are looked for, what they become, what is refused in one sentence."""

from __future__ import annotations

import hashlib
import struct
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core import build
from tasks.files import decode
from tasks.registry import DATA
from tasks.restoration import folders
from tasks.restoration.data import ScenesImages
from tasks.restoration.folders import FolderImages, FolderPairs, eight_bits


def picture(path: Path, shape: tuple[int, ...] = (12, 16, 3), seed: int = 0) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values


@pytest.mark.parametrize("place", ["train", "images/train", "BSDS500/data/images/train"])
def test_clean_images_are_found(tmp_path: Path, place: str) -> None:
    second = picture(tmp_path / place / "b.png", seed=2)
    first = picture(tmp_path / place / "a.PNG", seed=1)
    (tmp_path / place / "Thumbs.db").write_text("no image")
    data = FolderImages(str(tmp_path), gray=False)
    assert (data.size("train"), data.channels, data.paired) == (2, 3, False)
    for index, expected in enumerate((first, second)):
        degraded, clean = data.read("train", index)
        assert (clean == expected).all()
        assert degraded is clean
    assert data.read("train", 0)[1] is data.read("train", 0)[1]  # decoded once
    data.check(["train"])


def test_gray_and_colour(tmp_path: Path) -> None:
    colours = picture(tmp_path / "test/a.png")
    level = picture(tmp_path / "test/b.png", (5, 6))
    gray, colour = (FolderImages(str(tmp_path), gray=value) for value in (True, False))
    red, green, blue = np.moveaxis(colours.astype(np.float64), 2, 0)
    expected = np.floor(0.298936021293775 * red + 0.587043074451121 * green + 0.114020904255103 * blue + 0.5)
    assert (gray.channels, colour.channels) == (1, 3)
    assert gray.read("test", 0)[1].dtype == np.uint8
    assert (gray.read("test", 0)[1] == expected[..., None]).all()
    assert (gray.read("test", 1)[1] == level[..., None]).all()
    assert (colour.read("test", 1)[1] == level[..., None]).all()
    assert colour.read("test", 1)[1].shape == (5, 6, 3)
    assert gray.fingerprint() != colour.fingerprint()


def test_bsd68_is_bit_exact(shared) -> None:
    data = FolderImages(str(shared("bsds500")), splits={"train": ["train", "val"], "bsd68": "bsd68_ids.txt"})
    assert [data.size(split) for split in ("train", "val", "test", "bsd68")] == [300, 100, 200, 68]
    digest = hashlib.sha256(b"".join(data.read("bsd68", index)[1].tobytes() for index in range(68)))
    assert digest.hexdigest() == "2e37a02ad4b84de9ca0f7870c4601b0293e6a4aa02bb3dd2fa3f108949c9e9fe"
    assert data.name("bsd68", 0).endswith("val/101085.jpg")


def test_a_list_of_names(tmp_path: Path) -> None:
    for name in ("val/a", "val/b", "else/where/c"):
        picture(tmp_path / f"{name}.png")
    (tmp_path / "some.txt").write_text("c\n\na\n")
    data = FolderImages(str(tmp_path), splits={"test": "some.txt"})
    assert [Path(data.name("test", index)).stem for index in range(data.size("test"))] == ["c", "a"]
    picture(tmp_path / "train/a.png")
    (tmp_path / "some.txt").write_text("c\na\nz\n")
    wrong = list(FolderImages(str(tmp_path), splits={"test": "some.txt"}).problems("test"))
    assert len(wrong) == 2
    assert "some.txt, line 2: 'a' names 2 images" in wrong[0]
    assert "some.txt, line 3: 'z' names 0 images" in wrong[1]
    with pytest.raises(OSError, match=r"there is no list .*other\.txt"):
        FolderImages(str(tmp_path), splits={"test": "other.txt"}).size("test")


def test_a_slice_of_a_source(tmp_path: Path) -> None:
    images = [picture(tmp_path / f"train/{index}.png", seed=index) for index in range(7)]
    splits = {"some": "train[1::3]", "rest": ["train[:1]", "train[-2:]"], "odd": "train[a:b]"}
    data = FolderImages(str(tmp_path), splits, gray=False)
    for split, chosen in (("train", range(7)), ("some", (1, 4)), ("rest", (0, 5, 6))):
        assert [data.read(split, place)[1].tolist() for place in range(data.size(split))] == [
            images[index].tolist() for index in chosen
        ]
    with pytest.raises(FileNotFoundError, match=r"no folder 'train\[a:b\]'"):
        data.size("odd")


@pytest.mark.parametrize("template", ["test/{}", "{}/test"])
@pytest.mark.parametrize(
    ("degraded", "clean", "expected"),
    [
        (["b.png", "a.png"], ["a.jpg", "b.jpg"], [("a", "a"), ("b", "b")]),
        (["x1y5.png", "x1y6.png"], ["x1y5.png", "x1y6.png"], [("x1y5", "x1y5"), ("x1y6", "x1y6")]),
        (["rain-001.png", "rain-010.png"], ["norain-001.png", "norain-010.png"], [("rain-001", "norain-001")]),
        (["7_1.png", "7_2.png", "8_1.png"], ["7.png", "8.png"], [("7_1", "7"), ("7_2", "7"), ("8_1", "8")]),
    ],
)
def test_partners(tmp_path: Path, template: str, degraded: list, clean: list, expected: list) -> None:
    for kind, names in (("bad", degraded), ("good", clean)):
        for name in names:
            picture(tmp_path / template.format(kind) / name)
    data = FolderPairs(str(tmp_path), "bad", "good")
    data.check(["test"])
    pairs = [(one.stem, other.stem) for one, other in data.items("test")]
    assert pairs[: len(expected)] == expected
    assert len(pairs) == len(degraded)


def test_pairs_are_read_as_they_are(tmp_path: Path) -> None:
    bad, good = picture(tmp_path / "rain/a.png", seed=1), picture(tmp_path / "dry/a.png", seed=2)
    data = FolderPairs(str(tmp_path), "rain", "dry", splits={"val": "."})
    assert (data.paired, data.channels) == (True, 3)
    degraded, clean = data.read("val", 0)
    assert (degraded == bad).all()
    assert (clean == good).all()
    before = data.fingerprint()
    picture(tmp_path / "dry/a.png", seed=3)
    assert FolderPairs(str(tmp_path), "rain", "dry", splits={"val": "."}).fingerprint() != before


def test_what_is_wrong_with_pairs(tmp_path: Path) -> None:
    for name in ("in/a", "in/b", "in/lonely", "out/a", "out/b", "out/sole"):
        picture(tmp_path / f"test/{name}.png", (12, 20 if name == "in/b" else 16, 3))
    (tmp_path / "test/out/a.png").write_text("hello")
    data = FolderPairs(str(tmp_path), "in", "out")
    wrong = list(data.problems("test"))
    assert len(wrong) == 4
    for sentence, expected in zip(
        wrong,
        (
            "in/lonely.png has 0 clean images in ",
            "out/sole.png is the clean image of nothing",
            "out/a.png cannot be decoded",
            "in/b.png is 20x12, its clean image 16x12: make both of one size",
        ),
        strict=True,
    ):
        assert expected in sentence
    with pytest.raises(ValueError, match=r"lonely\.png has 0 clean images"):
        data.size("test")


def test_a_number_that_fits_twice_is_refused(tmp_path: Path) -> None:
    for name in ("in/x5", "out/y5_a", "out/y5_b"):
        picture(tmp_path / f"test/{name}.png")
    with pytest.raises(ValueError, match=r"x5\.png has 2 clean images"):
        FolderPairs(str(tmp_path), "in", "out").check(["test"])


def sixteen_bits(path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(path)


def sixteen_bit_colours(path: Path) -> None:
    assert cv2.imwrite(str(path), np.zeros((4, 4, 3), dtype=np.uint16))


def floats(path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), dtype=np.float32)).save(path, format="TIFF")


def alpha(path: Path) -> None:
    Image.new("RGBA", (4, 4)).save(path)


def gray_alpha(path: Path) -> None:
    Image.new("LA", (4, 4)).save(path)


def transparent_palette(path: Path) -> None:
    Image.new("P", (4, 4)).save(path, transparency=0)


def text(path: Path) -> None:
    path.write_text("hello")


def truncated(path: Path) -> None:
    picture(path, (64, 64, 3))
    path.write_bytes(path.read_bytes()[:500])


def gigantic(path: Path) -> None:
    """A header that speaks of 3600 megapixels."""
    Image.new("RGB", (4, 4)).save(path, format="BMP")
    data = bytearray(path.read_bytes())
    struct.pack_into("<ii", data, 18, 60_000, 60_000)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (sixteen_bits, "has more than 8 bits a channel"),
        (sixteen_bit_colours, "has more than 8 bits a channel"),
        (floats, "has more than 8 bits a channel"),
        (alpha, "has an alpha channel"),
        (gray_alpha, "has an alpha channel"),
        (transparent_palette, "has an alpha channel"),
        (text, "cannot be decoded"),
        (truncated, "cannot be decoded"),
        (gigantic, "cannot be decoded"),
        (lambda path: None, "is missing"),
    ],
)
@pytest.mark.parametrize("gray", [True, False])
def test_files_that_are_refused(tmp_path: Path, make, sentence: str, gray: bool) -> None:
    make(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png {sentence}"):
        decode(tmp_path / "a.png", partial(eight_bits, gray=gray))


def test_sixteen_bit_tiff_is_refused(tmp_path: Path) -> None:
    sixteen_bit_colours(tmp_path / "a.tiff")
    with pytest.raises(ValueError, match="has more than 8 bits"):
        decode(tmp_path / "a.tiff", partial(eight_bits, gray=True))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
def test_8_bit_files_of_other_modes_are_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGB", (16, 8), (255, 255, 255)).convert(mode).save(path)
    for gray in (True, False):
        found = decode(path, partial(eight_bits, gray=gray))
        assert found.shape == (8, 16, 1 if gray else 3)
        assert found.dtype == np.uint8
        assert (found == 255).all()


def test_splits_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"there is no folder .*nowhere"):
        FolderImages(str(tmp_path / "nowhere"))
    (tmp_path / "val").mkdir()
    for data in (FolderImages(str(tmp_path)), FolderPairs(str(tmp_path), "a", "b")):
        with pytest.raises(OSError, match=r"there (is no folder 'train'|are no folders train/a and train/b) in"):
            data.check(["train"])
    with pytest.raises(ValueError, match=r"split 'val' of .* holds no images"):
        FolderImages(str(tmp_path)).check(["val"])
    with pytest.raises(ValueError, match="no split 'dev'"):
        ScenesImages().check(["dev"])


def test_only_so_much_is_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (picture(tmp_path / f"val/{name}.png", seed=seed) for seed, name in enumerate("ab"))
    monkeypatch.setattr(folders, "MEMORY", first.nbytes)
    data = FolderImages(str(tmp_path), gray=False)
    data.check(["val"])
    assert data.read("val", 0)[0] is data.read("val", 0)[0]
    assert data.read("val", 1)[0] is not data.read("val", 1)[0]
    assert (data.read("val", 1)[0] == second).all()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are decoded from now on, where memory keeps none."""
    names: list[str] = []
    monkeypatch.setattr(folders, "MEMORY", 0)
    monkeypatch.setattr(folders, "decode", lambda path, read: (names.append(path.name), decode(path, read))[1])
    return names


def test_a_clean_image_is_decoded_once_and_both_of_a_pair(tmp_path: Path, pairs: Path, decoded: list[str]) -> None:
    picture(tmp_path / "val/a.png")
    FolderImages(str(tmp_path)).read("val", 0)
    FolderPairs(str(pairs), "bad", "good").read("train", 1)
    assert decoded == ["a.png", "1.png", "1.png"]


def test_stages_are_checked_with_one_look_at_each_image(denoising, stage, decoded: list[str]) -> None:
    task = denoising(ssim_weight=0.1)
    for _ in range(2):
        task.check([stage(), stage(copies=2), stage(train=["val"])])
    assert sorted(decoded) == sorted([*(f"{index}.png" for index in range(8)), "0.png", "1.png", "2.png"])


def test_the_embedded_scenes() -> None:
    data = build(DATA, dict(type="ScenesImages", gray=False))
    data.check(["val", "test"])
    degraded, clean = data.read("val", 3)
    assert (degraded == clean).all()
    assert clean.shape == (128, 128, 3)
    assert ScenesImages().read("val", 3)[1].shape == (128, 128, 1)
    assert data.size("val") == 64
