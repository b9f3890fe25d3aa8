"""Readers of folders and archives: tables of results and what they are made of, weights, caches, bundles of runs."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import pickle
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import mutators as m
import numpy as np
import torch
from hypothesis import strategies as st
from toy_runs import FILES, STRATEGY, TOY, finished, wrote
from verdict import Reader

from benchmarks.analysis.table_sources import converted
from benchmarks.records.bundle import MANIFEST, Bundled, Manifest, extract
from benchmarks.run import Run
from benchmarks.running.job import build_task
from core.table import Schema, table, write_table
from search_spaces.table.space import TableSpace
from tasks.cache import NOTE, cached
from tasks.cost import Meter
from tasks.tabular import TabularTask
from tasks.weights import load_checked


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


def sources(folder: Path) -> Reader:
    """Published results: a compressed list, a pickle in a folder, and folders of compressed pickles."""
    listed, pickled, packs, out = folder / "macro.csv.gz", folder / "201", folder / "nats", folder / "out"
    head = "arch,test_acc_0,test_acc_1,test_acc_2,params,flops\n"
    rows = [
        ",".join(["".join(map(str, arch)), "90.1", "90.2", "nan", "1000", "2000"])
        for arch in product(range(3), repeat=8)
    ]
    text = (head + "\n".join(rows[:40])).encode()
    pickled.mkdir()
    packs.mkdir()
    (packs / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"meta_archs": ["8:8:8:8:64"]})))
    one = {"val_acc": [90.0], "train_time": [1.0], "model_size": [0.1]}
    plain, packed = dict.fromkeys(("000000", "000001", "123400"), one), gzip.compress(text, 1)
    lists = st.one_of(m.damaged(text).map(lambda data: gzip.compress(data, 1)), m.damaged(packed))
    pickles = st.one_of(m.changed(plain).map(pickle.dumps), m.damaged(pickle.dumps(plain)))
    seen = {f"{images}@0": 50.0 for images in ("x-valid", "x-test", "ori-test")}
    run = {"params": np.float64(0.1), "flop": 1.0, "epochs": 1, "train_times": {0: 1.0}, "eval_acc1es": seen}
    sets = "cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"
    nats = {"12": {"all_results": {(data, 777): run for data in sets}}}
    packed_nats = st.one_of(m.changed(nats).map(pickle.dumps), m.damaged(pickle.dumps(nats))).map(bz2.compress)
    packed_nats |= m.damaged(bz2.compress(pickle.dumps(nats)))
    places = {
        "nas-bench-macro": (listed, [listed], lists),
        "nas-bench-201": (pickled, [pickled / f"{name}.pkl" for name in ("cifar10", "cifar100", "imagenet")], pickles),
        "nats-bench": (packs, [packs / "000000.pickle.pbz2"], packed_nats),
    }
    inputs = st.one_of(*(st.tuples(st.just(name), given) for name, (_, _, given) in places.items()))

    def lay(given: tuple[str, bytes]) -> None:
        shutil.rmtree(out, ignore_errors=True)
        for path in places[given[0]][1]:
            path.write_bytes(given[1])

    def read(given: tuple[str, bytes]) -> None:
        try:
            converted(given[0], places[given[0]][0], out)
        except ValueError:
            assert not out.exists()
            raise

    return Reader(("nas-bench-macro", packed), inputs, read, lay, (str(folder),))


def weights(folder: Path) -> Reader:
    """A file of tensors whose parts have changed, under the right sums, or whose bytes have."""
    path = folder / "final.pth"
    torch.save({"a": torch.zeros(2, 3), "b": torch.ones(4, dtype=torch.int64)}, path)
    sound = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def packed(changes: dict[str, bytes]) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, data in {**parts, **changes}.items():
                archive.writestr(name, data)
        return made.getvalue()

    one = st.sampled_from(sorted(parts)).flatmap(
        lambda name: m.damaged(parts[name]).map(lambda data: packed({name: data}))
    )
    inputs = st.one_of(one, one, m.damaged(sound), st.just(packed({"final/data.pkl": pickle.dumps(folder)})))
    return Reader(sound, inputs, lambda given: load_checked(path), wrote(path))


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


READERS: list[Callable[[Path], Reader]] = [tables, sources, weights, caches, bundles]
