"""Readers of folders and archives: tables of results, caches, bundles of runs."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import mutators as m
import numpy as np
from hypothesis import strategies as st
from toy_runs import FILES, STRATEGY, TOY, finished, wrote
from verdict import Reader

from benchmarks.bundle import MANIFEST, Bundled, Manifest, extract
from benchmarks.job import build_task
from benchmarks.run import Run
from core.table import Schema, table, write_table
from search_spaces.table.space import TableSpace
from tasks.cache import NOTE, cached
from tasks.cost import Meter
from tasks.tabular import TabularTask


def tables(folder: Path) -> Reader:
    """A table whose schema, columns or bytes have changed; the sums may be right, as another program would make them."""
    place, decisions = folder / "table", {"a": (0, 1, 2), "b": ("x", "y")}
    splits, kept = {"val": "val", "test": "val"}, tuple(decisions.items())
    schema = Schema(1, "tiny", "here", "MIT", kept, (1, 4), 2, {"score": True}, splits, ("params",))
    values = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
    columns = {
        "code": np.arange(6, dtype=np.int32),
        "group": np.array([0, 1, 2, 3, 4, 4], np.int32),
        "val.score": values,
    }
    columns |= {"params": np.arange(6.0), "seconds": values}
    write_table(place, schema, columns)
    sound = json.loads((place / "table.json").read_text())
    whole = {one.name: one.read_bytes() for one in place.iterdir()}
    other = [np.arange(3), values.astype(str), np.full((6, 2, 2), np.nan, np.float32), np.zeros((6, 0, 2)), np.array(7)]
    other += [
        np.array([{}] * 6, object),
        np.full(6, 2**40),
        np.full(6, -1),
        np.zeros(6, complex),
        np.arange(6)[::-1].copy(),
    ]
    made = st.tuples(st.sampled_from(list(columns)), st.sampled_from(other)).map(lambda one: {one[0]: _npy(one[1])})
    torn = st.sampled_from(list(columns)).flatmap(
        lambda one: m.damaged(whole[f"{one}.npy"]).map(lambda data: {one: data})
    )
    inputs = st.one_of(m.documents(sound), made, torn)

    def lay(given: Any) -> None:
        table.cache_clear()
        for name, data in whole.items():
            (place / name).write_bytes(data)
        if isinstance(given, bytes):
            (place / "table.json").write_bytes(given)
            return
        kept = json.loads(json.dumps(sound))
        for name, data in given.items():
            (place / f"{name}.npy").write_bytes(data)
            kept["columns"][name]["sha256"] = sha256(data).hexdigest()
        (place / "table.json").write_text(json.dumps(kept))

    def read(given: Any) -> None:
        space, config = TableSpace(str(place)), {**TOY, "gate": None, "reward": {"type": "Metric", "name": "score"}}
        TabularTask(str(place), "score").measure(space.model(space.sample(Random(0))), ["params"])
        local = {"type": "TabularTask", "table": str(place), "metric": "score"}
        stages = [{"name": "first", "recipe": {"epochs": 1}}]
        final = {"name": "final", "view": {"eval": "test"}, "recipe": {"epochs": 4}}
        config |= {
            "task": local,
            "space": {"type": "TableSpace", "table": str(place)},
            "stages": stages,
            "final": final,
        }
        one = Run({"benchmark": config, "strategy": STRATEGY}, "x", 0, folder / "out", "cpu")
        one.prepare()
        build_task.cache_clear()

    return Reader(m.written(sound), inputs, read, lay, ("table",))


def _npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def caches(folder: Path) -> Reader:
    """What a damaged entry of a cache comes to: it is made again."""
    root = folder / "out"

    def entry() -> Path:
        with contextlib.redirect_stderr(io.StringIO()):
            return cached(root, "thing", {"a": 1}, lambda place: place.joinpath("x").write_bytes(b"12345"), Meter())[0]

    sound = json.loads((entry() / NOTE).read_text())

    def read(given: bytes) -> None:
        shutil.rmtree(root)
        entry().joinpath(NOTE).write_bytes(given)
        assert (entry() / "x").read_bytes() == b"12345"

    return Reader(m.written(sound), m.documents(sound), read)


def bundles(folder: Path) -> Reader:
    """A zip archive of runs: its bytes, its list, or the names, kinds and ways of packing of what is in it."""
    run, path, target = finished(folder), folder / "runs.zip", folder / "out"
    files = {f"runs/{name}": (run / name).read_bytes() for name in FILES}
    one = Bundled("toy-fuzzed-v1", "evolution", 0, True, "0" * 16, "", {})
    sums = {name: sha256(data).hexdigest() for name, data in files.items()}
    listed = json.loads(json.dumps(asdict(Manifest(1, "", {}, (one,), sums))))

    def packed(
        manifest: Any, names: dict[str, str], how: int = zipfile.ZIP_DEFLATED, kind: int = stat.S_IFREG
    ) -> bytes:
        made = io.BytesIO()
        warnings.simplefilter("ignore")  # zipfile warns of names that are there twice
        with zipfile.ZipFile(made, "w", how) as archive:
            archive.writestr(MANIFEST, m.written(manifest))
            for name, data in files.items():
                info = zipfile.ZipInfo(names.get(name, name))
                info.external_attr, info.compress_type = (kind | 0o644) << 16, how
                archive.writestr(info, data)
        return made.getvalue()

    sound = packed(listed, {})
    ways = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    others = [
        "../x",
        "/x",
        "a/../b",
        "",
        "a/",
        "x" * 300,
        "a\\b",
        "C:x",
        "\u202e",
        "bundle.json",
        "runs/config.json/x",
        "a\nb",
    ]
    renamed = st.dictionaries(st.sampled_from(list(files)), st.sampled_from(others), min_size=1)
    kinds = st.sampled_from([stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, 0])
    archives = st.sampled_from(ways).flatmap(lambda how: m.damaged(packed(listed, {}, how)))
    inputs = st.one_of(
        m.changed(listed).map(lambda given: packed(given, {})), st.builds(packed, st.just(listed), renamed, st.just(8), kinds),
        archives, archives, m.damaged(sound[-400:]).map(lambda end: sound[:-400] + end),
    )  # fmt: skip

    def read(given: bytes) -> None:
        shutil.rmtree(target, ignore_errors=True)
        extract(path, target)

    return Reader(sound, inputs, read, wrote(path), (path.name,))


READERS: list[Callable[[Path], Reader]] = [tables, caches, bundles]
