"""Dataset folders: the layouts, the meaning of labels, and one sentence for everything that can be wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import build
from tasks.registry import DATA
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.folders import FolderSegmentation, recognise


def gray(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def test_folders_read_images_labels_and_the_ignored_border(folder_data: Path) -> None:
    data = FolderSegmentation(str(folder_data), "folders")
    assert data.classes == ("field", "road", "water")
    assert [data.size(split) for split in ("train", "val", "test")] == [6, 3, 3]
    image, labels = data.read("train", 0)
    assert image.shape == (40, 48, 3)
    assert set(np.unique(labels)) <= {0, 1, 2, 255}
    assert (labels[:2] == 255).all()
    data.check(["train", "val", "test"])


def test_cityscapes(tmp_path: Path) -> None:
    name = "bern/bern_000001_000019"
    image, labels = np.zeros((4, 4, 3)), np.array([[7, 8, 33, 0]] * 4)
    gray(tmp_path / f"leftImg8bit/train/{name}_leftImg8bit.png", image)
    gray(tmp_path / f"gtFine/train/{name}_gtFine_labelIds.png", labels)
    data = recognise(tmp_path)
    assert len(data.classes) == 19
    assert data.read("train", 0)[1][0].tolist() == [0, 1, 18, 255]


def test_voc_palette_pngs(tmp_path: Path) -> None:
    gray(tmp_path / "JPEGImages/a.jpg", np.zeros((2, 3, 3)))
    mask = Image.fromarray(np.array([[0, 15, 255]] * 2, dtype=np.uint8), "P")
    mask.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    (tmp_path / "SegmentationClass").mkdir()
    mask.save(tmp_path / "SegmentationClass/a.png")
    (tmp_path / "ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("a\n")
    data = recognise(tmp_path)
    assert data.classes[15] == "person"
    assert data.read("train", 0)[1][0].tolist() == [0, 15, 255]


def test_camvid(shared) -> None:
    data = recognise(shared("camvid"))
    assert [data.size(split) for split in ("train", "val", "test")] == [92, 26, 58]
    image, labels = data.read("test", 0)
    assert image.shape == (360, 480, 3)
    assert set(np.unique(labels)) <= {*range(11), 255}


def test_a_summary_counts_what_could_be_read(folder_data: Path) -> None:
    (folder_data / "masks/train/p3.png").unlink()
    data = recognise(folder_data)
    assert len(list(data.problems("train"))) == 1
    values = np.concatenate([data.read("train", index)[1].ravel() for index in (0, 1, 2, 4, 5)])
    shares = {name: f"{(values == label).mean():.1%}" for label, name in enumerate(data.classes)}
    shown = ", ".join(f"{name} {share}" for name, share in shares.items())
    assert data.summary("train") == f"6 images; classes {shown}; ignored {(values == 255).mean():.1%}"
    assert ScenesSegmentation().summary("val").endswith(" images")


def test_without_names_the_classes_are_all_label_values(folder_data: Path) -> None:
    (folder_data / "classes.txt").unlink()
    assert recognise(folder_data).classes[:3] == ("0", "1", "2")


def test_without_names_all_values_are_good(folder_data: Path, tool) -> None:
    """255 is ignored, be the rest what it may; a single value, too."""
    (folder_data / "classes.txt").unlink()
    for path in (folder_data / "masks").glob("*/*.png"):
        gray(path, np.where(np.array(Image.open(path)) > 0, 255, 0))
    done = tool("check_data", "segmentation", folder_data)
    assert done.returncode == 0, done.stderr
    assert "classes 0 " in done.stdout


@pytest.mark.parametrize(("names", "sentence"), [
    ("field\nroad\n", r"class 'road' has no pixel in split 'train' \(\d+\.\d% of the pixels are ignored; 255 always is"),
    ("field\n", r"split 'train' has labels of fewer than two classes \(.*give label_map=\{255: \.\.\.\}\)"),
])  # fmt: skip
def test_masks_of_0_and_255(folder_data: Path, names: str, sentence: str) -> None:
    """255 never counts, unless a label map gives it a meaning."""
    (folder_data / "classes.txt").write_text(names)
    for path in (folder_data / "masks").glob("*/*.png"):
        gray(path, np.where(np.array(Image.open(path)) > 0, 255, 0))
    with pytest.raises(ValueError, match=sentence):
        FolderSegmentation(str(folder_data), "folders").check(["train"])
    data = FolderSegmentation(str(folder_data), "folders", ["field", "road"], label_map={0: 0, 255: 1})
    data.check(["train", "val"], ["val"])
    labels = data.read("train", 0)[1]
    assert ((labels == 1) == (np.array(Image.open(folder_data / "masks/train/p0.png")) == 255)).all()


def test_without_splits_every_class_must_have_pixels(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("field\nroad\n")
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "images/a.png")
    gray(tmp_path / "masks/a.png", np.eye(4) * 255)
    folder = dict(type="FolderSegmentation", root=str(tmp_path), layout="folders")
    with pytest.raises(ValueError, match=r"class 'road' has no pixel in split '\.' \(25\.0% of the pixels are ignored"):
        build(DATA, dict(type="ResplitSegmentation", data=folder, pool="."))


def test_a_class_without_training_pixels_is_refused(folder_data: Path) -> None:
    (folder_data / "classes.txt").write_text("field\nroad\nwater\nsnow\n")
    data = FolderSegmentation(str(folder_data), "folders")
    with pytest.raises(ValueError, match="class 'snow' has no pixel in split 'train'"):
        data.check(["train"])
    data.check(["val"])


def test_classes_txt_as_people_write_it(folder_data: Path) -> None:
    (folder_data / "classes.txt").write_bytes(b"\xef\xbb\xbffield \r\n\r\n road\r\n\r\nwater\t\r\n\r\n")
    data = recognise(folder_data)
    assert data.classes == ("field", "road", "water")
    data.check(["train", "val", "test"])
    (folder_data / "classes.txt").write_text("field\nroad\nroad\n")
    with pytest.raises(ValueError, match=r"classes\.txt names 'road' 2 times"):
        recognise(folder_data)
    (folder_data / "classes.txt").write_text("\n\n")
    with pytest.raises(ValueError, match="has no classes"):
        recognise(folder_data)


@pytest.mark.parametrize(("settings", "sentence"), [
    (dict(label_map={2: -1}), "label_map gives 2 the class -1: give 0 to 2, or 255"),
    (dict(label_map={2: 3}), "label_map gives 2 the class 3: give 0 to 2"),
    (dict(label_map={256: 0}), "have the label 256: labels are whole numbers from 0 to 255"),
    (dict(label_map={"x": 0}), "have the label 'x'"),
    (dict(label_map={0: "1"}), "label_map of data set 'FolderSegmentation' must be a whole number, not '1'"),
    (dict(label_map=[0, 1]), "label_map of data set 'FolderSegmentation' must be a dict"),
    (dict(ignore=[-1]), "have the label -1"), (dict(ignore=[300]), "have the label 300"),
    (dict(ignore=2), "ignore of data set 'FolderSegmentation' must be a list, not 2"),
    (dict(ignore=[1], label_map={0: 0, 1: 1}), "the label 1 is in both label_map and ignore"),
    (dict(classes="road"), "classes of data set 'FolderSegmentation' must be a list, not 'road'"),
    (dict(classes=[]), "has no classes"),
    (dict(classes=[str(k) for k in range(256)]), "has 256 classes: 255 are the most that a label map can hold"),
    (dict(layout=3), "layout of data set 'FolderSegmentation' must be a text"),
])  # fmt: skip
def test_settings_that_make_no_sense(folder_data: Path, settings: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build(DATA, {"type": "FolderSegmentation", "root": str(folder_data), "layout": "folders", **settings})


def test_255_classes_and_keys_of_a_command_line(folder_data: Path) -> None:
    names = [str(k) for k in range(255)]
    data = FolderSegmentation(str(folder_data), "folders", names, label_map={"0": 254, "1": 7, "2": 255})  # type: ignore
    assert set(np.unique(data.read("train", 0)[1])) <= {254, 7, 255}


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_two_files_of_one_stem_are_refused(folder_data: Path, kind: str) -> None:
    gray(folder_data / kind / "train/p1.tif", np.zeros((40, 48)))
    data = recognise(folder_data)
    with pytest.raises(ValueError, match=r"p1\.tif has the name of p1\.(jpg|png): keep one, or rename it"):
        data.check(["train"])
    data.check(["val"])


def test_a_voc_list_names_images_of_any_kind(tmp_path: Path) -> None:
    names = {"train": ["a b", "e\u0301"], "val": ["c"]}
    for split, group in names.items():
        for name, suffix in zip(group, (".png", ".JPG"), strict=False):
            gray(tmp_path / f"JPEGImages/{name}{suffix}", np.zeros((2, 3, 3)))
            gray(tmp_path / f"SegmentationClass/{name}.png", np.array([[0, 15, 255]] * 2))
        path = tmp_path / f"ImageSets/Segmentation/{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("\r\n".join(name.replace("e\u0301", "\xe9") for name in group).encode())
    data = recognise(tmp_path)
    data.check(["train", "val"])
    assert data.size("train") == 2
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("../../c\n")
    with pytest.raises(ValueError, match=r"val\.txt has the name '\.\./\.\./c', which leads out of"):
        recognise(tmp_path).check(["val"])


def test_the_validation_split_may_be_called_valid(folder_data: Path) -> None:
    for kind in ("images", "masks"):
        (folder_data / kind / "val").rename(folder_data / kind / "valid")
    assert recognise(folder_data).size("val") == 3


def test_label_map_and_ignore(folder_data: Path) -> None:
    data = FolderSegmentation(str(folder_data), "folders", ["land", "water"], ignore=[1], label_map={0: 0, 2: 1})
    raw = np.array(Image.open(folder_data / "masks/train/p0.png"))
    labels = data.read("train", 0)[1]
    assert ((labels == 1) == (raw == 2)).all()
    assert ((labels == 255) == ((raw == 1) | (raw == 255))).all()


def other_size(root: Path) -> None:
    gray(root / "masks/train/p1.png", np.zeros((39, 48)))


def label_outside(root: Path) -> None:
    gray(root / "masks/val/p1.png", np.full((40, 48), 7))


def truncated(root: Path) -> None:
    path = root / "images/train/p2.jpg"
    path.write_bytes(path.read_bytes()[:400])


def not_an_image(root: Path) -> None:
    (root / "images/train/p2.jpg").write_text("hello")


def no_mask(root: Path) -> None:
    (root / "masks/train/p3.png").unlink()


def no_image(root: Path) -> None:
    (root / "images/train/p3.jpg").unlink()


def coloured_mask(root: Path) -> None:
    gray(root / "masks/train/p4.png", np.zeros((40, 48, 3)))


def empty_split(root: Path) -> None:
    shutil.rmtree(root / "images/val")
    shutil.rmtree(root / "masks/val")
    (root / "images/val").mkdir()
    (root / "masks/val").mkdir()


def no_split(root: Path) -> None:
    shutil.rmtree(root / "images/val")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (other_size, r"p1\.png is 48x39, its image 48x40"),
        (label_outside, r"p1\.png holds the label 7, which is none of the 3 classes"),
        (truncated, r"(?i)p2\.jpg cannot be decoded \(.*truncated"),
        (not_an_image, r"p2\.jpg cannot be decoded"),
        (no_mask, r"masks/train/p3\.png is missing"),
        (no_image, r"images/train/p3\.png is missing"),
        (coloured_mask, r"p4\.png is not an 8-bit label map"),
        (empty_split, r"split 'val' of .* holds no images"),
        (no_split, r"there is no folder .*images/val"),
    ],
)
def test_damage_is_named(folder_data: Path, damage, sentence: str) -> None:
    damage(folder_data)
    data = FolderSegmentation(str(folder_data), "folders")
    with pytest.raises(OSError if damage is no_split else ValueError, match=sentence):
        data.check(["train", "val"])


def test_a_missing_folder_and_an_unknown_layout_are_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no folder"):
        FolderSegmentation(str(tmp_path / "nowhere"), "camvid").size("train")
    with pytest.raises(ValueError, match="no dataset layout 'cityscape'"):
        FolderSegmentation(str(tmp_path), "cityscape")
    with pytest.raises(ValueError, match="none of the layouts"):
        recognise(tmp_path)
    with pytest.raises(ValueError, match="no split 'dev'"):
        ScenesSegmentation().check(["dev"])


def test_the_fingerprint_follows_every_file(folder_data: Path) -> None:
    before = FolderSegmentation(str(folder_data), "folders").fingerprint()
    assert FolderSegmentation(str(folder_data), "folders").fingerprint() == before
    gray(folder_data / "masks/test/p0.png", np.zeros((40, 48)))
    assert FolderSegmentation(str(folder_data), "folders").fingerprint() != before


def test_the_fingerprint_says_which_split_a_file_is_in(folder_data: Path) -> None:
    """Where names go on from split to split, nothing but the split of a file changes when it is moved."""
    for kind, suffix in (("images", "jpg"), ("masks", "png")):
        for split, first in (("train", 0), ("val", 6), ("test", 9)):
            for path in sorted((folder_data / kind / split).iterdir(), reverse=True):
                path.rename(path.with_name(f"q{first + int(path.stem[1:]):02}.{suffix}"))
    prints = [FolderSegmentation(str(folder_data), "folders").fingerprint()]
    for number, source, target in (("08", "val", "test"), ("08", "test", "val"), ("06", "val", "train")):
        for kind, suffix in (("images", "jpg"), ("masks", "png")):
            name = f"q{number}.{suffix}"
            (folder_data / kind / source / name).rename(folder_data / kind / target / name)
        prints.append(FolderSegmentation(str(folder_data), "folders").fingerprint())
    assert len(set(prints)) == 3
    assert prints[0] == prints[2]
