"""VOC's XML files and lists as other systems and tools write them: encodings, names, marks; the first cause is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_voc import marked

from core import build
from tasks.detection.voc import VocDetection
from tasks.registry import DATA


@pytest.mark.parametrize(("encoding", "named"), [
    ("gbk", "GBK"), ("gb18030", "gb2312"), ("big5", "Big5"), ("shift_jis", "Shift_JIS"), ("euc_kr", "EUC-KR"),
    ("cp1252", "windows-1252"), ("latin-1", "ISO-8859-1"), ("utf-16", "UTF-16"), ("utf-8-sig", "gbk"), ("utf-8", ""),
])  # fmt: skip
def test_encodings(voc: Path, encoding: str, named: str) -> None:
    name = {"euc_kr": "\uac1c", "cp1252": "\u20acx", "latin-1": "h\xfcnd"}.get(encoding, "\u72ac")
    head = f'<?xml version="1.0" encoding="{named}"?>\n' if named else ""
    (voc / "VOC2042/Annotations/a.xml").write_bytes((head + marked((name, (1, 1, 9, 9)))).encode(encoding))
    data = VocDetection(str(voc))
    assert set(data.classes) == {"cat", "dog", name}
    data.check(["train"])


@pytest.mark.parametrize(("data", "sentence"), [
    (b'<?xml version="1.0" encoding="x"?><annotation/>', "a.xml is not, as it says, in an encoding 'x' that is known"),
    (b'<?xml version="1.0" encoding="gbk"?><a>\xff\xff</a>', "a.xml is not, as it says, in an encoding 'gbk'"),
    ("<annotation>\n<object>\u7ea2</object></annotation>".encode("gbk"), "a.xml, line 2: .* is not UTF-8, and names no"),
    (b"<a>" * 200, "a.xml has more than 100 elements in each other"),
    (b"<a>" + b"<b/>" * (3 << 20), "a.xml has more than 8 MiB"),
])  # fmt: skip
def test_the_first_cause_is_told_where_no_file_can_be_read(voc: Path, data: bytes, sentence: str) -> None:
    for name in "ab":
        (voc / f"VOC2042/Annotations/{name}.xml").write_bytes(data)
    with pytest.raises(ValueError, match=sentence):
        VocDetection(str(voc))


@pytest.mark.parametrize("line", ["a  1", "a.jpg", "x"])
def test_lines_that_name_no_file_are_told(voc: Path, line: str) -> None:
    (voc / "VOC2042/ImageSets/Main/train.txt").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=rf"Annotations/{line}\.xml is missing"):
        VocDetection(str(voc))


def test_lists_and_files_as_other_systems_write_them(voc: Path) -> None:
    root = voc / "VOC2042"
    (root / "Annotations/a.xml").rename(root / "Annotations/e\u0301 1.XML")
    (root / "JPEGImages/a.jpg").rename(root / "JPEGImages/e\u0301 1.JPG")
    (root / "JPEGImages/._b.jpg").write_text("macOS")
    (root / "ImageSets/Main/train.txt").write_bytes("\ufeff\xe9 1\r\nb\r\n".encode())
    data = VocDetection(str(voc))
    data.check(["train"])
    assert data.size("train") == 2
    (root / "ImageSets/Main/train.txt").write_text("b\n../../../c\n")
    with pytest.raises(ValueError, match=r"train\.txt has the name '\.\./\.\./\.\./c', which leads out of"):
        VocDetection(str(voc), classes=["dog", "cat"]).check(["train"])


@pytest.mark.parametrize(("written", "difficult"), [("Unspecified", False), ("", False), ("0", False), ("true", True)])
def test_difficult_as_tools_write_it(voc: Path, written: str, difficult: bool) -> None:
    boxes = (("dog", (1, 1, 9, 9)), ("cat", (1, 1, 9, 9)))
    (voc / "VOC2042/Annotations/a.xml").write_text(marked(*boxes, more=f"<difficult>{written}</difficult>"))
    assert VocDetection(str(voc)).annotated("train", 0).objects.difficult.tolist() == [difficult] * 2


def test_names_that_differ_in_capitals_are_refused_until_classes_are_chosen(voc: Path) -> None:
    (voc / "VOC2042/Annotations/a.xml").write_text(marked(("Dog", (1, 1, 9, 9)), width="40.0"))
    with pytest.raises(ValueError, match=r"has 'Dog' beside 'dog': name them alike, or give `classes`"):
        VocDetection(str(voc))
    data = VocDetection(str(voc), classes=["dog"])
    assert "1 objects: dog 1; objects of other names, left out: 2; boxes" in data.summary("train")


@pytest.mark.parametrize("settings", [dict(classes="dog"), dict(classes=3), dict(splits="train"), dict(splits={"train": 1}),
                                      dict(one_based="no")])  # fmt: skip
def test_settings_of_a_wrong_type_are_refused(voc: Path, settings: dict[str, Any]) -> None:
    [name] = settings
    with pytest.raises(ValueError, match=rf"{name}.* of data set 'VocDetection' must be "):
        build(DATA, dict(type="VocDetection", root=str(voc), **settings))
