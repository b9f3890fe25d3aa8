"""What an audit says of scores is what scipy and a hand say; what is measured is kept, and a killed run goes on."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.analysis.audit import agreement, audited, regret, share
from benchmarks.analysis.ranking import Estimate, rated
from benchmarks.analysis.scoring import Place, Score, Scores, found_by, jobs, measure, play, sampled
from benchmarks.executors import InlineExecutor
from benchmarks.records.record import Record
from benchmarks.run import Run
from search_spaces.toy.space import ToySpace
from tasks import Cost

PLACES = [Place(number, seed, "search") for number in range(4) for seed in range(2)] + [Place(1, 0, "final")]


def drawn(count: int) -> np.ndarray:
    return np.stack([np.arange(count), np.random.default_rng(1).integers(count, size=count)])


def noisy(networks: int = 12, seeds: int = 3, noise: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(networks, 1)) + noise * rng.normal(size=(networks, seeds))


def rows(search: np.ndarray, final: np.ndarray) -> list[Score]:
    parts = {"search": search, "final": final}
    found = []
    for part, values in parts.items():
        for (number, seed), value in np.ndenumerate(values):
            stage = {"score": float(value)}
            stages = ({"score": 0.5}, stage) if part == "search" else (stage,)
            error = "too deep" if np.isnan(value) else ""
            found.append(Score(number, seed, part, {}, stages, 2.0 if part == "search" else 9.0, error))  # type: ignore[arg-type]
    return found


def test_the_share_is_that_of_an_analysis_of_variance() -> None:
    scores = noisy()
    for found, draw in zip(share(scores, drawn(12)), drawn(12), strict=True):
        ratio = stats.f_oneway(*scores[draw]).statistic  # B / W
        assert found == pytest.approx((ratio - 1) / (ratio + 3 - 1))
    assert 0.6 < share(noisy(500, 3, 0.5), np.arange(500)[None])[0] < 0.9  # of the population: 1 / (1 + 0.5^2) = 0.8


def test_what_a_common_seed_does_to_all_networks_counts_for_none() -> None:
    """By the sums of squares of Shrout and Fleiss, table 3, of two ways."""
    scores = noisy()
    for found, draw in zip(share(scores, drawn(12), common=True), drawn(12), strict=True):
        table = scores[draw]
        rows, columns = (((table.mean(axis) - table.mean()) ** 2).sum() for axis in (1, 0))
        residual = ((table - table.mean()) ** 2).sum() - 3 * rows - 12 * columns
        mean_square = 3 * rows / 11, residual / (11 * 2)
        assert found == pytest.approx((mean_square[0] - mean_square[1]) / (mean_square[0] + 2 * mean_square[1]))
    shifted = scores + np.array([0.0, 9.0, -5.0])
    assert share(shifted, drawn(12), common=True) == pytest.approx(share(scores, drawn(12), common=True))
    assert (share(shifted, drawn(12)) < share(scores, drawn(12))).all()


def test_seeds_agree_as_scipy_says() -> None:
    scores = noisy()
    for found, draw in zip(agreement(scores, drawn(12)), drawn(12), strict=True):
        taus = [stats.kendalltau(a, b).statistic for a, b in combinations(scores[draw].T, 2)]
        assert found == pytest.approx(np.mean(taus))


def test_regret_is_what_the_best_three_lack() -> None:
    search, final = np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([10.0, 30.0, 20.0, 45.0, 60.0])
    draws = np.array([[0, 1, 2, 3, 4], [0, 0, 1, 3, 3], [0, 0, 1, 1, 2]])
    assert regret(search, final, draws).tolist() == [30.0, 0.0, 0.0]  # a network counts once in a draw


def test_an_audit_of_scores(one: Run) -> None:
    search, final = noisy(), noisy()[:, :1]
    result = audited(one, rows(search, final))
    assert (result.networks, result.failed) == (12, 0)
    assert result.share is not None
    assert result.share.value == share(search, np.arange(12)[None])[0]
    assert result.share.low < result.share.value < result.share.high  # type: ignore[operator]
    assert result.signals is not None
    agreements = {found.signal: found for found in result.signals.comparison().agreements}
    assert list(agreements) == ["reward", "score after short", "score"]  # the toy's reward is its score
    assert agreements["reward"].tau.value == pytest.approx(stats.kendalltau(search.mean(1), final[:, 0]).statistic)
    assert agreements["score"].tau == agreements["reward"].tau
    assert agreements["score after short"].tau.value is None  # the same for all
    assert result.regrets["reward"].value == regret(search.mean(1), final[:, 0], np.arange(12)[None])[0]
    assert result.seconds == {"search": 2.0, "final": 9.0}
    without = audited(one, rows(search, final[:, :0]))
    assert (without.signals, without.regrets, without.share) == (None, {}, result.share)
    once = audited(one, rows(search[:, :1], final))
    assert (once.share, once.seeds) == (None, None)


def test_other_signals(one: Run) -> None:
    """What a run knew of the networks, and their scores before training."""
    search, final = noisy(), noisy()[:, :1]
    before = [{"loss of the run": float(value)} for value in -final[:, 0]]
    start = [Score(number, 0, "start", {"snip": float(number % 2)}) for number in range(12)]
    result = audited(one, [*start, *rows(search[:, :0], final)], before)
    assert result.signals is not None
    found = {one.signal: one.tau.value for one in result.signals.comparison().agreements}
    assert found == {
        "loss of the run": pytest.approx(1),
        "snip": pytest.approx(stats.kendalltau(np.arange(12) % 2, final).statistic),
    }
    assert result.regrets["loss of the run"] == Estimate(0.0, 0.0, 0.0)
    assert (result.share, result.kills) == (None, None)


def test_an_error_of_the_task_is_negated_at_every_stage(one: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one.task, "errors", ("score",))
    signals = audited(one, rows(noisy(), noisy()[:, :1])).signals
    assert signals is not None
    assert [signals.turn(name) for name in ("score", "score after short", "score of the run", "reward")] == [
        -1,
        -1,
        -1,
        1,
    ]


def test_false_kills_are_those_of_the_best_quarter(one: Run, toy_config: dict[str, Any], tmp_path: Path) -> None:
    """The gate looks at the stage that is given as 0.5 everywhere, but for two networks."""
    gate = dict(type="Constraint", name="score", at_least=0.1)
    strict = Run(
        {"benchmark": {**toy_config, "gate": gate}, "strategy": dict(type="RandomSearch")}, "a", 0, tmp_path, "cpu"
    )
    final = np.arange(12.0)[:, None]
    scores = rows(noisy(), final)
    low = [s.part == "search" and s.architecture in (2, 11) for s in scores]
    scores = [
        replace(s, stages=({"score": 0.0}, s.stages[1])) if sunk else s for s, sunk in zip(scores, low, strict=True)
    ]
    kills = audited(strict, scores).kills
    assert kills is not None
    assert (kills.good, kills.stopped) == (3, 1)  # 9 to 11 are the best; 2 is rightly stopped
    assert 0 < kills.low < 1 / 3 < kills.high < 1
    open_gate = {name: value for name, value in toy_config.items() if name != "gate"}
    free = Run({"benchmark": open_gate, "strategy": dict(type="RandomSearch")}, "b", 0, tmp_path, "cpu")
    assert audited(free, scores).kills is None


def test_a_network_with_a_failure_is_left_out(one: Run) -> None:
    search, final = noisy(), noisy()[:, :1]
    search[3, 1] = final[7] = np.nan
    result = audited(one, rows(search, final))
    assert (result.networks, result.failed) == (10, 2)
    sound = np.delete(search, [3, 7], axis=0)
    assert result.share is not None
    assert result.share.value == share(sound, np.arange(10)[None])[0]
    with pytest.raises(ValueError, match="3 networks say little"):
        audited(one, rows(search[:4], final[:4]))


def test_a_network_without_a_reward_has_failed(one: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it has in a study, which judges it after every stage."""
    scores, search = rows(noisy(), noisy()[:, :1]), noisy()
    for place, stage in ((4, 0), (13, 1)):  # networks 1 and 4
        stages = list(scores[place].stages)
        stages[stage] = {"score": -99.0 if stage else np.nan}
        scores[place] = replace(scores[place], stages=tuple(stages))

    def product(metrics: dict[str, float]) -> float:
        if metrics["score"] == -99:
            raise ZeroDivisionError("by nothing")
        return metrics["score"]

    monkeypatch.setattr(one.benchmark, "reward", product)
    result = audited(one, scores)
    assert (result.networks, result.failed) == (10, 2)
    assert result.share is not None
    assert result.share.value == share(np.delete(search, [1, 4], axis=0), np.arange(10)[None])[0]


def test_more_networks_begin_with_the_same() -> None:
    few, many = sampled(ToySpace(), 5), sampled(ToySpace(), 9)
    assert many[:5] == few
    assert len({arch.key for arch in many}) == 9


def test_more_networks_of_a_run_begin_with_the_same(toy_config: dict[str, Any], tmp_path: Path) -> None:
    """Else the scores of fewer ones would be taken for those of others."""
    run = Run({"benchmark": toy_config, "strategy": dict(type="RandomSearch")}, "random", 0, tmp_path, "cpu")
    run.prepare()
    with run.open(InlineExecutor(), 1) as study:
        answers = run.strategy.search(study)
        unfinished = Record.of(run.folder)
        run.finish(study, answers, Cost())
    record, space = Record.of(run.folder), run.benchmark.space
    few, known = found_by(record, space, 5)
    many, more = found_by(record, space, 9)
    assert (many[:5], list(more[:5])) == (few, list(known))
    assert len({arch.key for arch in many}) == 9
    every, _ = found_by(record, space, None)
    assert every[:9] == many
    assert len(every) == min(20, len(rated(record)))
    with pytest.raises(ValueError, match="is not finished"):
        found_by(unfinished, space, 5)


@pytest.fixture
def one(toy_config: dict[str, Any], tmp_path: Path) -> Run:
    return Run({"benchmark": toy_config, "strategy": dict(type="RandomSearch")}, "audit", 0, tmp_path, "cpu")


def played(one: Run, path: Path) -> list[Score]:
    return list(measure(one, Scores(path, one), sampled(one.benchmark.space, 4), PLACES, InlineExecutor(), 1))


def first_of(one: Run, folder: Path) -> Score:
    networks = sampled(one.benchmark.space, 1)
    (score,) = measure(one, Scores(folder / "a.jsonl", one), networks, PLACES[:1], InlineExecutor(), 1)
    return score


def test_a_killed_audit_goes_on(one: Run, tmp_path: Path) -> None:
    path = tmp_path / "audits/toy.jsonl"
    first = played(one, path)
    assert [score.place for score in first] == PLACES
    assert not any(score.error for score in first)
    assert {len(score.stages) for score in first[:-1]} == {2}
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n" + lines[-2][:20])  # a kill tore the last line but one
    again = played(one, path)
    assert [(score.place, score.stages) for score in again] == [(score.place, score.stages) for score in first[-2:]]
    assert played(one, path) == []
    kept = [json.loads(line)["stages"] for line in path.read_text().splitlines()[1:]]
    assert kept == [list(score.stages) for score in first]


def test_the_last_stage_starts_from_the_weights_of_the_one_before(
    one: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.toy import ToyTask

    seen: list[tuple[str, bool]] = []
    fit = ToyTask.fit

    def watched(self: ToyTask, model: Any, stage: Any, **settings: Any) -> Any:
        seen.append((stage.name, settings["start"] is not None))
        return fit(self, model, stage, **settings)

    monkeypatch.setattr(ToyTask, "fit", watched)
    score = first_of(one, tmp_path)
    assert seen == [("short", False), ("long", True)]
    assert not score.error


def test_what_is_damaged_or_of_another_protocol_is_refused(one: Run, tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl"
    played(one, path)
    lines = path.read_text().splitlines()
    for wrong, sentence in (
        (
            [lines[0].replace('"protocol_hash": "', '"protocol_hash": "x'), *lines[1:]],
            "measured under another protocol",
        ),
        ([*lines[:2], '{"architecture": 0}', *lines[2:]], "line 3 is not a score .*has no 'seed'"),
        ([lines[0].replace("cpu", "cuda"), *lines[1:]], "it was measured on 'cuda' and not on cpu"),
        (lines[1:], "measured under another protocol"),
    ):
        path.write_text("\n".join(wrong) + "\n")
        with pytest.raises(ValueError, match=sentence):
            Scores(path, one)


def test_a_failure_is_told_and_kept(one: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.toy import ToyTask

    def fails(self: ToyTask, *arguments: Any, **settings: Any) -> None:
        raise RuntimeError("too deep")

    monkeypatch.setattr(ToyTask, "fit", fails)
    score = first_of(one, tmp_path)
    assert score.stages == ()
    assert "too deep" in score.error
    assert Scores(tmp_path / "a.jsonl", one).found == [score]


def test_scores_that_are_not_finite_are_a_failure_that_the_journal_keeps(one: Run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tasks.trainable.Trainable", object)
    monkeypatch.setattr("tasks.zero_cost.zero_cost", lambda *_: {"snip": 1.0, "nwot": -math.inf})
    place, (network,) = Place(0, 0, "start"), sampled(one.benchmark.space, 1)
    score = play(place, jobs(one, network, place))
    assert (score.measures, score.error) == ({}, "scores that are not finite: {'nwot': -inf}")
    Scores(tmp_path / "audit.jsonl", one).add(score)
    assert Scores(tmp_path / "audit.jsonl", one).found == [score]
