"""The folder of a run: checked before anything is written, answers trained and measured one by one, resumed."""

from __future__ import annotations

import json
import os
from concurrent.futures import Executor
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from benchmarks.executors import InlineExecutor
from benchmarks.leaderboard import Leaderboard
from benchmarks.records.provenance import commit
from benchmarks.run import Run
from strategies import Answer, Strategy
from tasks.toy import ToyTask, formula
from tasks.toy.task import LEARNT

SMALL: dict[str, Any] = {"layers": [{"width": 4, "kernel": 3, "act": "relu"}]}
LARGE: dict[str, Any] = {
    "layers": [{"width": 16, "kernel": 3, "act": "relu"}, {"width": 16, "kernel": 5, "act": "tanh"}]
}
PARAMS = {"small": 3 * 3 * 3 * 4 + 4, "large": 3 * 3 * 3 * 16 + 16 + 16 * 5 * 5 * 16 + 16}
RANDOM = dict(type="RandomSearch")


class Family(Strategy):
    """Answers with three networks that nobody searched."""

    def search(self, study) -> list[Answer]:
        return [Answer(model=SMALL), Answer(model=LARGE), Answer(arch=study.space.sample(Random(0)))]


def opened(toy_config: dict[str, Any], work: Path, strategy: Any = None, name: str = "one", **changes: Any) -> Run:
    config = {"benchmark": {**toy_config, "budget": dict(trials=8), **changes}, "strategy": strategy or RANDOM}
    return Run(config, name, 0, work, "cpu")


class Workers(InlineExecutor):
    """Whose jobs have threads of their own, as those in other processes."""

    threads = 3


def play(run: Run, executor: Executor | None = None) -> dict[str, Any]:
    shared, executor = run.prepare(), executor or InlineExecutor()
    with run.open(executor, 1) as study:
        run.finish(study, run.strategy.search(study), shared)
    return json.loads((run.folder / "study.json").read_text())


def test_what_a_finished_run_holds(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    result = play(run)
    assert run.finished
    assert result["answers"][0]["id"] in range(8)
    assert set(result["answers"][0]) == {"id", "key", "arch", "final"}
    assert set(result["answers"][0]["final"]) == {"metrics", "params", "madds", "latency_ms"}
    assert set(result["cost"]) == {"shared", "search", "failed", "retrain"}
    assert sum(result["trials"][status] for status in ("done", "stopped", "failed")) == 8
    assert (run.folder / "answers/0/model.py").is_file()
    assert json.loads((run.folder / "config.json").read_text())["protocol_hash"] == result["protocol_hash"]


def test_the_threads_that_are_recorded_are_the_workers(toy_config, tmp_path: Path) -> None:
    assert play(opened(toy_config, tmp_path))["device"].endswith(f" x{torch.get_num_threads()}")
    assert play(opened(toy_config, tmp_path, name="two"), Workers())["device"].endswith(" x3")


@pytest.mark.parametrize(("name", "model"), [("small", SMALL), ("large", LARGE)])
def test_a_baseline_is_an_answer_without_a_search(toy_config, tmp_path: Path, name: str, model: dict[str, Any]) -> None:
    run = opened(toy_config, tmp_path, dict(type="Baseline", model=model), name)
    result = play(run)
    (answer,) = result["answers"]
    assert (answer["id"], answer["key"], answer["arch"]) == (None, None, None)
    assert result["cost"]["search"] == {"images": 0, "pixels": 0, "seconds": 0.0}
    assert result["cost"]["retrain"]["images"] == 64 * 100
    assert result["trials"] == {"done": 0, "stopped": 0, "failed": 0, "duplicate": 0}
    assert (run.folder / "trials.jsonl").read_bytes() == b""
    score = formula.score(model["layers"], [LEARNT] * len(model["layers"])) + Random(0).gauss(0.0, 4.0) / 64
    assert answer["final"]["metrics"] == {"score": pytest.approx(score)}
    assert answer["final"]["params"] == PARAMS[name]
    assert Leaderboard.of([tmp_path]).problems() == []


def test_a_baseline_that_cannot_be_built_is_refused_before_anything_is_written(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path / "runs", dict(type="Baseline", model={"layer": []}))
    with pytest.raises(ValueError, match="cannot be built"):
        run.prepare()
    assert not (tmp_path / "runs").exists()


def test_several_answers_are_trained_one_by_one_and_a_kill_costs_one(toy_config, tmp_path, monkeypatch) -> None:
    trained, whole = [], ToyTask.train_and_score

    def dies(self, model, *rest):
        if len(trained) == 1:
            trained.append(None)
            raise KeyboardInterrupt
        trained.append(model)
        return whole(self, model, *rest)

    monkeypatch.setattr(ToyTask, "train_and_score", dies)
    run = opened(toy_config, tmp_path)
    run.strategy = Family()
    with pytest.raises(KeyboardInterrupt):
        play(run)
    assert not run.finished
    result = play(run)
    assert len(result["answers"]) == 3
    assert trained[0] == SMALL
    assert trained[2:] == [LARGE, run.benchmark.space.model(run.benchmark.space.sample(Random(0)))]
    assert result["cost"]["retrain"]["images"] == 3 * 6400


def test_a_folder_of_another_protocol_or_strategy_is_refused(toy_config, tmp_path: Path) -> None:
    play(opened(toy_config, tmp_path))
    with pytest.raises(ValueError, match=r"another protocol \(it differs in benchmark\.task\.noise\)"):
        opened(toy_config, tmp_path, task=dict(type="ToyTask", noise=5.0))
    with pytest.raises(ValueError, match=r"another protocol \(it differs in strategy"):
        opened(toy_config, tmp_path, dict(type="RegularizedEvolution"))
    assert opened(toy_config, tmp_path).finished


def test_a_version_of_the_code_is_protocol(toy_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(opened(toy_config, tmp_path))
    monkeypatch.setattr(ToyTask, "version", 99)
    with pytest.raises(ValueError, match="the data or the code"):
        opened(toy_config, tmp_path)


def test_a_damaged_study_file_is_named(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    play(run)
    for text in ("{}", "null", "[1]", "{"):
        (run.folder / "study.json").write_text(text)
        with pytest.raises(ValueError, match=r"study\.json .*: remove it and run the benchmark again"):
            _ = run.finished


def test_a_metric_that_the_task_does_not_have_is_refused(toy_config, tmp_path: Path) -> None:
    for changes in (
        dict(reward=dict(type="Metric", name="scor")),
        dict(gate=dict(type="Constraint", name="scor", at_least=1)),
        dict(objectives=dict(names=["scor", "params"], goals=["max", "min"])),
    ):
        with pytest.raises(ValueError, match="unknown metric that toy-test-v1 reads 'scor': did you mean 'score'"):
            opened(toy_config, tmp_path, **changes)


@pytest.mark.parametrize("seed", [-1, 2**32, "one", None, True, {}])
def test_a_seed_that_no_generator_takes_is_refused(toy_config, tmp_path: Path, seed: Any) -> None:
    with pytest.raises(ValueError, match=f"a seed must be from 0 to 4294967295, not {seed!r}"):
        Run({"benchmark": toy_config, "strategy": RANDOM}, "one", seed, tmp_path, "cpu")


@pytest.mark.parametrize("name", ["", "../../elsewhere", 3])
def test_a_name_that_is_no_folders_is_refused(toy_config, tmp_path: Path, name: Any) -> None:
    with pytest.raises(ValueError, match=r"the name of a strategy .* names a folder: use letters"):
        opened(toy_config, tmp_path, name=name)


def test_a_space_whose_networks_the_task_cannot_build_is_refused(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path / "runs", space=dict(type="MBConv"))
    with pytest.raises(ValueError, match=r"the space MBConv makes no network for ToyTask \(KeyError: 'layers'\)"):
        run.prepare()
    assert not (tmp_path / "runs").exists()


def test_a_network_that_cannot_be_built_may_be_the_exception(toy_config, tmp_path: Path, monkeypatch) -> None:
    built, measure = [], ToyTask.measure

    def picky(self, model, names):
        built.append(model)
        if len(built) == 1:
            raise RuntimeError("not this one")
        return measure(self, model, names)

    monkeypatch.setattr(ToyTask, "measure", picky)
    opened(toy_config, tmp_path).prepare()
    assert len(built) == 3, "a second one of the search's task, one of the final task"


def test_nothing_is_made_for_a_strategy_that_cannot_search(toy_config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ToyTask, "prepare", lambda self, stages: pytest.fail("made too early"))
    with pytest.raises(ValueError, match="NSGA2 needs several objectives"):
        opened(toy_config, tmp_path, dict(type="NSGA2")).prepare()


def test_a_trained_answer_of_another_search_is_refused_by_name(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    play(run)
    (run.folder / "study.json").unlink()
    path = run.folder / "answers/0/answer.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "id": record["id"] + 1}))
    with pytest.raises(ValueError, match=r"answers/0/answer\.json is of trial .*: remove the folder"):
        play(opened(toy_config, tmp_path))
    path.write_text(json.dumps({**record, "cost": None}))
    with pytest.raises(ValueError, match=r"answer\.json is not that of a run"):
        opened(toy_config, tmp_path).prepare()


def test_the_result_of_another_protocol_is_no_finished_run(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    result = play(run)
    (run.folder / "study.json").write_text(json.dumps({**result, "protocol_hash": "0" * 16}))
    with pytest.raises(ValueError, match=r"study\.json is of another protocol"):
        _ = run.finished


def test_a_copy_of_another_seeds_run_or_result_is_no_finished_run(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    result = play(run)
    (run.folder / "study.json").write_text(json.dumps({**result, "seed": 1}))
    with pytest.raises(ValueError, match=r"seed0/study\.json is of toy-test-v1, one, seed 1, and not of .*: remove it"):
        _ = run.finished
    for entry, other in (("seed", 1), ("name", "two")):
        (run.folder / "config.json").write_text(json.dumps({**run.dump, entry: other}))
        with pytest.raises(ValueError, match=rf"seed0/config\.json is of .* {other}, and not of"):
            opened(toy_config, tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path)])
@pytest.mark.parametrize("name", ["config.json", "config.py", "study.json", "trials.jsonl", "events.jsonl"])
def test_what_is_no_file_is_refused_before_anything_is_played(toy_config, tmp_path: Path, name: str, make: Any) -> None:
    folder = tmp_path / "toy-test-v1/one/seed0"
    folder.mkdir(parents=True)
    make(folder / name)

    def begin() -> None:
        run = opened(toy_config, tmp_path)
        assert not run.finished
        run.prepare()

    with pytest.raises(ValueError, match=rf"{name} is no regular file: remove it"):
        begin()


@pytest.mark.parametrize("place", ["file", "file/runs", "link"])
def test_a_work_dir_that_cannot_be_one_is_refused(toy_config, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(ValueError, match=rf"{place}/toy-test-v1/one/seed0 cannot be made \(.*\): choose another"):
        opened(toy_config, tmp_path / place).play()


def test_what_a_kill_left_half_written_is_removed(toy_config, tmp_path: Path) -> None:
    run = opened(toy_config, tmp_path)
    run.folder.mkdir(parents=True)
    (run.folder / "config.json.1.part").touch()
    play(run)
    assert not list(run.folder.rglob("*.part"))


def test_a_metric_with_the_name_of_a_column_is_refused(toy_config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ToyTask, "metrics", ("score", "seeds"))
    with pytest.raises(ValueError, match="the metric 'seeds' is called as a column of leaderboards"):
        opened(toy_config, tmp_path)


def test_without_git_nobody_knows_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() == "unknown"


def test_weights_are_known_by_their_content_wherever_they_lie(toy_config, tmp_path: Path) -> None:
    choices, files = (
        opened(toy_config, tmp_path).benchmark.space.sample(Random(0)).as_dict(),
        [tmp_path / "a", tmp_path / "b"],
    )
    for file in files:
        file.write_bytes(b"learnt")
    transferred = [dict(type="Baseline", choices=choices, weights=str(file)) for file in files]
    for strategy in transferred:
        opened(toy_config, tmp_path, strategy).open(InlineExecutor(), 1).close()
    files[0].write_bytes(b"others")
    with pytest.raises(ValueError, match=r"another protocol \(it differs in weights\)"):
        opened(toy_config, tmp_path, transferred[0])
