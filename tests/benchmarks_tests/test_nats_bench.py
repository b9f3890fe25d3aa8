"""NATS-Bench as its files have it: dicts by schedule, data set and seed, as pickles that bzip2 has packed."""

from __future__ import annotations

import bz2
import pickle
import re
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.analysis.plain_pickles import plain
from benchmarks.analysis.table_sources import converted

IMAGES = {"cifar10-valid": ["x-valid"], "cifar10": ["ori-test"]}
IMAGES |= {data: ["x-valid", "x-test", "ori-test"] for data in ("cifar100", "ImageNet16-120")}
CELLS = [
    "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",  # the same, as nothing needs the convolution
    "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
]
SIZES = ["8:8:8:8:8", "64:16:8:24:56"]


def pack(path: Path, content: Any) -> None:
    path.write_bytes(bz2.compress(pickle.dumps(content, 4)))


def accuracy(row: int, data: str, images: str, seed: int, epoch: int) -> float:
    """One that tells where it comes from."""
    return row + list(IMAGES).index(data) / 10 + IMAGES[data].index(images) / 100 + seed / 1e5 + epoch / 1e7


def trained(row: int, epochs: int, seeds: list[int], old: bool) -> dict[str, Any]:
    """The results of a schedule; `old` ones looked at the halves of the test images after the last epoch only."""
    results = {}
    for data, seed in ((data, seed) for data in IMAGES for seed in seeds):
        accuracies = {
            f"{images}@{epoch}": accuracy(row, data, images, seed, epoch)
            for images in IMAGES[data]
            for epoch in range(epochs)
            if not old or data == "cifar10-valid" or images == "ori-test" or epoch == epochs - 1
        }
        results[data, seed] = {
            "name": data, "net_state_dict": None, "params": np.float64(0.5 if seed == 888 else 0.25), "flop": 2.0,
            "epochs": epochs, "train_times": OrderedDict.fromkeys(range(epochs), 1.5), "eval_acc1es": accuracies,
        }  # fmt: skip
    return {"arch_index": row, "all_results": results, "dataset_seed": dict.fromkeys(IMAGES, seeds)}


def lay(folder: Path, names: list[str], full: str) -> Path:
    """A folder as it is unpacked: the first network has two seeds, all others one."""
    folder.mkdir()
    pack(folder / "meta.pickle.pbz2", {"meta_archs": names, "arch2infos": None, "evaluated_indexes": set()})
    for row in range(len(names)):
        seeds = [777, 888] if row == 0 else [777]
        kept = {"12": trained(row, 12, [777], False), full: trained(row, int(full), seeds, full == "200")}
        pack(folder / f"{row:06d}.pickle.pbz2", OrderedDict(kept))
    return folder


def test_cells_after_the_last_of_200_epochs(tmp_path: Path) -> None:
    table = converted("nats-bench", lay(tmp_path / "tss", CELLS, "200"), tmp_path / "out")
    assert (table.schema.name, table.schema.epochs, table.schema.runs) == ("nats-bench-topology", (200,), 2)
    assert table.groups == {0: [0, 1], 2: [2]}
    assert [*table.choices(2).values()] == ["avg_pool_3x3", "none", "skip_connect", "none", "none", "nor_conv_1x1"]
    looked = {
        "val.cifar10": ("cifar10-valid", "x-valid"), "test.cifar10": ("cifar10", "ori-test"),
        "val.cifar100": ("cifar100", "x-valid"), "test.cifar100": ("cifar100", "x-test"),
        "val.imagenet16": ("ImageNet16-120", "x-valid"), "test.imagenet16": ("ImageNet16-120", "x-test"),
    }  # fmt: skip
    for column, (data, images) in looked.items():
        found = table.column(column)[:, :, 0]
        for row, run in ((0, 0), (0, 1), (1, 0), (2, 0)):
            assert found[row, run] == pytest.approx(accuracy(row, data, images, (777, 888)[run], 199), rel=1e-6)
        assert np.isnan(found[1:, 1]).all()
    assert table.column("seconds")[0, :, 0].tolist() == [300, 300]
    assert table.column("params").tolist() == [5e5, 2.5e5, 2.5e5]  # of the seed 888, where there is one
    assert table.column("madds").tolist() == [2e6] * 3


def test_curves_of_12_epochs_and_sizes(tmp_path: Path) -> None:
    cells = converted("nats-bench-12", lay(tmp_path / "tss", CELLS, "200"), tmp_path / "cells")
    assert cells.schema.epochs == tuple(range(1, 13))
    curve = [accuracy(2, "cifar100", "x-valid", 777, epoch) for epoch in range(12)]
    assert cells.metric("val", "cifar100")[2, 0].tolist() == pytest.approx(curve, rel=1e-6)
    assert cells.column("seconds")[2, 0].tolist() == [1.5 * epochs for epochs in range(1, 13)]
    sizes = converted("nats-bench", lay(tmp_path / "sss", SIZES, "90"), tmp_path / "sizes")
    assert (sizes.schema.name, len(sizes.schema.epochs), len(sizes.groups)) == ("nats-bench-size", 90, 2)
    assert [*sizes.choices(1).values()] == [64, 16, 8, 24, 56]


def test_seeds_without_all_data_sets_are_not_drawn(tmp_path: Path) -> None:
    source = lay(tmp_path / "sss", SIZES, "90")
    changed = plain(source / "000000.pickle.pbz2")
    del changed["90"]["all_results"]["cifar100", 777]
    pack(source / "000000.pickle.pbz2", changed)
    table = converted("nats-bench", source, tmp_path / "out")
    assert {table.training(0, seed) for seed in range(20)} == {(0, 1)}


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("meta.pickle.pbz2", None, "give the folder that"),
        ("meta.pickle.pbz2", bz2.compress(pickle.dumps({"meta_archs": ["|none~0|"]})), "is no cell of four nodes"),
        ("000001.pickle.pbz2", b"BZh9 damaged", "000001.pickle.pbz2 cannot be read: Invalid data stream"),
        ("000001.pickle.pbz2", bz2.compress(pickle.dumps({}))[:-4], "it is cut off, or unpacks to more than"),
        ("000001.pickle.pbz2", bz2.compress(pickle.dumps(Path("x"))), "only plain data is read"),
        ("000001.pickle.pbz2", bz2.compress(pickle.dumps({"12": {}})), "does not hold the results of nats-bench"),
        ("000001.pickle.pbz2", bz2.compress(b""), "does not hold the results of nats-bench"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, name: str, data: bytes | None, why: str) -> None:
    source = lay(tmp_path / "tss", CELLS, "200")
    (source / name).unlink()
    if data is not None:
        (source / name).write_bytes(data)
    with pytest.raises(ValueError, match=why):
        converted("nats-bench", source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.analysis.plain_pickles.LARGEST", 2**20)
    pack(tmp_path / "one.pbz2", "x" * 2**21)
    with pytest.raises(ValueError, match="more than 1 MiB"):
        plain(tmp_path / "one.pbz2")


def test_numbers_of_numpy_are_read_as_numbers(tmp_path: Path) -> None:
    path, given = tmp_path / "one.pkl", [np.float64(0.1), np.float32(0.5), np.int64(-(2**40))]
    data = pickle.dumps(given, 3)  # names have no length before them there
    for module in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
        path.write_bytes(re.sub(rb"numpy\._?core\.multiarray", module, data))
        found = plain(path)
        assert [(type(one), one) for one in found] == [(float, 0.1), (float, 0.5), (int, -(2**40))]
    data = pickle.dumps(given[:1], 3).replace(struct.pack("<d", 0.1), struct.pack(">d", 0.1)).replace(b"\0<", b"\0>")
    path.write_bytes(data)
    assert plain(path) == [0.1]
