"""The leaderboard: a pure function of ledgers, on recorded ones."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.figures import curve
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import Ledger
from search_spaces.toy import ToySpace
from strategies import Proposal, StageResult, Trial, best
from tasks import Cost


def record(root: Path, strategy: str, seed: int, rewards: list[float], final: float | None) -> Path:
    """A study with made-up rewards; a negative one stands for a failed trial, and no `final` for an unfinished study."""
    folder = root / "toy-v1" / strategy / f"seed{seed}"
    folder.mkdir(parents=True)
    ledger = Ledger(folder / "trials.jsonl")
    for number, reward in enumerate(rewards):
        proposal = Proposal(ToySpace().sample(Random(f"{strategy}{seed}{number}")))
        stages = (StageResult("short", {"score": reward}, Cost(100, 6400, 0.5)),)
        ok = reward >= 0
        ledger.append(
            Trial(number, proposal, stages, "done", reward) if ok else Trial(number, proposal, (), "failed", None, "x")
        )
    ledger.close()
    if final is not None:
        winner = best(ledger.trials)
        counts = {status: sum(t.status == status for t in ledger.trials) for status in ("done", "stopped", "failed")}
        images = sum(trial.cost.images for trial in ledger.trials)
        result = dict(
            benchmark="toy-v1", strategy=strategy, seed=seed, primary="score", higher_is_better=True,
            best=dict(id=winner.id, key=winner.arch.key, arch=winner.arch.as_dict()),
            final=dict(metrics=dict(score=final), params=1234567, madds=89_000_000, latency_ms=3.25),
            cost=dict(search=dict(images=images, pixels=64 * images, seconds=2.0)),
            trials={**counts, "duplicate": 0}, protocol_hash="p",
        )  # fmt: skip
        (folder / "study.json").write_text(json.dumps(result))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    record(tmp_path, "random_search", 0, [10.0, 30.0, 20.0], 31.0)
    record(tmp_path, "random_search", 1, [12.0, -1.0, 25.0], 27.0)
    record(tmp_path, "regularized_evolution", 0, [10.0, 40.0], 44.5)
    record(tmp_path, "regularized_evolution", 1, [5.0], None)
    return tmp_path


def test_golden_markdown(runs: Path, golden) -> None:
    golden("leaderboard.md", Leaderboard.of([runs]).markdown())


def test_mean_and_sample_standard_deviation(runs: Path) -> None:
    rows = {row["strategy"]: row for row in json.loads(Leaderboard.of([runs]).json())}
    assert rows["random_search"]["score"]["mean"] == pytest.approx(29.0)
    assert rows["random_search"]["score"]["std"] == pytest.approx(8**0.5)
    assert rows["regularized_evolution"]["score"] == {"mean": 44.5, "std": None}
    assert rows["regularized_evolution"]["seeds"] == "1 of 2"
    assert rows["random_search"]["trials"] == "5 / 0 / 1 / 0"


def test_files(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    Leaderboard.of([runs]).write(out)
    assert sorted(path.name for path in out.iterdir()) == [
        "best_so_far.png", "leaderboard.csv", "leaderboard.json", "leaderboard.md",
    ]  # fmt: skip
    assert (out / "leaderboard.csv").read_text().splitlines()[1].startswith("toy-v1,regularized_evolution,1 of 2,44.5,")


def test_without_random_search_it_says_what_is_missing(runs: Path) -> None:
    board = Leaderboard.of([runs / "toy-v1/regularized_evolution"])
    assert "no random_search row" in board.markdown()


def test_contradictions_are_found(runs: Path) -> None:
    assert Leaderboard.of([runs]).problems() == []
    path = runs / "toy-v1/random_search/seed1/study.json"
    result = json.loads(path.read_text())
    result["protocol_hash"], result["trials"]["done"], result["best"]["key"] = "q", 7, "none"
    path.write_text(json.dumps(result))
    found = " ".join(Leaderboard.of([runs]).problems())
    assert "2 different protocols" in found
    assert "2 trials are done, study.json says 7" in found
    assert "is not in its ledger" in found


def test_no_runs_and_broken_results_are_named(tmp_path: Path, runs: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="there is no run"):
        Leaderboard.of([tmp_path / "empty"])
    (runs / "toy-v1/random_search/seed1/study.json").write_text("{")
    with pytest.raises(ValueError, match=r"study\.json is not JSON"):
        Leaderboard.of([runs])


def test_the_curve_only_rises(runs: Path) -> None:
    images, rewards = curve(Leaderboard.of([runs]).records[0].trials)
    assert images == [100, 200, 300]
    assert rewards == [10.0, 30.0, 30.0]
