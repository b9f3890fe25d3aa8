"""Studies whose jobs run on a cluster: what they come to is what they come to in this process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.executors import InlineExecutor, open_executor
from benchmarks.ledger import read_trials
from benchmarks.run import Run
from benchmarks.running.side_by_side import Ended, side_by_side
from benchmarks.torture.candidates import nap
from strategies import Proposal, Trial
from strategies.random_search import RandomSearch

ray = pytest.importorskip("ray")
# The second stage goes on with the epochs of the first: what it scores depends on the weights that it starts from.
CONTINUED: dict[str, Any] = dict(
    stages=[dict(name="short", recipe=dict(epochs=1)), dict(name="long", recipe=dict(epochs=4, continues=True))],
    gate=None,
    budget=dict(trials=8),
)


def facts(trials: list[Trial]) -> list[Any]:
    return [
        (one.id, one.arch.key, one.status, one.reward, one.cost.images)
        for one in sorted(trials, key=lambda one: one.id)
    ]


def played(toy_study, folder: Path, executor: Executor | None = None, workers: int = 1, **changes: Any) -> list[Any]:
    more = {} if executor is None else {"executor": executor}
    with toy_study(folder, workers=workers, **more, **CONTINUED | changes) as study:
        RandomSearch().search(study)
    return facts(study.trials)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine, one core each."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.second = cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def executor(nodes: Any) -> Iterator[Executor]:
    """Its workers, all of which have begun."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", nodes.address)
        patch.setenv("OMP_NUM_THREADS", "1")
        with open_executor("ray", 2) as opened:
            seen: set[int] = set()
            while len(seen) < 2:
                seen |= {future.result() for future in [opened.submit(nap) for _ in range(2)]}
            yield opened


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_trial_and_no_other(toy_study, tmp_path: Path, executor: Executor) -> None:
    changes: dict[str, Any] = dict(
        task={"type": "benchmarks.torture.candidates.Deadly"}, stages=[CONTINUED["stages"][0]]
    )
    with toy_study(tmp_path, workers=2, executor=executor, **CONTINUED | changes) as one:
        for kernel in (3, 5):
            choices = one.space.sample(one.rng()).as_dict()
            one.submit(Proposal(one.space.architecture({**choices, "layer0.kernel": kernel})))
        while one.collect():
            pass
    assert {trial.id: trial.failure for trial in one.trials} == {0: None, 1: "lost"}


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended(toy_study, tmp_path: Path, executor: Executor) -> None:
    changes: dict[str, Any] = dict(task={"type": "benchmarks.torture.candidates.Hanging"}, patience=2.0)
    with toy_study(tmp_path, executor=executor, **CONTINUED | changes) as one:
        choices = one.space.sample(one.rng()).as_dict()
        one.submit(Proposal(one.space.architecture({**choices, "layer0.kernel": 5})))
        trial = one.collect()
    assert trial is not None
    assert trial.failure == "timeout"
    ends = [future.result() for future in [executor.submit(nap) for _ in range(4)]]
    assert len(ends) == 4  # no worker is left to it


@pytest.mark.slow
def test_where_no_folder_is_shared_weights_travel(
    toy_study, tmp_path: Path, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "shared", False)
    assert played(toy_study, tmp_path / "ray", executor, 2) == played(toy_study, tmp_path / "inline")


@pytest.mark.slow
def test_no_trial_is_lost_with_a_node(toy_study, tmp_path: Path, nodes: Any, executor: Executor) -> None:
    (tmp_path / "pids").mkdir()
    slow = {"type": "benchmarks.torture.candidates.Slow", "pids": str(tmp_path / "pids"), "pause": 0.3}

    def leave(study: Any) -> None:
        if len(study.trials) == 3:
            nodes.remove_node(nodes.second)

    with toy_study(tmp_path / "ray", workers=2, executor=executor, **CONTINUED | dict(task=slow)) as one:
        one.watch = leave
        RandomSearch().search(one)
    assert len(nodes.list_all_nodes()) == 1
    assert facts(one.trials) == played(toy_study, tmp_path / "inline", task={"type": "ToyTask"})


@pytest.mark.slow
def test_whole_runs_come_to_what_they_come_to_here(
    toy_config: dict[str, Any], tmp_path: Path, executor: Executor
) -> None:
    """Also of a strategy that trains a supernet, and so cannot have its trials on a cluster."""
    config = {**toy_config, "budget": dict(trials=5)}
    strategies: dict[str, Any] = dict(random_search=dict(type="RandomSearch"), darts=dict(type="DARTS", epochs=2))

    def runs(folder: str) -> list[Run]:
        benchmark = {"benchmark": config}
        return [
            Run({**benchmark, "strategy": one}, name, 0, tmp_path / folder, "cpu") for name, one in strategies.items()
        ]

    begun: list[str] = []
    ends = side_by_side(runs("ray"), 2, 1, lambda one: begun.append(one.name), executor)
    assert {one.name: end for one, end in ends} == dict.fromkeys(strategies, Ended())
    assert begun == list(strategies)
    for here, there in zip(runs("inline"), runs("ray"), strict=True):
        with here.open(InlineExecutor(), 1) as study:
            here.strategy.search(study)
        assert facts(study.trials) == facts(read_trials(there.folder / "trials.jsonl"))
        assert there.finished
        assert not list(there.folder.glob("*.part"))


@pytest.mark.slow
def test_slurm_jobs_come_to_what_this_process_comes_to(
    toy_study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.executors.slurm.EVERY", 0.1)
    changes: dict[str, Any] = dict(stages=CONTINUED["stages"][:1], budget=dict(trials=2))
    with open_executor("slurm", 2, cluster="local", folder=str(tmp_path / "jobs")) as executor:
        failing = executor.submit(int, "no number")
        there = played(toy_study, tmp_path / "slurm", executor, 2, **changes)
        assert isinstance(failing.exception(), ValueError)
    assert there == played(toy_study, tmp_path / "inline", **changes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ray", "--resources", "cpu=1"], "did you mean 'cpus'?"),
        (["ray", "--resources", "cpus=0"], "cpus above 0"),
        (["slurm"], "sbatch"),
        (["inline", "--resources", "cpus=1"], "unknown setting of --executor inline"),
    ],
)
def test_resources_that_nobody_has_are_refused(tool: Any, tmp_path: Path, arguments: list[str], words: str) -> None:
    done = tool("run_benchmark", "toy", "--work-dir", tmp_path, "--executor", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
