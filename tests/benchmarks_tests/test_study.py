"""A study: meters, reuses, gates, survives failures, dead workers and kills."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors import InlineExecutor, ProcessExecutor
from benchmarks.study import Study
from strategies import Proposal, Trial
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks import TASKS
from tasks.toy import ToyTask

TOY = {"type": "tasks.toy.ToyTask", "noise": 4.0}


def toy(**changes: Any) -> Benchmark:
    config = read_config(next(strategy_files("toy"))).to_dict()["benchmark"]
    return replace(Benchmark.of(config), **changes)


def study(
    folder: Path, benchmark: Benchmark | None = None, task: dict[str, Any] | None = None, **settings: Any
) -> Study:
    folder.mkdir(exist_ok=True)
    executor = settings.pop("executor", None) or InlineExecutor()
    return Study(benchmark or toy(), 0, folder, json.dumps(task or TOY), executor, **settings)


def facts(trials: list[Trial]) -> list[Any]:
    """Everything that must be the same again: not the seconds."""
    return [
        (t.id, t.arch.key, t.status, t.reward, [(s.name, s.metrics, s.cost.images, s.cost.pixels) for s in t.stages])
        for t in trials
    ]


@pytest.mark.parametrize("strategy", [RandomSearch(), RegularizedEvolution(8, 3)], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("torn", [False, True])
def test_a_killed_study_goes_on_as_if_nothing_had_happened(tmp_path: Path, strategy, torn: bool) -> None:
    with study(tmp_path / "whole") as whole:
        answer = strategy.search(whole)
    lines = (tmp_path / "whole/trials.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    rest = lines[17][:50] if torn else b""
    (tmp_path / "cut/trials.jsonl").write_bytes(b"".join(lines[:17]) + rest)
    with study(tmp_path / "cut") as resumed:
        assert len(resumed.trials) == 17
        assert strategy.search(resumed) == answer
    assert facts(resumed.trials) == facts(whole.trials)


def test_both_budgets_end_a_search(tmp_path: Path) -> None:
    with study(tmp_path / "a", toy(budget=Budget(trials=9))) as one:
        RandomSearch().search(one)
    assert len(one.trials) == 9
    with study(tmp_path / "b", toy(budget=Budget(trials=1000, images=2000))) as one:
        RandomSearch().search(one)
    spent = [trial.cost.images for trial in one.trials]
    assert sum(spent[:-1]) < 2000 <= sum(spent)


def test_a_known_architecture_is_not_evaluated_again(tmp_path: Path) -> None:
    with study(tmp_path) as one:
        arch = one.space.sample(one.rng())
        for _ in range(2):
            one.submit(Proposal(arch))
            one.collect()
        first, second = one.trials
    assert (first.id, second.id) == (0, 1)
    assert (second.status, second.reward) == (first.status, first.reward)
    assert [stage.metrics for stage in second.stages] == [stage.metrics for stage in first.stages]
    assert first.cost.images > 0
    assert second.cost.images == 0


def test_a_broken_candidate_is_a_failed_trial_with_its_cause(tmp_path: Path) -> None:
    with study(tmp_path, task={**TOY, "broken": "tanh"}) as one:
        answer = RegularizedEvolution(8, 3).search(one)
    failed = [trial for trial in one.trials if trial.status == "failed"]
    assert failed
    assert all("'tanh' is broken on purpose" in (trial.error or "") and trial.reward is None for trial in failed)
    assert len(one.trials) == one.benchmark.budget.trials
    assert all(answer[f"layer{k}.act"] != "tanh" for k in range(4))


def test_where_everything_fails_the_search_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    with (
        study(tmp_path, task={"type": "benchmark_faults.Broken"}) as one,
        pytest.raises(RuntimeError, match="all 60 trials failed"),
    ):
        RandomSearch().search(one)


def test_a_metric_that_is_not_finite_is_a_failure(tmp_path: Path) -> None:
    with study(tmp_path, task={**TOY, "noise": float("nan")}) as one:
        one.submit(Proposal(one.space.sample(one.rng())))
        trial = one.collect()
    assert trial is not None
    assert trial.status == "failed"
    assert "not finite" in (trial.error or "")


def test_a_parents_weights_reach_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    fit = ToyTask.fit

    def spy(self, model, stage, *, seed, init=None, weights=None):
        seen.append(init and Path(init).name)
        return fit(self, model, stage, seed=seed)

    monkeypatch.setattr(ToyTask, "fit", spy)
    with study(tmp_path, toy(gate_config=None)) as one:
        parent = one.space.sample(one.rng())
        one.submit(Proposal(parent))
        one.collect()
        one.submit(Proposal(one.space.mutate(parent, one.rng()), parent=0))
        one.collect()
        one.submit(Proposal(parent))
        again = one.collect()
        assert again is not None
        one.submit(
            Proposal(one.space.mutate(parent, one.rng()), parent=again.id)
        )  # a repeated one has the first's weights
        one.collect()
    assert seen == [None, "00000.pth", "00000.pth", "00001.pth", "00000.pth", "00003.pth"]
    assert json.loads((tmp_path / "trials.jsonl").read_text().splitlines()[1])["parent"] == 0


def test_processes_evaluate_the_same_and_keep_every_worker_busy(tmp_path: Path) -> None:
    benchmark = toy(budget=Budget(trials=8), gate_config=None)
    with study(tmp_path / "inline", benchmark) as inline:
        RandomSearch().search(inline)
    with ProcessExecutor(2) as pool, study(tmp_path / "pool", benchmark, executor=pool, workers=2) as pooled:
        RandomSearch().search(pooled)
    assert facts(sorted(pooled.trials, key=lambda trial: trial.id)) == facts(inline.trials)


def test_a_dead_worker_is_a_failed_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)  # a spawned process starts with this one's path
    task = {"type": "benchmark_faults.Deadly"}
    with ProcessExecutor(1) as pool, study(tmp_path, toy(budget=Budget(trials=6)), task, executor=pool) as one:
        RandomSearch().search(one)
    by_kernel = {trial.id: (trial.arch["layer0.kernel"] == 5, trial.status, trial.error) for trial in one.trials}
    assert any(deadly for deadly, _, _ in by_kernel.values())
    for deadly, status, error in by_kernel.values():
        assert (status == "failed") == deadly
        assert not deadly or "worker process died" in error


def test_the_registry_knows_the_toy() -> None:
    assert isinstance(TASKS.build(dict(type="ToyTask")), ToyTask)
