"""Dataset folders: the layouts, the meaning of labels, and one sentence for everything that can be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
