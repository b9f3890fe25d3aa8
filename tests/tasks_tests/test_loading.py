"""Reading ahead: the same batches whoever makes them, errors as they were, and an end of the processes in every case."""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.benchmark import rules
from benchmarks.executors import ProcessExecutor
from benchmarks.running.job import Job, run
from core import build
from tasks import TASKS, Stage
from tasks import loading as loading_module
from tasks.loading import read_ahead
from tasks.registry import DATA
from tasks.trainable import Trainable

ROOT = Path(__file__).parents[2]
SPACE = json.dumps(dict(type="ToySpace", layers=4))


def numbers(request: int) -> tuple[np.ndarray, ...]:
    return np.full((2, 3), request, dtype=np.uint8), np.array([request, os.getpid()])


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_what_is_made_comes_in_order_and_the_first_from_this_process(workers: int) -> None:
    before = torch.get_rng_state()
    made = list(read_ahead(numbers, iter(range(9)), workers))
    assert [int(second[0]) for _, second in made] == list(range(9))
    assert all((first == number).all() and first.dtype == torch.uint8 for number, (first, _) in enumerate(made))
    makers = [int(second[1]) for _, second in made]
    assert makers[0] == os.getpid()
    assert (os.getpid() in makers[1:]) == (workers == 0)
    assert len(set(makers)) == workers + 1
    assert torch.equal(torch.get_rng_state(), before), "dropout draws from there"
    assert not multiprocessing.active_children()
    assert list(read_ahead(numbers, [], workers)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_the_one_that_was_raised(workers: int) -> None:
    def broken(request: int) -> tuple[np.ndarray, ...]:
        if request == 3:
            raise ValueError("a.png is missing: put it back")
        return numbers(request)

    seen = []
    with pytest.raises(ValueError, match=r"^a\.png is missing: put it back$"):
        seen.extend(int(second[0]) for _, second in read_ahead(broken, range(9), workers))
    assert not multiprocessing.active_children()


def test_processes_end_with_what_reads_them() -> None:
    with closing(read_ahead(numbers, range(100), 2)) as made:
        assert len([next(made), next(made)]) == 2
        assert len(multiprocessing.active_children()) == 2
    assert not multiprocessing.active_children()
    for _ in read_ahead(numbers, range(100), 2):
        break
    assert not multiprocessing.active_children()


def test_no_more_processes_than_the_shared_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(loading_module.shutil, "disk_usage", lambda path: usage(4 * 22 + 1))  # a batch has 22 bytes
    with pytest.warns(UserWarning, match="has room for the batches of 1 of 2 processes"):
        made = list(read_ahead(numbers, range(9), 2))
    assert len({int(second[1]) for _, second in made}) == 2, "this process and one more"


LOOP = """
import os, sys
import numpy as np
if "tool" in sys.argv:
    sys.path.insert(0, "tools")
    import command_line
from tasks.loading import read_ahead

def make(request):
    if request == 1:
        print(os.getpid(), flush=True)
    return (np.zeros(1),)

for count, _ in enumerate(read_ahead(make, range(10**9), 1)):
    pass
"""


@pytest.fixture
def reading(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that reads without end, in a group of its own, and the id of the worker that reads for it."""
    command = [sys.executable, "-c", LOOP, request.param]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which who runs in the background has not
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout
    with process:
        yield process, int(process.stdout.readline())
        process.kill()


@pytest.mark.parametrize(
    ("reading", "how", "whole", "code"),
    [
        ("tool", signal.SIGINT, True, 130),
        ("tool", signal.SIGTERM, False, 143),
        ("plain", signal.SIGINT, True, -signal.SIGINT),
        ("plain", signal.SIGTERM, False, -signal.SIGTERM),
        ("plain", signal.SIGKILL, False, -signal.SIGKILL),
    ],
    indirect=["reading"],
)
def test_workers_end_with_a_process_however_that_ends(
    reading: tuple[subprocess.Popen[str], int], how: signal.Signals, whole: bool, code: int
) -> None:
    """Also a worker that a group's interrupt has reached, and without a word of its own."""
    process, worker = reading
    handle = os.pidfd_open(worker)
    (os.killpg if whole else os.kill)(process.pid, how)
    assert process.wait(60) == code
    assert select.select([handle], [], [], 60)[0], "the worker has ended"
    os.close(handle)
    assert process.stderr
    said = process.stderr.read()
    assert said.count("the same command goes on from here") == (code > 0)


@pytest.fixture
def on_files(photos: Path) -> Trainable:
    """Restoration on files, read by two processes."""
    data = dict(type="FolderImages", root=str(photos))
    return build(
        TASKS, dict(type="RestorationTask", data=data, degradation=dict(type="Noise", sigma=40)), cache="", workers=2
    )


NETWORK = dict(network=dict(type="densebench.DnCNN", channels=1, width=4, depth=3))


def test_a_training_is_the_same_with_and_without_processes(on_files: Trainable, photos: Path, stage) -> None:
    """Also in a job's own process."""
    here = stage(epochs=3, batch=3)
    metrics = on_files.fit(NETWORK, here, seed=1).metrics
    on_files.workers = 0
    assert on_files.fit(NETWORK, here, seed=1).metrics == metrics
    assert not multiprocessing.active_children()
    data = dict(type="FolderImages", root=str(photos))
    task = dict(type="RestorationTask", data=data, degradation=dict(type="Noise", sigma=40), cache="")
    jobs = [Job(json.dumps({**task, "workers": workers}), SPACE, NETWORK, None, here, 1) for workers in (0, 2)]
    with ProcessExecutor(1) as executor:
        outcomes = [executor.submit(run, job).result() for job in jobs]
    assert outcomes[0].metrics == outcomes[1].metrics == pytest.approx(metrics, rel=1e-6)


def test_several_epochs_in_a_row_are_those_one_by_one(on_files: Trainable, stage) -> None:
    here: Stage = stage(epochs=3, batch=3)
    row = [batch.inputs for batch in on_files.batches(here, 5, 1, 2)]
    single = [batch.inputs for epoch in (1, 2) for batch in on_files.batches(here, 5, epoch)]
    assert len(row) == 6
    assert all(torch.equal(one, other) for one, other in zip(row, single, strict=True))


def test_a_damaged_file_is_named_as_ever(tmp_path: Path, photos: Path, stage) -> None:
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        for path in sorted((photos / split).iterdir()):
            (tmp_path / split / path.name).write_bytes(path.read_bytes())
    task = build(
        TASKS,
        dict(type="RestorationTask", data=dict(type="FolderImages", root=str(tmp_path))),
        degradation=dict(type="Noise", sigma=40), cache="", workers=2,
    )  # fmt: skip
    for path in (tmp_path / "train").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"^\S+train/\d\.png cannot be decoded .*: replace the file$"):
        list(task.batches(stage(), 0, 0))
    assert not multiprocessing.active_children()


def test_who_reads_ahead(photos: Path) -> None:
    noise, threads = dict(type="Noise", sigma=40), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        for data, expected in ((dict(type="FolderImages", root=str(photos)), 3), (dict(type="ScenesImages"), 0)):
            task = build(TASKS, dict(type="RestorationTask", data=data, degradation=noise), cache="")
            assert task.reading == expected
    finally:
        torch.set_num_threads(threads)
    with pytest.raises(ValueError, match="workers must be from 0 to 256, or None, not -1"):
        build(TASKS, dict(type="RestorationTask", data=data, degradation=noise), cache="", workers=-1)
    assert build(DATA, dict(type="StratifiedSubset", data=dict(type="ScenesDetection"), images=20)).in_memory


def test_workers_are_no_rule() -> None:
    task = dict(type="SegmentationTask", input_size=[8, 8])
    assert (
        rules(dict(task=dict(task, workers=3))) == rules(dict(task=dict(task, workers=None))) == rules(dict(task=task))
    )
    assert rules(dict(task=dict(task, workers="many"))) != rules(dict(task=task))
