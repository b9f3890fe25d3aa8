"""The leaderboard: a pure function of what studies recorded, here of made-up ones."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.records.record import read_records
from benchmarks.report.bands import curve
from benchmarks.report.summary import summary
from benchmarks.report.tex import tex
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial, best
from tasks import Cost


def trials(name: str, rewards: list[float]) -> list[Trial]:
    """One for each reward; a negative one stands for a failed trial."""
    made = []
    for number, reward in enumerate(rewards):
        proposal = Proposal(ToySpace().sample(Random(f"{name}{number}")))
        stages = (StageResult("short", {"score": reward}, Cost(100, 6400, 0.5)),)
        done = Trial(number, proposal, stages, "done", reward, depth=1)
        made.append(done if reward >= 0 else Trial(number, proposal, (), "failed", None, "x", "error"))
    return made


@pytest.fixture
def record(answer: Callable[..., Any], write_study: Callable[..., Path]) -> Callable[..., Path]:
    """A study whose answers (none: it is unfinished) have these final scores; the first is its best trial's."""

    def write(root: Path, strategy: str, seed: int, rewards: list[float], *finals: float) -> Path:
        made = trials(f"{strategy}{seed}", rewards)
        first = best(made) if made else None
        answers = [answer(None if place else first, final) for place, final in enumerate(finals)]
        return write_study(root / "toy-v2" / strategy / f"seed{seed}", strategy, seed, made, answers)

    return write


@pytest.fixture
def runs(tmp_path: Path, record: Callable[..., Path]) -> Path:
    record(tmp_path, "random_search", 0, [10.0, 30.0, 20.0], 31.0)
    record(tmp_path, "random_search", 1, [12.0, -1.0, 25.0], 27.0)
    record(tmp_path, "regularized_evolution", 0, [10.0, 40.0], 44.5)
    record(tmp_path, "regularized_evolution", 1, [5.0])
    record(tmp_path, "plain", 0, [], 20.0)
    record(tmp_path, "nsga2", 0, [9.0, 8.0], 11.0, 10.0)
    return tmp_path


def rows(*folders: Path) -> dict[str, dict]:
    return {row["strategy"]: row for row in json.loads(Leaderboard.of(folders).json())}


def test_golden_markdown(runs: Path, golden) -> None:
    golden("leaderboard.md", Leaderboard.of([runs]).markdown())


def test_mean_and_sample_standard_deviation(runs: Path) -> None:
    found = rows(runs)
    assert found["random_search"]["score"]["mean"] == pytest.approx(29.0)
    assert found["random_search"]["score"]["std"] == pytest.approx(8**0.5)
    assert found["regularized_evolution"]["score"] == {"mean": 44.5, "std": None, "low": None, "high": None}
    assert found["regularized_evolution"]["seeds"] == "1 of 2"
    assert found["random_search"]["trials"] == "5 / 0 / 1 / 0"
    assert found["plain"]["trials"] == "0 / 0 / 0 / 0"
    assert found["nsga2"]["score"]["mean"] == 11.0  # the first of its answers


def test_an_evaluation_that_was_made_before_is_a_duplicate(runs: Path) -> None:
    (record_,) = read_records([runs / "toy-v2/random_search/seed0"])
    again = record_.trials[0]
    free = (StageResult("short", again.stages[0].metrics, Cost()),)
    record_.trials.append(Trial(3, again.proposal, free, "done", again.reward, depth=1))
    assert record_.counts() == {"done": 4, "stopped": 0, "failed": 0, "duplicate": 1}


def test_files(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    Leaderboard.of([runs]).write(out)
    assert sorted(path.name for path in out.iterdir()) == [
        "answers.png", "best_so_far.png", "leaderboard.csv", "leaderboard.json", "leaderboard.md",
    ]  # fmt: skip
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr("os.replace", lambda *paths: None)  # as a kill just before
    Leaderboard.of([runs / "toy-v2/random_search"]).write(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    columns, first = [line.split(",") for line in (out / "leaderboard.csv").read_text().splitlines()[:2]]
    assert first[:5] == ["toy-v2", "1", "regularized_evolution", "1 of 2", "44.5"]
    assert columns[4:8] == ["score", "score std", "score low", "score high"]
    assert {"best", "against random", "p (Holm)", "equal cost", "retrain device-days", "failed images"} <= set(columns)


def test_without_random_search_it_says_what_is_missing(runs: Path) -> None:
    board = Leaderboard.of([runs / "toy-v2/regularized_evolution"])
    assert "no random_search row" in board.markdown()
    for record_ in board.records:  # as those of networks that nobody searched
        record_.trials.clear()
    assert "no random_search row" not in board.markdown()


def test_a_study_counts_once_however_often_it_is_found(runs: Path, tmp_path: Path) -> None:
    seed0 = runs / "toy-v2/random_search/seed0"
    assert rows(runs, runs / "toy-v2", seed0) == rows(runs)
    assert Leaderboard.of([runs, seed0]).problems() == []
    renamed = tmp_path / "younger/another name"
    shutil.copytree(seed0, renamed)
    assert rows(runs, renamed) == rows(runs)
    assert Leaderboard.of([runs, renamed]).problems() == [f"{renamed} is a copy of {seed0}: it was counted once"]


def test_a_finished_copy_counts_before_an_unfinished_one(runs: Path, tmp_path: Path, record) -> None:
    open_ = runs / "toy-v2/regularized_evolution/seed1"
    done = record(tmp_path / "other", "regularized_evolution", 1, [5.0, 6.0], 50.0)
    assert rows(open_, done)["regularized_evolution"]["score"]["mean"] == 50.0


def test_contradictions_are_found(runs: Path) -> None:
    assert Leaderboard.of([runs]).problems() == []
    folder = runs / "toy-v2/random_search/seed1"
    result = json.loads((folder / "study.json").read_text())
    result["trials"]["done"], result["answers"][0]["key"] = 7, "none"
    result["protocol_hash"], result["cost"]["search"]["images"] = "q", 1
    (folder / "study.json").write_text(json.dumps(result))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "protocol_hash": "r"}))
    found = " ".join(Leaderboard.of([runs]).problems())
    assert "2 different protocols" in found
    assert "config.json and study.json are of different protocols" in found
    assert "2 trials are done, study.json says 7" in found
    assert "the answer none is not trial 2 of its ledger" in found
    assert "the trials cost 200 images, study.json says otherwise" in found


def test_what_cannot_be_compared_is_said_above_the_table_in_every_form_that_is_read(runs: Path) -> None:
    said = "These studies were played under 2 different protocols: do not compare them."
    assert said not in Leaderboard.of([runs]).markdown()
    change(runs / "toy-v2/random_search/seed1", "config.json", lambda config: config.update(protocol_hash="r"))
    board = Leaderboard.of([runs])
    assert f"## toy-v2\n\n**{said}**\n\n| strategy" in re.sub(" +", " ", board.markdown())
    assert {(row["rank"], row["best"], row["against random"]) for row in board.rows} == {(None, False, None)}
    assert summary(board.rows, board.records).sentences == [said]
    assert f"\n% {said}\n\\begin{{table}}" in tex(board)
    assert f"toy-v2: {said}" in board.problems()


def test_a_run_behind_a_link_counts_and_links_in_a_circle_do_no_harm(runs: Path, tmp_path: Path) -> None:
    before = len(read_records([runs]))
    (runs / "toy-v2/random_search/seed1").rename(tmp_path / "elsewhere")
    (runs / "toy-v2/random_search/seed1").symlink_to(tmp_path / "elsewhere")
    (runs / "toy-v2/round").symlink_to(runs)
    assert len(read_records([runs])) == before


def test_the_result_of_another_seed_is_not_counted(runs: Path) -> None:
    copied, folder = (runs / f"toy-v2/random_search/seed{seed}/study.json" for seed in (0, 1))
    shutil.copyfile(copied, folder)
    with pytest.raises(ValueError, match=r"seed1/study\.json is of toy-v2, random_search, seed 0, and not of toy-v2, "):
        Leaderboard.of([runs])


def test_seeds_with_different_settings_are_found(runs: Path) -> None:
    said = "toy-v2: The studies of random_search had different settings: its row is of none of them."
    folder = runs / "toy-v2/random_search/seed1"
    change(folder, "config.json", lambda config: config["strategy"].update(weights="/there/a.pth"))
    assert said not in Leaderboard.of([runs]).problems()  # where something lies is no setting
    change(folder, "config.json", lambda config: config["strategy"].update(batch=2))
    assert said in Leaderboard.of([runs]).problems()


def test_no_runs_and_broken_files_are_named(tmp_path: Path, runs: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="there is no run"):
        Leaderboard.of([tmp_path / "empty"])
    folder = runs / "toy-v2/random_search/seed1"
    (folder / "study.json").write_text("{")
    with pytest.raises(ValueError, match=r"study\.json is not JSON"):
        Leaderboard.of([runs])
    (folder / "study.json").unlink()
    (folder / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"config\.json holds no record"):
        Leaderboard.of([runs])
    (folder / "config.json").write_text('{"name": "x"}')
    with pytest.raises(ValueError, match=r"config\.json is not that of a run"):
        Leaderboard.of([runs])
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match=r"has no config\.json"):
        Leaderboard.of([runs])


def test_the_curve_only_rises() -> None:
    made = trials("x", [10.0, 10.0, 30.0, -1.0, 20.0])
    assert curve(made) == ([100, 300, 400], [10.0, 30.0, 30.0])
    assert curve(made, "trials") == ([1, 3, 5], [10.0, 30.0, 30.0])
    assert curve(made, "seconds") == ([0.5, 1.5, 2.0], [10.0, 30.0, 30.0])
    assert curve([]) == ([], [])


def test_the_curve_is_of_the_trials_that_went_deepest() -> None:
    shallow, deep = trials("x", [50.0, 60.0]), trials("y", [10.0])[0]
    onward = Trial(2, Proposal(deep.arch, 0, onward=True), deep.stages, "done", 10.0, depth=2)
    assert curve([*shallow, onward]) == ([300], [10.0])


def change(folder: Path, name: str, entry: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads((folder / name).read_text())
    entry(content)
    (folder / name).write_text(json.dumps(content))


def test_a_metric_that_one_seed_lacks_says_of_how_many_it_is(runs: Path) -> None:
    for seed, metric in ((0, "aAcc"), (1, "mAcc")):
        folder = runs / f"toy-v2/random_search/seed{seed}"
        change(
            folder,
            "study.json",
            lambda study, metric=metric: study["answers"][0]["final"]["metrics"].update({metric: 5.0}),
        )
    (row,) = (row for row in Leaderboard.of([runs]).rows if row["strategy"] == "random_search")
    assert row["aAcc"] == row["mAcc"] == {"mean": 5.0, "std": None, "of": "1 of 2"}
    assert "5.00 (1 of 2)" in Leaderboard.of([runs]).markdown()


def test_names_are_shown_and_not_read(runs: Path) -> None:
    folder = runs / "toy-v2/random_search/seed0"
    change(
        folder, "study.json", lambda study: study["answers"][0]["final"]["metrics"].update({"=cmd|'x'!$A$1<b>": 5.0})
    )
    board = Leaderboard.of([runs])
    assert r"=cmd\|'x'!\$A\$1\<b\>" in board.markdown()
    assert "'=cmd|'x'!$A$1<b>" in board.csv()


@pytest.mark.parametrize("name", ["=cmd", "a|b", "$x$", "../x", "a\nb", "<b>"])
def test_a_record_whose_name_no_run_can_have_is_refused(runs: Path, name: str) -> None:
    change(runs / "toy-v2/random_search/seed0", "config.json", lambda config: config.update(name=name))
    with pytest.raises(ValueError, match=r"config\.json is not that of a run .*the strategy's name"):
        Leaderboard.of([runs])


def test_the_check_finds_what_is_of_another_protocol_or_space(runs: Path) -> None:
    folder = runs / "toy-v2/random_search/seed0"
    assert Leaderboard.of([folder]).problems() == []
    change(folder, "config.json", lambda config: config.update(strategy={"type": "PPO"}))
    (problem,) = Leaderboard.of([folder]).problems()
    assert "events.jsonl is not of the protocol, strategy and seed" in problem
    change(folder, "config.json", lambda config: config["benchmark"].update(space={"type": "ToySpace", "layers": 3}))
    assert any(
        "its choices are none of the space ToySpace" in problem for problem in Leaderboard.of([folder]).problems()
    )


def test_a_run_that_has_just_begun_is_left_out(runs: Path) -> None:
    new = runs / "toy-v2/random_search/seed9"
    new.mkdir()
    (new / "trials.jsonl").touch()
    assert {record.seed for record in read_records([runs])} == {0, 1}
    with pytest.raises(ValueError, match=r"no run in .*/seed9 has begun yet: run the benchmark first"):
        read_records([new])


def test_before_a_study_is_finished_trials_may_be_in_flight(played, tmp_path: Path) -> None:
    for finals in ((), (2.0,)):
        folder = played(tmp_path / str(finals), "random_search", 0, [1.0, 2.0], *finals)
        path = folder / "trials.jsonl"
        path.write_text(path.read_text().splitlines(keepends=True)[1])
        problems = Leaderboard.of([folder]).problems()
        assert (f"{folder}: trial ids are not 0 to 0" in problems) == bool(finals)
        assert bool(problems) == bool(finals)
