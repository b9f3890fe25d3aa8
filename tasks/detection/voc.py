"""Pascal VOC's XML files: the layouts that they come in, and what can be wrong with them."""

from __future__ import annotations

import codecs
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from core.parsing import in_a_line
from tasks.data import ALIASES
from tasks.detection.data import Annotations, Box, Row
from tasks.detection.folders import TRAIN, FolderDetection, area_of, fit_box, size_of
from tasks.files import Refusal, by_stem, check_spelling, content, files_in, inside, listed, stem
from tasks.folders import Listing

LISTS = Path("ImageSets") / "Main"
XML = (".xml",)
BYTES, DEPTH = 8 << 20, 100  # of an XML file: what it may hold, and elements in elements
WIDE = {  # encodings of several bytes, which expat does not know, and the larger one that files in them really use
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "cp936", "x-gbk"), "gb18030"), "big5": "big5hkscs",
    **dict.fromkeys(("shift_jis", "shift-jis", "cp932", "windows-31j"), "cp932"), "euc-jp": "euc_jp", "euc-kr": "cp949",
}  # fmt: skip
DIFFICULT = {"": False, "0": False, "false": False, "unspecified": False, "1": True, "true": True}


def devkit(root: Path) -> Path:
    """The folder with ImageSets: the root or one in it. The root where none has it. Raises ValueError for several."""
    if (root / LISTS).is_dir() or not root.is_dir():
        return root
    inside = sorted(path for path in root.iterdir() if (path / LISTS).is_dir())
    if len(inside) > 1:
        raise ValueError(f"{root} holds several data sets ({', '.join(at.name for at in inside)}): give one of them")
    return inside[0] if inside else root


def read_tree(path: Path) -> ET.Element:
    """An XML file, each object with its line as the attribute "line". Raises ValueError, naming file and line."""
    try:
        data = content(path, BYTES)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: every image needs its annotations, be there no objects") from None
    if data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8"
    else:
        named = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)""", data)
        encoding = named[1].decode().lower() if named else None
    builder, depth = ET.TreeBuilder(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise Refusal(f"has more than {DEPTH} elements in each other: export it again")
        builder.start(tag, {"line": str(parser.CurrentLineNumber)} if tag == "object" else {})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def doctype(*_: object) -> None:
        raise Refusal("has a DOCTYPE, whose entities can stand for anything: remove it")

    try:
        if encoding in WIDE:
            data, encoding = data.decode(WIDE[encoding]).encode(), "utf-8"
        parser = expat.ParserCreate("utf-8" if encoding == "utf-8" else None)
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = doctype
        parser.CharacterDataHandler = builder.data
        parser.Parse(data, True)
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None
    except expat.ExpatError as error:
        broken = expat.ErrorString(error.code)
        if encoding in (None, "utf-8") and data[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            broken = broken if _is_utf8(data) else "it is not UTF-8, and names no other encoding"
        raise ValueError(f"{path}, line {error.lineno}: this is not XML ({broken}): export it again") from None
    except (LookupError, ValueError):
        raise ValueError(
            f"{path} is not, as it says, in an encoding {encoding!r} that is known: save it as UTF-8"
        ) from None
    return builder.close()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _size(path: Path, tree: ET.Element) -> tuple[int, int]:
    """Height and width of the image."""
    written = [tree.findtext(f"size/{side}") for side in ("height", "width")]
    try:
        height, width = (float(text or "") for text in written)
        return size_of(height, width, f"{path}")
    except ValueError:
        raise ValueError(f"{path} has no size (height and width are {written}): give it in whole pixels") from None


def _box(element: ET.Element) -> Box:
    """xmin, ymin, xmax, ymax as they are written."""
    written = [element.findtext(f"bndbox/{corner}") for corner in ("xmin", "ymin", "xmax", "ymax")]
    try:
        x1, y1, x2, y2 = (float(text or "") for text in written)
    except ValueError:
        raise ValueError(f"the box is {written}: give xmin, ymin, xmax and ymax as numbers") from None
    return x1, y1, x2, y2


class VocDetection(FolderDetection):
    """An XML file for each image, in one of two layouts (docs/data.md), in the root or a folder in it.

    VOC's own has Annotations, JPEGImages and a list of names, ImageSets/Main/<split>.txt; the other a folder <split> with
    images and XML files side by side. `splits` gives lists or folders of other names: {"train": "trainval"}.

    `classes` are the names to keep, in the order of their labels, and objects of others are left out; None: the lines of
    classes.txt or labels.txt in the root, or all names of the training split, sorted.

    With `one_based`, corners are VOC's: the first pixel is 1 and xmax, ymax belong to the object, so that a box becomes
    xmin - 1, ymin - 1, xmax, ymax. Without, they are taken as they are. Either way a box with xmin = xmax or ymin = ymax is
    taken for a slip of the mouse and left out, and what sticks out by up to a pixel is cut off.
    """

    def __init__(
        self,
        root: str,
        splits: Mapping[str, str] | None = None,
        classes: Sequence[str] | None = None,
        one_based: bool = True,
    ):
        super().__init__(root, splits or ())
        self.splits, self._chosen, self._first = dict(splits or {}), classes is not None, float(one_based)
        self.name_classes((self._listed_classes() or self._found_classes()) if classes is None else classes)

    @staticmethod
    def find(root: Path, split: str) -> Path:
        """A list of names, or a folder with XML files."""
        tried = []
        for name in ALIASES.get(split, (split,)):
            names, beside = devkit(root) / LISTS / f"{name}.txt", root / name
            if names.is_file():
                return names
            if beside.is_dir() and files_in(beside, XML):
                return beside
            tried += [names.relative_to(root).as_posix(), f"{name}/*.xml"]
        raise FileNotFoundError(
            f"split {split!r} of {root} has no annotations: there is none of {in_a_line(', '.join(tried))}"
        )

    def _listed_classes(self) -> list[str]:
        for path in (at / name for at in (self.root, devkit(self.root)) for name in ("classes.txt", "labels.txt")):
            if path.is_file():
                return list(listed(path))
        return []

    def _found_classes(self) -> list[str]:
        """The names in the training split; files that cannot be read are left to `problems`."""
        listing, names = Listing(), set()
        for _, path in self._pairs(TRAIN):
            with listing.noting():
                names |= {element.findtext("name", "").strip() for element in read_tree(path).findall("object")}
        names -= {""}
        if listing.problems and not names:
            raise ValueError(listing.problems[0])
        check_spelling(names, self.root)
        return sorted(names)

    def _pairs(self, split: str) -> Iterator[tuple[Path, Path]]:
        """Image and XML file, whether or not they are there."""
        at = self.find(self.root, self.splits.get(split, split))
        if at.is_dir():
            images, annotations, names = at, at, sorted({stem(path) for path in [*files_in(at), *files_in(at, XML)]})
        else:
            images, annotations = (devkit(self.root) / kind for kind in ("JPEGImages", "Annotations"))
            names = list(listed(at))
        for folder, what in ((images, "images"), (annotations, "annotations")):
            if not folder.is_dir():
                raise ValueError(f"there is no folder {folder} for the names in {at}: put the {what} there")
        image_of, tree_of = by_stem(files_in(images)), by_stem(files_in(annotations, XML))
        for name in names:
            for folder in (images, annotations):
                inside(self.root, folder, name, f"{at} has the name")
            key = unicodedata.normalize("NFC", name)
            yield image_of.get(key, images / f"{name}.jpg"), tree_of.get(key, annotations / f"{name}.xml")

    def list_split(self, split: str) -> Listing:
        listing, images = Listing(), []
        with listing.noting():
            for image, path in self._pairs(split):
                with listing.noting():
                    tree = read_tree(path)
                    size, rows, others = _size(path, tree), [], 0
                    for element in tree.findall("object"):
                        try:
                            name = element.findtext("name", "").strip()
                            if name in self.label_of or not self._chosen:
                                rows.append(self._row(name, element, size))
                            else:
                                others += 1
                        except ValueError as error:
                            listing.problems.append(f"{path}, line {element.get('line')}: {error}")
                    images.append(self.note(image, size, rows, others))
        listing.items = Annotations.of(images)
        return listing

    def _row(self, name: str, element: ET.Element, size: tuple[int, int]) -> Row | None:
        """None: the box has no area. Raises ValueError, a sentence without its place."""
        if name not in self.label_of:
            raise ValueError(f"{name!r} is none of the {len(self.classes)} classes: rename it, or add it")
        difficult = element.findtext("difficult", "").strip()
        if difficult.lower() not in DIFFICULT:
            raise ValueError(f"difficult is {difficult!r}: make it 0 or 1")
        box = _box(element)
        fitted = fit_box(box, size, f"the box {list(box)} of {name!r}", self._first)
        return fitted and (fitted, self.label_of[name], area_of(fitted), False, DIFFICULT[difficult.lower()])
