"""Pascal VOC's XML files: the layouts that they come in, and what can be wrong with them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

from tasks.data import SUFFIXES
from tasks.detection.data import Box, Row
from tasks.detection.folders import ALIASES, TRAIN, FolderDetection, area_of, fit_box
from tasks.folders import Listing, images_in

LISTS = Path("ImageSets") / "Main"


def devkit(root: Path) -> Path:
    """The folder with ImageSets: the root or one in it. The root where none has it. Raises ValueError for several."""
    if (root / LISTS).is_dir() or not root.is_dir():
        return root
    inside = sorted(path for path in root.iterdir() if (path / LISTS).is_dir())
    if len(inside) > 1:
        raise ValueError(f"{root} holds several data sets ({', '.join(at.name for at in inside)}): give one of them")
    return inside[0] if inside else root


def read_tree(path: Path) -> ET.Element:
    """An XML file, each element with its line as the attribute "line". Raises ValueError, naming file and line."""
    builder, parser = ET.TreeBuilder(), expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, {**attributes, "line": str(parser.CurrentLineNumber)})

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(path.read_bytes(), True)
    except FileNotFoundError:
        raise ValueError(f"{path} is missing: every image needs its annotations, be there no objects") from None
    except expat.ExpatError as error:
        broken = expat.ErrorString(error.code)
        raise ValueError(f"{path}, line {error.lineno}: this is not XML ({broken}): export it again") from None
    return builder.close()


def _size(path: Path, tree: ET.Element) -> tuple[int, int]:
    """Height and width of the image."""
    written = [tree.findtext(f"size/{side}") for side in ("height", "width")]
    try:
        height, width = (int(text or "") for text in written)
    except ValueError:
        height = width = 0
    if min(height, width) < 1:
        raise ValueError(f"{path} has no size (height and width are {written}): give it in whole pixels")
    return height, width


def _box(element: ET.Element) -> Box:
    """xmin, ymin, xmax, ymax as they are written."""
    written = [element.findtext(f"bndbox/{corner}") for corner in ("xmin", "ymin", "xmax", "ymax")]
    try:
        x1, y1, x2, y2 = (float(text or "") for text in written)
    except ValueError:
        raise ValueError(f"the box is {written}: give xmin, ymin, xmax and ymax as numbers") from None
    return x1, y1, x2, y2


def _names(path: Path, listing: Listing) -> list[str]:
    """The lines of a split's list; one that is there twice is a problem."""
    names = Counter(line.strip() for line in path.read_text().splitlines())
    del names[""]
    listing.problems += [
        f"{path} names {name!r} {count} times: once is enough" for name, count in names.items() if count > 1
    ]
    return list(names)


def _images(path: Path) -> dict[str, Path]:
    """The images of a folder by their name without the suffix."""
    found: dict[str, Path] = {}
    for image in images_in(path):
        if image.stem in found:
            raise ValueError(f"{image} has the name of {found[image.stem].name}: keep one, or rename it")
        found[image.stem] = image
    return found


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
            if beside.is_dir() and any(path.suffix.lower() == ".xml" for path in beside.iterdir()):
                return beside
            tried += [names.relative_to(root).as_posix(), f"{name}/*.xml"]
        raise FileNotFoundError(f"split {split!r} of {root} has no annotations: there is none of {', '.join(tried)}")

    def _listed_classes(self) -> list[str]:
        for path in (at / name for at in (self.root, devkit(self.root)) for name in ("classes.txt", "labels.txt")):
            if path.is_file():
                return [line.strip() for line in path.read_text().splitlines() if line.strip()]
        return []

    def _found_classes(self) -> list[str]:
        """The names in the training split; files that cannot be read are left to `problems`."""
        listing, names = Listing(), set()
        for _, path in self._pairs(TRAIN, listing):
            with listing.noting():
                names |= {element.findtext("name", "").strip() for element in read_tree(path).findall("object")}
        return sorted(names - {""})

    def _pairs(self, split: str, listing: Listing) -> Iterator[tuple[Path, Path]]:
        """Image and XML file, whether or not they are there."""
        listed = self.find(self.root, self.splits.get(split, split))
        if listed.is_dir():
            images, annotations = listed, listed
            names = sorted({path.stem for path in listed.iterdir() if path.suffix.lower() in (".xml", *SUFFIXES)})
        else:
            images, annotations = (devkit(self.root) / kind for kind in ("JPEGImages", "Annotations"))
            names = _names(listed, listing)
        if not images.is_dir():
            raise ValueError(f"there is no folder {images} for the names in {listed}: put the images there")
        image_of = _images(images)
        for name in names:
            yield image_of.get(name, images / f"{name}.jpg"), annotations / f"{name}.xml"

    def list_split(self, split: str) -> Listing:
        listing = Listing()
        with listing.noting():
            for image, path in self._pairs(split, listing):
                with listing.noting():
                    tree = read_tree(path)
                    size = _size(path, tree)
                    listing.items.append(self.note(image, size, self._rows(listing, path, tree, size)))
        return listing

    def _rows(self, listing: Listing, path: Path, tree: ET.Element, size: tuple[int, int]) -> list[Row | None]:
        rows = []
        for element in tree.findall("object"):
            try:
                name = element.findtext("name", "").strip()
                if name in self.label_of or not self._chosen:
                    rows.append(self._row(name, element, size))
            except ValueError as error:
                listing.problems.append(f"{path}, line {element.get('line')}: {error}")
        return rows

    def _row(self, name: str, element: ET.Element, size: tuple[int, int]) -> Row | None:
        """None: the box has no area. Raises ValueError, a sentence without its place."""
        if name not in self.label_of:
            raise ValueError(f"{name!r} is none of the {len(self.classes)} classes: rename it, or add it")
        difficult = element.findtext("difficult", "0").strip()
        if difficult not in ("0", "1"):
            raise ValueError(f"difficult is {difficult!r}: make it 0 or 1")
        box = _box(element)
        fitted = fit_box(box, size, f"the box {list(box)} of {name!r}", self._first)
        return fitted and (fitted, self.label_of[name], area_of(fitted), False, difficult == "1")
