"""How many threads a run's trainings have: measured once, recorded, and the same when it goes on."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import read_protocol, run_configs
from benchmarks.executors import InlineExecutor, threads_each
from benchmarks.run import Run
from benchmarks.running import threads
from benchmarks.running.job import build_task, build_trainable
from benchmarks.running.threads import GAIN, MOST, gain, seconds, settle, use
from tasks import Stage
from tasks.trainable import Trainable
from tasks.training import step_on

TOOLS = Path(__file__).resolve().parents[2] / "tools"


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


def opened(
    toy_config: dict[str, Any], work: Path, strategy: str = "RandomSearch", name: str = "one", **more: Any
) -> Run:
    one = Run({"benchmark": toy_config, "strategy": dict(type=strategy), **more}, name, 0, work, "cpu")
    one.prepare()
    return one


def begun(one: Run) -> int:
    """The threads that its trainings have, behind a first line of its record."""
    one.open(InlineExecutor(), 1).close()
    return torch.get_num_threads()


def recorded(one: Run) -> Any:
    return json.loads((one.folder / "config.json").read_text()).get("threads")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """What is said of several threads, one entry for each time that somebody asks; three cores."""
    gains: list[float | None] = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "cores", lambda: 3)
    monkeypatch.setattr(threads, "gain", lambda *what: gains.pop())
    return gains


@pytest.mark.parametrize(("found", "chosen"), [(0.5, 1), (1.0, 1), (GAIN, 3), (3.0, 3)])
def test_several_threads_must_gain(toy_config, tmp_path: Path, measured, found: float, chosen: int) -> None:
    measured.append(found)
    one = opened(toy_config, tmp_path)
    said = list(settle([one], 3))
    assert said == ([f"toy-test-v1: one thread, as 3 take a step {found:.2f} times as fast"] if chosen == 1 else [])
    assert begun(one) == recorded(one) == chosen


def test_a_benchmark_is_measured_once_for_all_that_ask_for_trials(toy_config, tmp_path: Path, measured) -> None:
    measured.append(0.9)
    asking = [opened(toy_config, tmp_path, name=name) for name in ("one", "two")]
    mixture = opened(toy_config, tmp_path, "DARTS", "darts")  # whose steps are another's
    assert len(list(settle([*asking, mixture], 2))) == 1
    assert [one.threads for one in (*asking, mixture)] == [1, 1, 2]


def test_what_cannot_be_told_is_not_recorded(toy_config, tmp_path: Path, measured) -> None:
    measured.append(None)
    one, before = opened(toy_config, tmp_path), torch.get_num_threads()
    assert list(settle([one], 2)) == []
    assert (begun(one), recorded(one)) == (before, None)
    again = opened(toy_config, tmp_path)
    list(settle([again], 2))
    assert again.threads == 2  # as all runs had before there was such a record


def test_a_run_goes_on_with_the_threads_that_it_began_with(toy_config, tmp_path: Path, measured, monkeypatch) -> None:
    measured.append(1.5)
    one = opened(toy_config, tmp_path)
    list(settle([one], 2))
    assert begun(one) == recorded(one) == 2
    again = opened(toy_config, tmp_path)
    assert list(settle([again], 1)) == []
    assert begun(again) == 2
    ((_, dumped),) = run_configs(str(one.folder / "config.py"))
    elsewhere = opened(toy_config, tmp_path / "elsewhere", threads=dumped["threads"])
    list(settle([elsewhere], 3))
    assert begun(elsewhere) == recorded(elsewhere) == 2
    assert elsewhere.dump["protocol_hash"] == one.dump["protocol_hash"]


@pytest.mark.parametrize("how", ["a small machine", "the user's own", "a pool"])
def test_what_a_run_began_with_stays_recorded(toy_config, tmp_path: Path, measured, monkeypatch, how: str) -> None:
    one = opened(toy_config, tmp_path, threads=2)
    list(settle([one], 3))
    assert begun(one) == 2
    monkeypatch.setattr(threads, "cores", lambda: 1)
    if how == "the user's own":
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
    again = opened(toy_config, tmp_path)
    if how == "a pool":  # whose workers have threads of their own
        use(1)
    else:
        list(settle([again], 1))
    assert begun(again) == 1
    assert recorded(again) == 2


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
    before, network = task.meter.reading(), task.begin(model, stage, seed=0)
    weights = {name: weight.clone() for name, weight in network.named_parameters()}
    step = step_on(task, stage, network, next(task.batches(stage, 0, 0)))
    assert step() > 0
    assert any(not torch.equal(weight, weights[name]) for name, weight in network.named_parameters())
    assert gain(task, stage, model, 2) > 0  # type: ignore[operator]
    assert task.meter.reading().images == before.images


def test_what_takes_no_steps_or_fails_says_nothing(denoising, toy_config, monkeypatch: pytest.MonkeyPatch) -> None:
    task, stage, model = denoising
    assert gain(task, replace(stage, recipe=replace(stage.recipe, lr=1e30)), model, 2) is None  # not finite
    monkeypatch.setattr(threads, "seconds", lambda step, counts: pytest.fail("timed"))
    assert gain(task, replace(stage, recipe=replace(stage.recipe, epochs=0)), model, 2) is None
    for benchmark in (Benchmark(toy_config), Benchmark(read_protocol("nas-bench-macro-v1")["benchmark"])):
        assert gain(build_task(json.dumps(benchmark.proxy)), benchmark.stages[0], {}, 2) is None


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


@pytest.mark.parametrize(("more", "asked"), [((), True), (("--executor", "process"), False)])
def test_the_command_chooses_threads_where_nobody_else_does(tmp_path: Path, monkeypatch, more, asked: bool) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    tool = runpy.run_path(str(TOOLS / "run_benchmark.py"))
    seen = list[int]()
    monkeypatch.setitem(tool["main"].__globals__, "settle", lambda runs, most: iter(seen.append(most) or ()))
    command = ["run_benchmark.py", "toy", "--strategy", "random_search", "--seed", "0", "--work-dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*command, "--quiet", "--cfg-options", "benchmark.budget.trials=2", *more])
    assert tool["main"]() == 0
    assert seen == ([threads_each(1)] if asked else [])
