"""Reading the files of data sets: pictures, texts and names, as they come from anywhere.

Every function raises ValueError, a sentence that names the file, for what cannot be used. Links are followed: only the owner
of a folder makes them.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from core.parsing import in_a_line
from tasks.data import SUFFIXES

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # what a file may be, whatever its suffix
PIXELS = 89_478_485  # of one picture: what Pillow warns of, a quarter of a GiB in colours
UNREAD = (".avif", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".pgm", ".pnm", ".ppm", ".webp")  # by suffix
TEXT = 64 << 20  # bytes of a list
MACHINE = (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE)  # no fault of a file
TURNS = dict(enumerate(Image.Transpose(k) for k in (0, 3, 1, 5, 4, 6, 2)))  # by EXIF orientation - 2
ORIENTATION = 0x0112
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # what no line of a message can hold
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
warnings.filterwarnings("ignore", module="PIL")  # of large pictures, refused below by name, and damaged tags


class Refusal(Exception):  # noqa: N818 - a sentence without its beginning
    """What a file has that cannot be used, and what to do: the rest of a sentence that begins with its path."""


def decode(path: Path, convert: Callable[[ImageFile.ImageFile], np.ndarray]) -> np.ndarray:
    """What `convert`, which may raise a `Refusal`, makes of an image file."""
    try:
        check_regular(path)
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > PIXELS:
                raise Image.DecompressionBombError
            return convert(image)
    except FileNotFoundError:
        found = [other.name for suffix in (".gif", ".webp", ".npy") if (other := path.with_suffix(suffix)).exists()]
        there = f" (there is {found[0]}: save it as PNG)" if found else ""
        raise ValueError(
            f"{path} is missing{there}: put it back, or take what belongs to it out of the split"
        ) from None
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None
    except Image.DecompressionBombError:
        limit = f"{PIXELS / 1e6:.0f} megapixels"
        raise ValueError(f"{path} cannot be decoded (it has more than {limit}): cut it into pieces") from None
    except Exception as error:  # damaged bytes can make a decoder raise anything
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE:
            raise
        raise ValueError(f"{path} cannot be decoded ({' '.join(str(error).split())}): replace the file") from None


def upright(image: ImageFile.ImageFile) -> Image.Image:
    """The picture as everybody sees it: turned as its EXIF orientation says, as mmcv.imread does."""
    image.load()  # a PNG may tell it behind its pixels; Pillow turns TIFFs itself
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        turn = TURNS.get(exif.get(ORIENTATION, 1) - 2)
    except Exception:  # a damaged tag: all viewers show the picture as it is stored
        turn = None
    return image if turn is None else image.transpose(turn)


def in_colour(image: ImageFile.ImageFile) -> np.ndarray:
    """(H, W, 3) RGB uint8. Refuses what 8-bit colours would lose."""
    if image.mode[0] in "IF" or any(re.search("(?<!BGR);16", str(part[3])) for part in image.tile):
        raise Refusal("has more than 8 bits a channel: save it as an 8-bit image")
    picture = upright(image)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))  # it would make a copy


def opaque(image: ImageFile.ImageFile) -> np.ndarray:
    """The same. Refuses transparency, which colours would lose."""
    colours = in_colour(image)
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        raise Refusal("has an alpha channel: save it without transparency")
    return colours


def check_lossless(image: ImageFile.ImageFile) -> None:
    """Refuses a format that changes values a little, where these are no colours."""
    if image.format in ("JPEG", "MPO"):
        raise Refusal("is a JPEG, which changes the values that it is given: save them again as PNG")


def check_size(path: Path, size: tuple[int, ...], of: str, expected: tuple[int, ...]) -> None:
    """Raises ValueError where (height, width) are not those expected, which are `of` something else."""
    if size != expected:
        raise ValueError(f"{path} is {size[1]}x{size[0]}, {of} {expected[1]}x{expected[0]}: make both of one size")


def check_regular(path: Path, limit: float = float("inf")) -> None:
    """Raises FileNotFoundError, a `Refusal` where it is no regular file (reading a pipe has no end) or too large."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in MACHINE:
            raise
        raise Refusal(f"cannot be opened ({getattr(error, 'strerror', error)}): rename it, or allow it") from None
    if not stat.S_ISREG(status.st_mode):
        raise Refusal("is no regular file: put one there")
    if status.st_size > limit:
        raise Refusal(f"has more than {int(limit) >> 20} MiB: is it the right file? Split it")


def content(path: Path, limit: float = TEXT) -> bytes:
    """A file's bytes. Raises FileNotFoundError as well."""
    try:
        check_regular(path, limit)
        return path.read_bytes()
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from None


def listed(path: Path) -> dict[str, int]:
    """The names in a list, one a line, with the numbers of their lines; blanks around them and empty lines do not count.

    Texts are UTF-8, or UTF-16 with its mark. Raises ValueError where a name is there twice, FileNotFoundError.
    """
    data = content(path)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        lines = data.decode(encoding).replace("\ufeff", "").splitlines()
    except UnicodeDecodeError as error:
        where = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {where}: this is not {encoding.upper()}: save the file as UTF-8") from None
    names: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if name := line.strip():
            check_name(name, f"{path}, line {number}: the name")
            if name in names:
                times = [other.strip() for other in lines].count(name)
                raise ValueError(f"{path} names {name!r} {times} times: once is enough")
            names[name] = number
    return names


def check_name(name: str, what: str) -> None:
    """Raises ValueError where a name has characters that cannot be shown in a line."""
    if UNSEEN.search(name):
        raise ValueError(f"{what} {name!r} has characters that cannot be shown: rename it")


def class_names(names: Iterable[str], where: object, most: int | None = None) -> tuple[str, ...]:
    """Names of classes, all that they must be: texts, some, none of them empty or twice, not more than `most`."""
    if isinstance(names, str):
        raise ValueError(f"classes of {where} must be a list of names, not {names!r}")
    names = tuple(names)
    if not names:
        raise ValueError(f"{where} has no classes: annotate objects, or give `classes`")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"{where} has a class of the name {name!r}: give it another one")
        check_name(name, f"{where}: the class")
    if len(set(names)) < len(names):
        raise ValueError(f"classes of {where} are named twice: {', '.join(names)}")
    if most is not None and len(names) > most:
        raise ValueError(f"{where} has {len(names)} classes: {most} are the most that a label map can hold")
    return names


def check_spelling(names: Collection[str], where: object) -> None:
    """Raises ValueError where names that nobody has chosen differ in capitals, blanks or what cannot be seen alone."""
    counts = Counter(map(_look, names))
    alike = sorted(name for name in names if counts[_look(name)] > 1)
    if alike:
        raise ValueError(f"{where} has {' beside '.join(map(repr, alike))}: name them alike, or give `classes`")


def _look(name: str) -> str:
    """What is seen of a name, capitals aside, whichever way accents and blanks are written."""
    return " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", name)).casefold().split())


def inside(root: Path, folder: Path, name: str, what: str) -> Path:
    """The file in `folder` that a data set's own annotations name. Raises ValueError where it lies outside of the data."""
    check_name(name, what)
    path = folder / name
    full, places = os.path.abspath(path), [os.path.join(os.path.abspath(place), "") for place in (folder, root)]
    if not full.startswith(tuple(places)):
        raise ValueError(f"{what} {name!r}, which leads out of {root}: name files inside of it")
    return path


def existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {in_a_line(folder)}: check the root and the layout of the dataset")
    return folder


def files_in(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """Those with such a suffix, in capitals or not; hidden ones, as macOS leaves them beside others, do not count.

    Raises ValueError where pictures are meant, and there is one of another kind.
    """
    shown = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    paths = [path for path in shown if path.suffix.lower() in suffixes]
    for path in paths:
        check_name(path.name, f"{folder}: the file")
    for path in shown if ".png" in suffixes else ():
        if path.suffix.lower() in UNREAD:
            raise ValueError(f"{path} is a {path.suffix[1:]} file, which is not read: save it as PNG, or take it away")
    return paths


def all_files_in(folder: Path, suffixes: Collection[str] = SUFFIXES) -> list[Path]:
    """The same of a folder whose pictures are all meant. Raises ValueError where a folder in it has some as well."""
    for place in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."):
        if files_in(folder / place, suffixes):
            raise ValueError(
                f"{folder / place} is a folder with files of its own: move them into {folder}, or away (docs/data.md)"
            )
    return files_in(folder, suffixes)


def stem(path: Path) -> str:
    """A file's name without suffix, as names are compared: macOS writes accents in another way (NFD)."""
    return unicodedata.normalize("NFC", path.stem)


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by their stems. Raises ValueError where two have the same."""
    found: dict[str, Path] = {}
    for path in paths:
        if stem(path) in found:
            raise ValueError(f"{path} has the name of {found[stem(path)].name}: keep one, or rename it")
        found[stem(path)] = path
    return found
