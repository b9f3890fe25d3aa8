"""Readers of what runs leave: their records, as a study goes on from them, and as whoever ranks runs sees them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mutators as m
from hypothesis import strategies as st
from toy_runs import FILES, STRATEGY, TOY, finished, wrote
from verdict import Reader

from benchmarks.analysis.table_building import Entry
from benchmarks.benchmark import Benchmark
from benchmarks.executors import InlineExecutor
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import read_events, read_trials
from benchmarks.records.entries import read_answer, read_config, read_study
from benchmarks.records.journal import Journal
from benchmarks.records.replay import replay
from benchmarks.report.answers import read_report
from benchmarks.run import Run
from benchmarks.study import Study
from core import build
from search_spaces import SPACES
from strategies import STRATEGIES
from tasks.checkpoint import found_backbone


def _entry(name: str, check: Callable[[Path], Any], folder: Path) -> Reader:
    """A file of a run's folder: by itself, and as whoever ranks runs sees it."""
    run = finished(folder)
    path, sound = run / name, json.loads((run / name).read_text())

    def read(given: bytes) -> None:
        check(path.parent)
        board = Leaderboard.of([run])
        assert all((board.markdown(), board.csv(), board.json(), board.problems() is not None))
        replay([run])

    return Reader(m.written(sound), m.documents(sound), read, wrote(path), (str(run),))


study_files, config_records, answer_files = (
    partial(_entry, name, check)
    for name, check in (
        ("study.json", read_study),
        ("config.json", read_config),
        ("answers/0/answer.json", read_answer),
    )
)


def _lines(name: str, check: Callable[..., Any], folder: Path) -> Reader:
    run, space = finished(folder), build(SPACES, TOY["space"])
    sound = [json.loads(line) for line in (run / name).read_text().splitlines()]
    data = (run / name).read_bytes()
    return Reader(data, m.lines(sound), lambda given: check(run / name, space), wrote(run / name), (str(run),))


trials, events = (
    partial(_lines, f"{name}.jsonl", read) for name, read in (("trials", read_trials), ("events", read_events))
)


def ledgers(folder: Path) -> Reader:
    """A study that goes on from its record, whichever lines of it are there."""
    run, benchmark, out = finished(folder), Benchmark(TOY), folder / "out"
    records = [[json.loads(line) for line in (run / name).read_text().splitlines()] for name in FILES[2:]]
    task, identity = json.dumps({**TOY["task"], "cache": "", "device": "cpu"}), records[1][0]["identity"]
    kept = st.tuples(*(st.integers(0, len(lines)) for lines in records))
    some = kept.map(lambda count: [lines[:most] for lines, most in zip(records, count, strict=True)])
    both = st.tuples(st.just(records[0]), m.changed(records[1]).filter(lambda given: isinstance(given, list)))

    def read(given: Any) -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name, lines in zip(FILES[2:], given, strict=True):
            (out / name).write_bytes(b"".join(m.written(line) + b"\n" for line in lines))
        with Study(benchmark, 0, task, InlineExecutor(), 1, out, identity) as study:
            build(STRATEGIES, STRATEGY).search(study)
            assert len(study.trials) == TOY["budget"]["trials"]

    return Reader(records, st.one_of(some.flatmap(m.changed).filter(_two), both, some), read)


def _two(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 2 and all(isinstance(one, list) for one in given)


def reports(folder: Path) -> Reader:
    confusion = {"classes": ["a", "b"], "counts": [[1, 2], [3, 4]]}
    example = {"name": "test 0", "files": {"input": "examples/0-input.png"}, "score": {"PSNR": 30.0}}
    sound = {"curve": [{"epoch": 1, "loss": 0.5}], "confusion": confusion, "examples": [example]}
    path = folder / "report.json"
    return Reader(m.written(sound), m.documents(sound), lambda given: read_report(folder), wrote(path), (path.name,))


def networks(folder: Path) -> Reader:
    """What an answer's network.json says of a backbone to begin with."""
    path = folder / "network.json"
    (folder / "final.pth").write_bytes(b"")
    sound = {"task": {}, "model": {"backbone": {"type": "densebench.MBConv", "stages": [[1, 16]]}}}
    return Reader(
        m.written(sound), m.documents(sound), lambda given: found_backbone(folder), wrote(path), (str(folder),)
    )


def journals(folder: Path) -> Reader:
    path, one = (
        folder / "out" / "toy.jsonl",
        Run({"benchmark": TOY, "strategy": STRATEGY}, "x", 0, folder / "runs", "cpu"),
    )
    head = {"protocol_hash": one.dump["protocol_hash"], "benchmark": TOY["id"]}
    entry = {"key": "a" * 16, "run": 0, "metrics": {"val": [{"score": 1.0}]}, "seconds": [1.0], "error": ""}

    def lay(given: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(given)

    sound = [head, entry]
    data = b"".join(m.written(line) + b"\n" for line in sound)
    return Reader(data, m.lines(sound), lambda given: Journal(path, one, Entry, "a training"), lay, (path.name,))


READERS: list[Callable[[Path], Reader]] = [
    trials, events, ledgers, study_files, config_records, answer_files, reports, networks, journals,
]  # fmt: skip
