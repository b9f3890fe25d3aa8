"""Rank agreement of a short stage with a long one, and shares of a choice over time: by hand, on made-up ledgers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.analysis.ranking import Comparison, answers_of, kendall, spearman, stages_of
from benchmarks.records.record import Record
from benchmarks.report.figures import choice_over_time, choice_shares
from search_spaces.head_cells.space import HeadCells
from search_spaces.toy.space import ToySpace
from strategies import Proposal, StageResult, Trial
from tasks import Cost

SHORT = [(0.9, 10.0), (0.7, 30.0), (0.8, 20.0), (0.4, 20.0), (0.5, 40.0), (0.1, 60.0)]  # loss and AP of six trials
LONG = [11.0, 13.0, 12.0, 17.0, 15.0, 14.0]  # AP of the same


def compare(*arguments: Any, **named: Any) -> Comparison:
    return stages_of(*arguments, **named).comparison()


def record(
    seed: int = 0,
    short: Sequence[tuple[float, float]] = SHORT,
    long: Sequence[float] = LONG,
    finished: bool = True,
    benchmark: str = "b",
    higher_is_better: bool = True,
) -> Record:
    trials = []
    for number, ((loss, ap), final) in enumerate(zip(short, long, strict=True)):
        quick = {"loss_cls": loss, "loss_bbox": 0.25, "AP": ap}
        stages = (StageResult("short", quick, Cost()), StageResult("long", {"AP": final, "loss_cls": 0.5}, Cost()))
        proposal = Proposal(ToySpace().sample(Random(f"{seed}{number}")))
        trials.append(Trial(number, proposal, stages, "done", final))
    config = {"benchmark": {"reward": {"type": "NegativeSum", "names": ["loss_cls", "loss_bbox"]}}}
    result = {"primary": "AP", "higher_is_better": higher_is_better} if finished else None
    return Record(Path(), benchmark, "s", seed, trials, config, result)


def signals(result: Comparison) -> dict[str, tuple[float | None, float | None]]:
    return {one.signal: (one.tau.value, one.rho.value) for one in result.agreements}


def test_every_metric_and_the_reward_are_ranked_against_the_primary_metric() -> None:
    result = compare([record()])
    said = (result.benchmark, result.short, result.long, result.metric, result.trials)
    assert said == ("b", "short", "long", "AP", 6)
    found = signals(result)
    assert list(found) == ["loss_cls", "loss_bbox", "AP", "reward"]
    aps, losses = [ap for _, ap in SHORT], [-loss for loss, _ in SHORT]
    for name, values in (("AP", aps), ("loss_cls", losses)):
        expected = [stats.kendalltau(values, LONG)[0], stats.spearmanr(values, LONG)[0]]
        assert found[name] == pytest.approx(expected)
    assert found["loss_cls"][0] > 0.5  # negated: less loss goes with more AP
    assert found["reward"] == found["loss_cls"]  # minus the sum, with the other loss constant
    assert found["loss_bbox"] == (None, None)
    squares = [(a - b) ** 2 for a, b in zip([1, 3, 2, 5, 4, 6], [1, 3, 2, 6, 5, 4], strict=True)]  # ranks
    assert found["reward"][1] == pytest.approx(1 - 6 * sum(squares) / (6 * 35))


def test_a_training_that_two_studies_have_in_common_counts_once() -> None:
    assert stages_of([record(), record()]).comparison().trials == len(LONG)
    assert stages_of([record(0), record(1)]).comparison().trials == 2 * len(LONG)


def test_correlations_of_draws_are_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 6, 25).astype(float), rng.integers(0, 6, 25).astype(float)  # many ties
    draws = rng.integers(25, size=(20, 25))
    assert kendall(x, y, draws) == pytest.approx([stats.kendalltau(x[draw], y[draw])[0] for draw in draws])
    assert spearman(x, y, draws) == pytest.approx([stats.spearmanr(x[draw], y[draw])[0] for draw in draws])


def test_many_trials_are_not_all_paired_at_once() -> None:
    x = np.random.default_rng(0).integers(0, 50, 3000).astype(float)
    y = x + np.arange(3000) % 7
    tracemalloc.start()
    (tau,) = kendall(x, y, np.arange(3000)[None])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tau == pytest.approx(stats.kendalltau(x, y)[0])
    assert peak < 3000 * 3000 * 8 / 2  # bytes: half of all pairs


def test_the_interval_is_narrow_where_many_trials_agree() -> None:
    def interval(count: int, noise: float) -> tuple[float, float, float]:
        rng = Random(0)
        long = [rng.uniform(0, 50) for _ in range(count)]
        short = [(1 - ap / 100, ap + rng.gauss(0, noise)) for ap in long]
        result = compare([record(0, short, long)])
        tau = next(one.tau for one in result.agreements if one.signal == "AP")
        return tau.low or 0.0, tau.value or 0.0, tau.high or 0.0

    (low, value, high), (wide_low, _, wide_high) = interval(60, 5.0), interval(10, 5.0)
    assert low < value < high <= 1
    assert high - low < wide_high - wide_low
    unrelated = interval(60, 1e6)
    assert unrelated[0] < 0 < unrelated[2]


def test_the_same_ledgers_give_the_same_intervals() -> None:
    assert compare([record()]) == compare([record()])


def test_trials_of_studies_are_pooled_and_repeated_or_stopped_ones_left_out() -> None:
    one, two = record(0), record(1)
    again = one.trials[0]
    one.trials.append(Trial(6, again.proposal, again.stages, "done", again.reward))
    two.trials[1] = Trial(1, two.trials[1].proposal, two.trials[1].stages[:1], "stopped", 0.0)
    two.trials[2] = Trial(2, two.trials[2].proposal, (), "failed", None, "broken")
    assert compare([one, two]).trials == 6 + 4


def test_a_trial_that_takes_another_one_on_has_its_stages_behind_it() -> None:
    """As successive halving leaves them: a trial for each stage of a network."""
    whole, halved = record(), record()
    halved.trials.clear()
    for trial in whole.trials:
        first = Trial(trial.id, trial.proposal, trial.stages[:1], "done", 0.0, depth=1)
        onward = Proposal(trial.arch, trial.id, onward=True, stages=1)
        halved.trials.extend([first, Trial(trial.id + 6, onward, trial.stages[1:], "done", trial.reward, depth=2)])
    assert compare([halved]) == compare([whole])


def test_a_reward_may_read_the_costs_of_a_network() -> None:
    one = record()
    one.config["benchmark"]["reward"] = {"type": "Metric", "name": "params", "sign": -1.0}
    one.trials[:] = [replace(trial, measures={"params": -final}) for trial, final in zip(one.trials, LONG, strict=True)]
    assert signals(compare([one]))["reward"] == pytest.approx((1.0, 1.0))


def test_a_primary_metric_of_which_less_is_better_is_negated() -> None:
    more, less = compare([record()]), compare([record(higher_is_better=False)])
    assert signals(less)["AP"] == signals(more)["AP"]
    assert signals(less)["reward"] == pytest.approx([-value for value in signals(more)["reward"]])


@pytest.mark.parametrize("task", ["DepthTask", "tasks.depth.task.DepthTask"])
def test_errors_of_the_task_are_negated_whoever_measured_them_and_when(task: str) -> None:
    one = record()
    one.config["benchmark"]["task"] = {"type": task}
    sample = stages_of([one])
    names = ("RMSE", "RMSE after short", "abs_rel of the run", "loss_cls of the run", "AP", "AP after short", "reward")
    assert [sample.turn(name) for name in names] == [-1, -1, -1, -1, 1, 1, 1]
    one.config["benchmark"]["task"] = {"type": "elsewhere.Task"}
    assert stages_of([one]).turn("RMSE") == 1
    one.config["benchmark"]["task"] = "no task"
    assert stages_of([one]).turn("RMSE") == 1


def test_what_cannot_be_compared_is_refused() -> None:
    one = record()
    with pytest.raises(ValueError, match="3 trials have both stages 'short' and 'long': at least 4"):
        compare([record(0, SHORT[:3], LONG[:3])])
    with pytest.raises(ValueError, match="unknown stage 'lnog': did you mean 'long'"):
        compare([one], long="lnog")
    with pytest.raises(ValueError, match="two different ones are needed"):
        compare([one], short="long")
    with pytest.raises(ValueError, match="unknown metric of the stage 'long' 'APP': did you mean 'AP'"):
        compare([one], metric="APP")
    with pytest.raises(ValueError, match="name one with --metric"):
        compare([record(finished=False)])
    with pytest.raises(ValueError, match="these are runs of b, c"):
        compare([one, record(benchmark="c")])


def answered(finals: Sequence[float], seed: int = 0, strategy: str = "s", **settings: Any) -> Record:
    """A study that has answered with its first trials, which came to these APs in the end."""
    one = replace(record(seed, **settings), strategy=strategy)
    answers: list[dict[str, Any]] = [
        dict(id=k, final=dict(metrics=dict(AP=ap, loss_cls=-ap))) for k, ap in enumerate(finals)
    ]
    answers.append(dict(id=None, final=dict(metrics=dict(AP=0.0, loss_cls=0.0))))  # of nobody's trial
    assert one.result
    one.result["answers"] = answers
    return one


def test_answers_are_compared_by_their_last_stage_and_their_reward_with_the_final_training() -> None:
    finals = [31.0, 30.0, 33.0, 35.0]
    (sample,) = answers_of([answered(finals)])
    result = sample.comparison()
    said = (result.benchmark, result.strategy, result.short, result.long, result.metric, result.trials)
    assert said == ("b", "s", "long", "final", "AP", 4)
    found = signals(result)
    assert list(found) == ["AP", "loss_cls", "reward"]  # of the stage "long", whose AP is the reward
    expected = [stats.kendalltau(LONG[:4], finals)[0], stats.spearmanr(LONG[:4], finals)[0]]
    assert found["AP"] == found["reward"] == pytest.approx(expected)
    assert found["loss_cls"] == (None, None)
    low, high = next((one.tau.low or 0.0, one.tau.high or 0.0) for one in result.agreements if one.signal == "AP")
    assert -1 <= low < expected[0] < high <= 1
    (less,) = answers_of([answered(finals, higher_is_better=False)])
    assert less.truth == [-final for final in finals]
    assert (less.turn("AP"), less.turn("loss_cls"), less.turn("reward")) == (-1, -1, 1)
    (losses,) = answers_of([answered(finals)], "loss_cls")
    assert losses.truth == finals  # the negated losses


def test_answers_of_a_strategys_seeds_are_pooled_and_too_few_of_a_study_left_out() -> None:
    three, two = [1.0, 2.0, 3.0], [1.0, 2.0]
    records = [answered(three), answered(three, 1), answered(two, 2), answered(three, strategy="t"), record(9)]
    records[-1] = replace(records[-1], result=None)
    samples = answers_of(records)
    assert [(sample.strategy, len(sample.truth)) for sample in samples] == [("s", 6), ("t", 3)]
    assert answers_of([answered(two)]) == []
    with pytest.raises(ValueError, match="unknown metric of the final training 'APP': did you mean 'AP'"):
        answers_of(records, "APP")
    with pytest.raises(ValueError, match="these are runs of b, c"):
        answers_of([answered(three), answered(three, benchmark="c")])


TOY = {"benchmark": {"space": {"type": "ToySpace"}}}


def chosen(strategy: str, seed: int, kernels: Sequence[int], benchmark: str = "toy-v2") -> Record:
    """A study whose trials have these kernels in their first layer, in the order of their ids but written backwards."""
    space, trials = ToySpace(), []
    for number, kernel in enumerate(kernels):
        choices = {**space.sample(Random(number)).as_dict(), "layer0.kernel": kernel}
        trials.insert(0, Trial(number, Proposal(space.architecture(choices)), (), "done", 0.0))
    return Record(Path(), benchmark, strategy, seed, trials, TOY)


def test_heads_count_by_what_they_share_and_where_they_are_searched() -> None:
    """Trials 0 and 1 held the head; of 2 to 5, 2 shares all, and 3, as its only own layer is a skip."""
    ops = {f"head.layer{k}": "skip" for k in range(6)}
    heads = [{"head.layer2": "conv3", "head.split": split} for split in (0, 0, 0, 2, 3, 6)]
    trials = []
    for number, head in enumerate(heads):
        part = "fpn." if number < 2 else "head."
        arch = HeadCells().architecture({**ops, **head})
        trials.append(Trial(number, Proposal(arch, note={"part": part}), (), "done", 0.0))
    record = Record(Path(), "b", "s", 0, trials, {"benchmark": {"space": {"type": "HeadCells"}}})
    shares = choice_shares([record], "head.split", "0", 2)
    assert shares[["first", "last", "trials", "share"]].to_numpy().tolist() == [[2, 3, 2, 1.0], [4, 5, 2, 0.0]]


def test_the_share_of_a_choice_per_period() -> None:
    records = [
        chosen("a", 0, [1, 1, 3, 3, 3, 3, 3]),
        chosen("a", 1, [1, 3, 3, 3, 3, 1]),
        chosen("b", 0, [5, 5, 5, 5]),
    ]
    shares = choice_shares(records, "layer0.kernel", "3", 3)
    assert shares.to_dict("split")["data"] == [
        ["toy-v2", "a", 0, 2, 6, pytest.approx(3 / 6)],
        ["toy-v2", "a", 3, 5, 6, pytest.approx(5 / 6)],
        ["toy-v2", "a", 6, 6, 1, 1.0],
        ["toy-v2", "b", 0, 2, 3, 0.0],
        ["toy-v2", "b", 3, 3, 1, 0.0],
    ]
    (panel,) = choice_over_time(shares, "layer0.kernel", "3", 3).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in panel.get_lines()}
    assert lines["a"] == [[3, 50.0], [6, pytest.approx(500 / 6)], [7, 100.0]]
    assert lines["b"] == [[3, 0.0], [4, 0.0]]


def test_only_records_that_have_the_decision_count() -> None:
    records = [chosen("a", 0, [1, 3]), chosen("a", 0, [3, 3], "big-v1")]
    space = ToySpace(layers=5)
    deep = Trial(0, Proposal(space.sample(Random(0))), (), "done", 0.0)
    records.append(
        Record(Path(), "deep-v1", "a", 0, [deep], {"benchmark": {"space": {"type": "ToySpace", "layers": 5}}})
    )
    shares = choice_shares(records, "layer4.width", str(deep.arch["layer4.width"]), 50)
    assert shares["benchmark"].tolist() == ["deep-v1"]
    assert len(choice_over_time(choice_shares(records, "layer0.kernel", "3", 50), "layer0.kernel", "3", 50).axes) == 3
    with pytest.raises(ValueError, match=r"unknown decision 'layer4.widt': did you mean 'layer4.width'"):
        choice_shares(records, "layer4.widt", "4", 50)
    with pytest.raises(
        ValueError, match=r"unknown choice of layer0.kernel \(no trial made it\) '7': choose one of 1, 3"
    ):
        choice_shares(records[:2], "layer0.kernel", "7", 50)
    with pytest.raises(ValueError, match="at least 1 trial, not 0"):
        choice_shares(records, "layer0.kernel", "3", 0)
