"""Networks that nobody searched: trained, scored and listed as found ones are, at no search cost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import CONFIGS, run_configs
from benchmarks.executors import InlineExecutor
from benchmarks.leaderboard import Leaderboard
from benchmarks.run import Run
from tasks.toy import ToyTask

SMALL: dict[str, Any] = {"layers": [{"width": 4, "kernel": 3, "act": "relu"}]}
LARGE: dict[str, Any] = {
    "layers": [{"width": 16, "kernel": 3, "act": "relu"}, {"width": 16, "kernel": 5, "act": "tanh"}]
}
PARAMS = {"small": 3 * 3 * 3 * 4 + 4, "large": 3 * 3 * 3 * 16 + 16 + 16 * 5 * 5 * 16 + 16}

PROGRESSIVE = """
from mmengine.config import read_base

from strategies.progressive import Progressive
from strategies.random_search import RandomSearch

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(
    type=Progressive,
    parts=[dict(prefix="layer0.", trials=3)],
    start={"layer1.width": 4},
    strategy=dict(type=RandomSearch),
)
"""

FAULTY = """
from tasks.toy import ToyTask


class Faulty(ToyTask):
    def fit(self, model, stage, *, seed, init=None, weights=None):
        raise RuntimeError("the weights do not fit:\\n\\tlayer 0")
"""


def offer(folder: Path, **baselines: dict[str, Any]) -> None:
    """Make `folder` a benchmark: toy-v1 with random search, and these baselines."""
    folder.mkdir(exist_ok=True)
    shutil.copy(CONFIGS / "toy-v1/random_search.py", folder)
    text = (CONFIGS / "toy-v1/protocol.py").read_text()
    (folder / "protocol.py").write_text(f"{text}\nbenchmark['baselines'] = {baselines!r}\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    offer(tmp_path / "bench", small=SMALL, large=LARGE)
    return tmp_path / "bench"


def one(name: object, work: Path, strategy: str | None = None, **options: Any) -> Run:
    """The one run that these arguments of run_benchmark stand for, with seed 0."""
    ((found, config),) = run_configs(str(name), [strategy] if strategy else None, options)
    return Run(config, found, 0, work, "cpu")


def play(run: Run) -> dict[str, Any]:
    shared, executor = run.prepare(), InlineExecutor()
    with run.open(executor, 1) as study:
        run.finish(study, run.strategy.search(study), shared)
    return json.loads((run.folder / "study.json").read_text())


def test_strategies_and_baselines_are_played_by_default(tool, folder: Path, tmp_path: Path) -> None:
    done = tool("run_benchmark", folder, "--seed", 0, "--work-dir", tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    assert "small seed0: final training\n" in done.stderr
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:2] == "| "]
    rows = {name: dict(zip(cells[0], (name, *rest), strict=True)) for name, *rest in cells[1:]}
    assert rows.keys() == {"random_search", "small", "large"}
    for name, params in PARAMS.items():
        assert rows[name]["params"].removesuffix(".00") == f"{params:,}"
        assert rows[name]["trials"] == "0 / 0 / 0 / 0"
    checked = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / "out", "--check")
    assert checked.returncode == 0, checked.stderr
    assert not checked.stderr
    table = {row["strategy"]: row for row in json.loads((tmp_path / "out/leaderboard.json").read_text())}
    assert table.keys() == {"random_search", "small", "large"}
    assert table["large"]["search images"]["mean"] == 0 < table["random_search"]["search images"]["mean"]


@pytest.mark.parametrize(("name", "model"), [("small", SMALL), ("large", LARGE)])
def test_a_baseline_alone(folder: Path, tmp_path: Path, name: str, model: dict[str, Any]) -> None:
    run = one(folder, tmp_path / "runs", name)
    assert run.folder == tmp_path / "runs/toy-v1" / name / "seed0"
    result = play(run)
    assert run.finished
    assert result["strategy"] == name
    assert (result["best"]["id"], result["best"]["arch"]) == (None, {})
    assert result["cost"]["search"] == {"images": 0, "pixels": 0, "seconds": 0.0}
    assert result["cost"]["retrain"]["images"] == 64 * 100  # toy-v1's final stage
    assert result["trials"] == {"done": 0, "stopped": 0, "failed": 0, "duplicate": 0}
    assert (run.folder / "trials.jsonl").read_bytes() == b""
    score = ToyTask().score(model["layers"]) + Random(0).gauss(0.0, 4.0) / 64
    assert result["final"]["metrics"] == {"score": pytest.approx(score)}
    assert result["final"]["params"] == PARAMS[name]
    assert Leaderboard.of([tmp_path / "runs"]).problems() == []


def test_a_name_that_is_neither_is_refused(folder: Path) -> None:
    names = [name for name, _ in run_configs(str(folder))]
    assert names == ["random_search", "small", "large"]
    for wanted, hint in (("large2", "large"), ("random_serch", "random_search")):
        with pytest.raises(ValueError, match=f"{wanted}': did you mean '{hint}'"):
            list(run_configs(str(folder), ["small", wanted]))


def test_one_name_for_a_strategy_and_a_baseline_is_refused(folder: Path) -> None:
    offer(folder, random_search=SMALL)
    with pytest.raises(ValueError, match="a strategy and a baseline 'random_search'"):
        list(run_configs(str(folder)))


def test_a_benchmark_without_a_strategy_is_refused(folder: Path) -> None:
    (folder / "random_search.py").unlink()
    with pytest.raises(ValueError, match="bench has no strategy: add a config"):
        list(run_configs(str(folder)))


def test_a_task_plays_what_each_of_its_benchmarks_has() -> None:
    played = [(name, config.benchmark.id) for name, config in run_configs("detection", ["progressive_ppo"])]
    assert played == [("progressive_ppo", "scenes-detection-v1")]
    played = [config.benchmark.id for _, config in run_configs("detection", ["random_search"])]
    assert played == ["scenes-detection-v1", "scenes-ssdlite-v1"]
    with pytest.raises(ValueError, match="strategy of detection 'progresive_ppo': did you mean 'progressive_ppo'"):
        list(run_configs("detection", ["progresive_ppo"]))


def test_a_new_baseline_changes_no_row_that_is_there(folder: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    before = {name: play(one(folder, runs, name)) for name in ("random_search", "small")}
    offer(folder, other=LARGE, small=SMALL)
    for name in before:
        assert one(folder, runs, name).finished
    added = play(one(folder, runs, "other"))
    assert {added["protocol_hash"]} == {result["protocol_hash"] for result in before.values()}
    assert Leaderboard.of([runs]).problems() == []
    with pytest.raises(ValueError, match=r"differs in benchmark\.task\.noise\)"):  # not in what may be added
        one(folder, runs, "small", **{"benchmark.task.noise": 5.0})


def test_another_model_under_the_same_name_is_refused(folder: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    play(one(folder, runs, "small"))
    play(one(folder, runs, "random_search"))
    offer(folder, small=LARGE)
    with pytest.raises(ValueError, match=r"another protocol \(it differs in strategy\.model\.layers\)"):
        one(folder, runs, "small")
    assert one(folder, runs, "random_search").finished


def test_the_dumped_config_of_a_baseline_resumes_it(tool, folder: Path, tmp_path: Path) -> None:
    run = one(folder, tmp_path / "a", "large")
    result = play(run)
    before = (run.folder / "study.json").read_bytes()
    done = tool("run_benchmark", run.folder / "config.py", "--work-dir", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"{run.folder} is finished\n"
    assert (run.folder / "study.json").read_bytes() == before
    anew = one(run.folder / "config.py", tmp_path / "b")
    assert (anew.name, anew.seed) == ("large", 0)
    again = play(anew)
    for entry in ("best", "protocol_hash", "trials"):
        assert again[entry] == result[entry]
    assert again["final"]["metrics"] == result["final"]["metrics"]


def test_a_baseline_that_cannot_be_trained_leaves_with_one(
    tool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--cfg-options", "benchmark.task.type=faulty.Faulty")
    done = tool("run_benchmark", folder, "--strategy", "large", "--seed", 0, "--work-dir", tmp_path / "runs", *options)
    assert done.returncode == 1
    run = tmp_path / "runs/toy-v1/large/seed0"
    *progress, failure = done.stderr.splitlines()
    assert progress == [str(run), "large seed0: final training"]
    assert failure.startswith(f"failed: the final training of {run} failed: ")
    assert failure.endswith("RuntimeError: the weights do not fit: layer 0")
    assert not (run / "study.json").exists()


def test_what_a_strategy_cannot_search_is_refused_before_anything_is_written(
    tool, folder: Path, tmp_path: Path
) -> None:
    (folder / "progressive.py").write_text(PROGRESSIVE)
    done = tool("run_benchmark", folder, "--strategy", "progressive", "--seed", 0, "--work-dir", tmp_path / "runs")
    assert done.returncode == 2
    missing = ", ".join(f"layer{k}.{name}" for k in (1, 2, 3) for name in ("width", "kernel", "act"))
    sentence = f"start has no choice for {missing.removeprefix('layer1.width, ')}: give one for every decision"
    assert done.stderr.startswith(f"error: {sentence}")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_benchmark_without_seeds_is_refused(tool, folder: Path, tmp_path: Path) -> None:
    path = folder / "protocol.py"
    path.write_text(path.read_text().replace("    seeds=[0, 1, 2],\n", ""))
    done = tool("run_benchmark", folder, "--strategy", "small", "--work-dir", tmp_path / "runs")
    assert done.returncode == 2
    assert done.stderr == "error: the benchmark has no 'seeds': add it to protocol.py\n"
    assert not (tmp_path / "runs").exists()
