"""How many threads a run's trainings have: measured once, recorded, and the same when it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks import run as run_module
from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol, run_configs
from benchmarks.executors import InlineExecutor
from benchmarks.run import Run
from benchmarks.running import threads
from benchmarks.running.job import build_task, build_trainable
from benchmarks.running.threads import GAIN, MOST, fastest, seconds
from tasks import Stage
from tasks.trainable import Trainable


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def denoising() -> tuple[Trainable, Stage, dict[str, Any]]:
    """A task that trains, without an encoder to be made first, a short stage, and a network."""
    benchmark = Benchmark(read_protocol("scenes-denoise-v2")["benchmark"])
    stage = benchmark.stages[0]
    task = build_trainable(json.dumps({**benchmark.proxy, "cache": "", "device": "cpu"}))
    model = benchmark.space.model(benchmark.space.sample(Random(1)))
    return task, replace(stage, view=replace(stage.view, share=0.1)), model


def opened(toy_config: dict[str, Any], work: Path, **more: Any) -> Run:
    one = Run({"benchmark": toy_config, "strategy": dict(type="RandomSearch"), **more}, "one", 0, work, "cpu")
    one.prepare()
    return one


def begun(one: Run) -> int:
    """The threads that its trainings have."""
    one.open(InlineExecutor(), 1).close()
    return torch.get_num_threads()


@pytest.mark.parametrize(("gain", "chosen"), [(0.5, 1), (1.0, 1), (GAIN, 4), (3.0, 4)])
def test_several_threads_must_gain(denoising, monkeypatch: pytest.MonkeyPatch, gain: float, chosen: int) -> None:
    task, stage, model = denoising
    monkeypatch.setattr(threads, "seconds", lambda step, counts: [gain, 1.0])
    assert fastest(task, stage, model, 4) == (chosen, gain)


def test_steps_are_timed_in_turns_and_leave_the_threads_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = torch.get_num_threads(), list[int]()
    counts, clock = (1, 2), iter(range(1000))
    monkeypatch.setattr(threads.time, "perf_counter", lambda: next(clock) * 1e-3)
    taken = seconds(lambda: seen.append(torch.get_num_threads()), counts)
    assert seen == [*counts] * (1 + MOST)
    assert taken == pytest.approx([1e-3, 1e-3])
    monkeypatch.setattr(threads.time, "perf_counter", lambda: next(clock))
    seen.clear()
    seconds(lambda: seen.append(torch.get_num_threads()), counts)
    assert seen == [*counts] * 2  # a slow step is not taken more often than it must
    assert torch.get_num_threads() == before


def test_a_step_moves_weights_and_is_not_metered(denoising) -> None:
    task, stage, model = denoising
    before = task.meter.reading()
    assert fastest(task, stage, model, 2)[1] > 0
    assert task.meter.reading().images == before.images


def test_what_trains_nothing_is_not_timed(denoising, toy_config, monkeypatch: pytest.MonkeyPatch) -> None:
    task, stage, model = denoising
    monkeypatch.setattr(threads, "seconds", lambda step, counts: pytest.fail("timed"))
    assert fastest(task, replace(stage, recipe=replace(stage.recipe, epochs=0)), model, 4) == (4, 1.0)
    assert fastest(task, stage, model, 1) == (1, 1.0)
    toy = Benchmark(toy_config)
    assert fastest(build_task(json.dumps(toy.proxy)), toy.stages[0], {}, 4) == (4, 1.0)
    table = Benchmark(read_protocol("nas-bench-macro-v1")["benchmark"])
    assert fastest(build_task(json.dumps(table.proxy)), table.stages[0], {}, 4) == (4, 1.0)


def test_a_run_goes_on_with_the_threads_that_it_began_with(
    toy_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "cores", lambda: 3)
    monkeypatch.setattr(run_module, "fastest", lambda task, stage, model, most: (2, 1.5))
    one = opened(toy_config, tmp_path)
    assert one.settle_threads(3) == 1.5
    assert begun(one) == 2
    assert json.loads((one.folder / "config.json").read_text())["threads"] == 2
    monkeypatch.setattr(run_module, "fastest", lambda *what: pytest.fail("measured again"))
    again = opened(toy_config, tmp_path)
    assert again.settle_threads(1) == 1.0
    torch.set_num_threads(1)
    assert begun(again) == 2
    ((_, dumped),) = run_configs(str(one.folder / "config.py"))
    elsewhere = opened(toy_config, tmp_path / "elsewhere", **{"threads": dumped["threads"]})
    elsewhere.settle_threads(3)
    assert elsewhere.dump["threads"] == 2
    assert elsewhere.dump["protocol_hash"] == one.dump["protocol_hash"]
    monkeypatch.setattr(run_module, "cores", lambda: 1)
    small = opened(toy_config, tmp_path)
    small.settle_threads(1)
    assert small.dump["threads"] == 1  # no more than there are cores


def test_workers_have_threads_of_their_own(toy_config, tmp_path: Path) -> None:
    class Pool(InlineExecutor.__base__):  # type: ignore[misc,name-defined]
        pass

    one = opened(toy_config, tmp_path, threads=torch.get_num_threads() + 1)
    one.open(Pool(), 1).close()
    assert torch.get_num_threads() == one.dump["threads"] - 1


@pytest.mark.parametrize("given", [0, -1, 1.5, True, "two"])
def test_bad_numbers_of_threads(toy_config, tmp_path: Path, given: Any) -> None:
    with pytest.raises(ValueError, match="threads of a run must be a whole number from 1, not"):
        opened(toy_config, tmp_path, threads=given)
    one = opened(toy_config, tmp_path)
    begun(one)
    path = one.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "threads": given}))
    with pytest.raises(ValueError, match="threads"):
        opened(toy_config, tmp_path)
