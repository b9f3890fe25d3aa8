"""Bundles that strangers send: whatever they hold, nothing leaves the folder, nothing is executed, nothing is believed."""

from __future__ import annotations

import hashlib
import json
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import matplotlib.pyplot as plt
import pytest

from benchmarks.catalogue import read_protocol
from benchmarks.records import bundle
from benchmarks.records.bundle import MANIFEST, extract, write_bundle
from benchmarks.records.record import Record, identity_of, read_records
from benchmarks.records.replay import opened, replay
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial, best
from tasks import Cost

STUDY = "runs/toy-v2/random_search/seed0"
Member = str | zipfile.ZipInfo


@pytest.fixture
def records(tmp_path: Path, answer, write_study) -> list[Record]:
    """Two studies on the toy space, one finished, with an answer's folder."""
    trials = [
        Trial(number, Proposal(ToySpace().sample(Random(number))),
              (StageResult("short", {"score": reward}, Cost(100, 6400, 0.5)),), "done", reward, depth=1)
        for number, reward in enumerate([10.0, 30.0, 20.0])
    ]  # fmt: skip
    toy = read_protocol("toy-v2")["benchmark"]
    folder = write_study(tmp_path / "made/a", "random_search", 0, trials, [answer(best(trials), 31.0)], toy)
    write_study(tmp_path / "made/b", "ppo", 1, trials, benchmark=toy)
    home = folder / "answers/0"
    (home / "examples").mkdir(parents=True)
    (home / "model.py").write_text("model = {}\n")
    (home / "final.pth").write_bytes(b"weights")
    (home / "examples/0 seen.png").write_bytes(b"picture")
    (home / "secret.txt").write_text("mine")
    return read_records([tmp_path / "made"])


@pytest.fixture
def packed(records: list[Record], tmp_path: Path) -> Iterator[Path]:
    write_bundle(records, tmp_path / "a.zip")
    yield tmp_path / "a.zip"
    plt.close("all")


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, members: Sequence[tuple[Member, bytes]]) -> Path:
    """An archive of anything, with a bundle.json that fits it where it has one."""
    sums = {getattr(name, "filename", name): hashlib.sha256(data).hexdigest() for name, data in members}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            if name == MANIFEST:
                files = {name: value for name, value in sums.items() if name != MANIFEST}
                data = json.dumps({**json.loads(data), "files": files}).encode()
            archive.writestr(name, data)
    return path


def changed(path: Path, name: str, entry: Callable[[Any], Any]) -> Path:
    """The bundle with one of its files of JSON changed, and checksums that fit."""
    members = contents(path)
    content = json.loads(members[name])
    entry(content)
    members[name] = json.dumps(content).encode()
    return pack(path.with_name("changed.zip"), list(members.items()))


def test_what_is_in_a_bundle(packed: Path, records: list[Record], tmp_path: Path) -> None:
    names = contents(packed).keys()
    assert {MANIFEST, "leaderboard/leaderboard.json", "leaderboard/leaderboard.md", f"{STUDY}/study.json"} <= names
    answers = f"{STUDY}/answers/0"
    assert {name for name in names if "/answers/" in name} == {f"{answers}/model.py", f"{answers}/examples/0 seen.png"}
    manifest = json.loads(contents(packed)[MANIFEST])
    assert manifest["format"] == 1
    assert [study["strategy"] for study in manifest["studies"]] == ["ppo", "random_search"]
    assert [study["finished"] for study in manifest["studies"]] == [False, True]
    write_bundle(records, tmp_path / "weights.zip", weights=True)
    assert contents(tmp_path / "weights.zip")[f"{answers}/final.pth"] == b"weights"


def test_the_same_runs_give_the_same_bytes(packed: Path, records: list[Record], tmp_path: Path) -> None:
    write_bundle(records[::-1], tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()


def test_a_bundle_is_written_whole_or_not_at_all(packed: Path, records: list[Record], monkeypatch) -> None:
    before = packed.read_bytes()

    def full(*arguments: Any, **more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(OSError, match="No space"):
        write_bundle(records, packed, weights=True)
    assert packed.read_bytes() == before
    assert [path.name for path in packed.parent.iterdir() if "zip" in path.name] == ["a.zip"]


def test_what_was_bundled_is_derived_again(packed: Path, records: list[Record]) -> None:
    with opened(packed) as folder:
        table, found = replay([folder])
        assert (folder / STUDY / "answers/0/model.py").is_file()
    assert found == []
    assert "| random_search |" in table
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["../out", "/out", "a/../../out", "a//b", "a/", "C:out", "a\\b", "a\x1bb", "./a", "a\x00b"]
)
def test_names_that_lead_elsewhere_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    evil = zipfile.ZipInfo("x")
    evil.filename = name
    hostile = pack(tmp_path / "evil.zip", [*contents(packed).items(), (evil, b"x")])
    into = tmp_path / "into/deep"
    into.mkdir(parents=True)
    with pytest.raises(ValueError, match=r"evil\.zip is no bundle that can be read: .*name"):
        extract(hostile, into)
    assert list((tmp_path / "into").rglob("*")) == [into]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR])
def test_links_and_devices_are_refused(packed: Path, tmp_path: Path, kind: int) -> None:
    link = zipfile.ZipInfo("runs/link")
    link.external_attr = (kind | 0o777) << 16
    with pytest.raises(ValueError, match="'runs/link' is no plain file"):
        extract(pack(tmp_path / "evil.zip", [*contents(packed).items(), (link, b"/etc/passwd")]), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")  # so zipfile tells who writes it
@pytest.mark.parametrize("twin", ["runs/x", "RUNS/x", "runs/X"])
def test_the_same_name_twice_is_refused(packed: Path, tmp_path: Path, twin: str) -> None:
    members = [*contents(packed).items(), ("runs/x", b"1"), (twin, b"2")]
    hostile = pack(tmp_path / "evil.zip", members)
    with pytest.raises(ValueError, match="is there twice"):
        extract(hostile, tmp_path)


def test_a_file_that_is_also_a_folder_is_refused(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    with pytest.raises(ValueError, match="is no bundle"):
        extract(pack(tmp_path / "evil.zip", [*contents(packed).items(), ("a", b"1"), ("a/b", b"2")]), tmp_path / "into")


def test_sizes_and_counts_are_bounded(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "into").mkdir()
    bomb = pack(tmp_path / "evil.zip", [*contents(packed).items(), ("runs/zeros", bytes(3_000_000))])
    monkeypatch.setattr(bundle, "MOST_BYTES", 2_000_000)
    with pytest.raises(ValueError, match="are more than 100000, 2000000"):
        extract(bomb, tmp_path / "into")
    monkeypatch.setattr(bundle, "MOST_BYTES", 1 << 30)
    monkeypatch.setattr(bundle, "MOST_FILES", 5)
    with pytest.raises(ValueError, match="are more than 5,"):
        extract(bomb, tmp_path / "into")
    assert not list((tmp_path / "into").iterdir())


def test_a_size_that_the_archive_lies_about_is_not_believed(packed: Path, tmp_path: Path) -> None:
    bomb = pack(tmp_path / "evil.zip", [*contents(packed).items(), ("runs/zeros", b"z" * 5_000)])
    data = bomb.read_bytes()
    small, large = (10).to_bytes(4, "little"), (5_000).to_bytes(4, "little")
    at = data.rindex(large)  # in the central directory
    bomb.write_bytes(data[:at] + small + data[at + 4 :])
    (tmp_path / "into").mkdir()
    with pytest.raises(ValueError, match="is no bundle"):
        extract(bomb, tmp_path / "into")
    assert (tmp_path / "into/runs/zeros").stat().st_size <= 10


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (MANIFEST, None, "it has no bundle.json"),
        (MANIFEST, b"{", "bundle.json is not JSON"),
        (MANIFEST, b'{"format": 2}', "its format is 2, and this checkout reads 1"),
        (MANIFEST, b"[]", "bundle.json must be a dict"),
        (f"{STUDY}/trials.jsonl", b"", r"is not what bundle\.json says \(SHA-256\)"),
        (f"{STUDY}/study.json", None, "do not agree about 'runs/toy-v2/random_search/seed0/study.json'"),
        ("runs/more", b"x", "do not agree about 'runs/more'"),
    ],
)
def test_what_does_not_fit_bundle_json_is_refused(
    packed: Path, tmp_path: Path, name: str, data: bytes | None, sentence: str
) -> None:
    members: dict[str, bytes | None] = {**contents(packed), name: data}
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for one, content in members.items():
            if content is not None:
                archive.writestr(one, content)
    with pytest.raises(ValueError, match=sentence):
        extract(tmp_path / "b.zip", tmp_path)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(ValueError, match="is no bundle that can be read"), opened(tmp_path / "b.zip"):
        pass


@pytest.mark.parametrize(
    ("name", "entry", "sentence"),
    [
        ("leaderboard/leaderboard.json", lambda rows: rows[0]["score"].update(mean=31.000000000000004),
         "random_search, score, mean is 31.000000000000004, and by the ledgers 31.0"),
        ("leaderboard/leaderboard.json", lambda rows: rows.pop(), "toy-v2 ppo is None, and by the ledgers {"),
        ("leaderboard/leaderboard.json", lambda rows: rows.append(rows[0]), "two rows are of the same benchmark"),
        ("leaderboard/leaderboard.json", lambda rows: rows.append(3), "holds no rows of a leaderboard"),
        (f"{STUDY}/study.json", lambda study: study["answers"][0]["final"]["metrics"].update(score=99.0),
         "score, mean is 31.0, and by the ledgers 99.0"),
        (f"{STUDY}/study.json", lambda study: study["trials"].update(done=4), "3 trials are done, study.json says 4"),
        (f"{STUDY}/config.json", lambda config: config.update(strategy={"type": "PPO"}), "events.jsonl is not of the"),
        (f"{STUDY}/config.json", lambda config: config["benchmark"]["budget"].update(trials=9), "are not those of toy-v2"),
    ],
)  # fmt: skip
def test_what_was_changed_is_found(packed: Path, name: str, entry: Callable[[Any], Any], sentence: str) -> None:
    with opened(changed(packed, name, entry)) as folder:
        assert any(sentence in found for found in replay([folder])[1])


@pytest.mark.parametrize("path", ["a_trap.Space", "os.system", "subprocess.Popen"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_hostile_config_is_not_executed(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, nested: bool
) -> None:
    code = f"open({str(tmp_path / 'executed')!r}, 'w').close()\nfrom search_spaces.toy.space import ToySpace as Space\n"
    (tmp_path / "a_trap.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_trap", raising=False)
    space = {"type": "Subset", "space": {"type": path}, "choices": {}} if nested else {"type": path}

    def poison(config: dict[str, Any]) -> None:
        config["benchmark"] |= {"space": space, "imports": ["a_trap"]}

    with opened(changed(packed, f"{STUDY}/config.json", poison)) as folder:
        config = json.loads((folder / STUDY / "config.json").read_text())
        opening = json.dumps({"event": "opened", "identity": identity_of(config)})
        (folder / STUDY / "events.jsonl").write_text(f"{opening}\n")
        found = replay([folder])[1]
    assert any(f"there is no space '{path}' here, and none is imported" in one for one in found)
    assert not (tmp_path / "executed").exists()


def deep(levels: int) -> dict[str, Any]:
    space: dict[str, Any] = {"type": "ToySpace"}
    for _ in range(levels):
        space = {"type": "Subset", "space": space, "choices": {}}
    return space


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"type": "ToySpace", "layers": 10**9}, "layers of the space of .* must be at most 4096"),
        (deep(900), r"the space of .* cannot be built.* recursion"),
    ],
    ids=["wide", "deep"],
)
def test_a_space_that_nothing_on_earth_could_build_is_refused(
    packed: Path, space: dict[str, Any], sentence: str
) -> None:
    hostile = changed(packed, f"{STUDY}/config.json", lambda config: config["benchmark"].update(space=space))
    with opened(hostile) as folder, pytest.raises(ValueError, match=sentence):
        replay([folder])
