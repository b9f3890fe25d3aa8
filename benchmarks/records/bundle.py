"""Runs in one file, to be sent to somebody else: a zip archive of what they recorded and the tables made of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from benchmarks.files import replacing
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import EVENTS, TRIALS
from benchmarks.records.provenance import commit, versions
from benchmarks.records.record import Record
from core import parse

FORMAT = 1
MANIFEST, RUNS, BOARD = "bundle.json", "runs", "leaderboard"
OF_A_RUN = ("config.json", "config.py", TRIALS, EVENTS, "study.json")
OF_AN_ANSWER = ("answer.json", "model.py", "network.json", "report.json", "examples/*")
WEIGHTS = "final.pth"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip archive knows: the same runs give the same bytes
CHUNK = 1 << 20
OF_THE_FILE = (None, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ENAMETOOLONG)  # not of the disk
UNREADABLE = (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
# What a bundle may hold that somebody else has made.
MOST_FILES, MOST_BYTES, MOST_WEIGHTS, MOST_LISTED = 100_000, 1 << 30, 1 << 36, 1 << 26


@dataclass(frozen=True)
class Bundled:
    """A study in a bundle; the data are part of what its protocol's hash is of."""

    benchmark: str
    strategy: str
    seed: int
    finished: bool
    protocol_hash: str
    commit: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """bundle.json. `commit` and `versions` are those that the tables were made with, `files` SHA-256 sums by name."""

    format: int
    commit: str
    versions: Mapping[str, str]
    studies: tuple[Bundled, ...]
    files: Mapping[str, str]


def write_bundle(records: Sequence[Record], path: Path, weights: bool = False) -> Manifest:
    """Write a bundle, whole or not at all: `runs/<benchmark>/<strategy>/seed<k>/...`, `leaderboard/...`, `bundle.json`.

    `weights` adds those of the final networks.
    """
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for record in records:
            _gather(record, root / RUNS / record.benchmark / record.strategy / f"seed{record.seed}", weights)
        (root / BOARD).mkdir()
        board = Leaderboard.of([root / RUNS])
        board.write(root / BOARD)
        files = {str(file.relative_to(root)): _sum_of(file) for file in sorted(root.rglob("*")) if file.is_file()}
        manifest = Manifest(FORMAT, commit(), versions(), tuple(map(_bundled, board.records)), files)
        (root / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
        with replacing(path) as part, zipfile.ZipFile(part, "w") as packed:
            for name in (MANIFEST, *files):
                info = zipfile.ZipInfo(name, EPOCH)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                info.create_system = 3  # as Unix writes it
                if not name.endswith(WEIGHTS):
                    info.compress_type = zipfile.ZIP_DEFLATED
                with open(root / name, "rb") as source, packed.open(info, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, CHUNK)
    return manifest


def _gather(record: Record, folder: Path, weights: bool) -> None:
    """Copy what a study recorded."""
    wanted = [*OF_A_RUN, *(f"answers/*/{name}" for name in (*OF_AN_ANSWER, *([WEIGHTS] if weights else [])))]
    for source in (file for pattern in wanted for file in record.folder.glob(pattern) if file.is_file()):
        target = folder / source.relative_to(record.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _bundled(record: Record) -> Bundled:
    result = record.result or {}
    made_with = result.get("commit", ""), result.get("versions", {})
    return Bundled(*record.identity, record.result is not None, record.protocol_hash, *made_with)


def _sum_of(path: Path) -> str:
    with open(path, "rb") as source, open(os.devnull, "wb") as nowhere:
        return _copy(source, nowhere)


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """The SHA-256 sum of what is copied."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def extract(path: Path, folder: Path) -> Manifest:
    """Write what a bundle holds, but for weights, into an empty folder; nothing of it is executed.

    Raises ValueError, before anything is written, where a member's name leads elsewhere, is there twice, or is no plain file's,
    or they are too many or too large, and where one is not what bundle.json says.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            _check_members(packed.infolist())
            members = set(packed.namelist())
            if MANIFEST not in members:
                raise ValueError(f"it has no {MANIFEST}")
            manifest = _manifest(packed.read(MANIFEST))
            differ = (members - {MANIFEST}) ^ manifest.files.keys()
            if differ:
                raise ValueError(f"{MANIFEST} and the archive do not agree about {min(differ)!r}")
            for name, checksum in manifest.files.items():
                if _unpack(packed, name, folder) != checksum:
                    raise ValueError(f"{name!r} is not what {MANIFEST} says (SHA-256)")
    except (*UNREADABLE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in OF_THE_FILE:
            raise
        raise ValueError(f"{path} is no bundle that can be read: {error}") from None
    return manifest


def _manifest(data: bytes) -> Manifest:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{MANIFEST} is not JSON ({error})") from None
    if isinstance(content, dict) and content.get("format", FORMAT) != FORMAT:
        raise ValueError(f"its format is {content['format']!r}, and this checkout reads {FORMAT}")
    return parse(Manifest, content, MANIFEST)


def _check_members(members: Iterable[zipfile.ZipInfo]) -> None:
    """Raise ValueError where an archive holds anything but plain files of a modest size under names of their own."""
    seen, sizes = set[str](), {True: 0, False: 0}
    for member in members:
        name, parts = member.filename, member.orig_filename.split("/")
        spelt = unicodedata.normalize("NFC", name).casefold()  # some disks take what differs in this for the same
        if name != member.orig_filename or not name.isprintable() or "\\" in name or ":" in name:
            raise ValueError(f"the name {member.orig_filename!r} is none that every disk takes")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"the name {name!r} leads out of its folder, or is a folder's")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ValueError(f"{name!r} is no plain file")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r} is packed as no bundle is")
        if name == MANIFEST and member.file_size > MOST_LISTED:
            raise ValueError(f"its {MANIFEST} has more than {MOST_LISTED} bytes")
        if spelt in seen:
            raise ValueError(f"{name!r} is there twice")
        seen.add(spelt)
        sizes[name.endswith(WEIGHTS)] += member.file_size
    if len(seen) > MOST_FILES or sizes[False] > MOST_BYTES or sizes[True] > MOST_WEIGHTS:
        raise ValueError(
            f"{len(seen)} files of {sizes[False]} bytes, and weights of {sizes[True]}, are more than "
            f"{MOST_FILES}, {MOST_BYTES} and {MOST_WEIGHTS}"
        )


def _unpack(packed: zipfile.ZipFile, name: str, folder: Path) -> str:
    """The checksum of a member, which is written into `folder`, unless it is weights.

    No more is read than the size that the archive names.
    """
    target = Path(os.devnull) if name.endswith(WEIGHTS) else folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(name) as source, open(target, "wb") as file:
        return _copy(source, file)
