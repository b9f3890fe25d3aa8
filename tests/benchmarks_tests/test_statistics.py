"""Intervals and tests of the leaderboard, against values computed by hand."""

from __future__ import annotations

import pytest

from benchmarks.report.statistics import holm, improvement, interval, paired_test


def test_the_interval_of_two_or_three_seeds_is_their_range() -> None:
    """The draw of the smallest value alone has the probability 1/4 or 1/27, both above 2.5 %."""
    assert interval([31.0, 27.0]) == (27.0, 31.0)
    assert interval([3.0, 1.0, 8.0]) == (1.0, 8.0)
    assert interval([5.0, 5.0, 5.0]) == (5.0, 5.0)
    assert interval([5.0]) is None
    assert interval([]) is None


def test_the_interval_of_many_seeds_is_that_of_the_normal_distribution() -> None:
    values = [float(value) for value in range(100)]
    error = 1.96 * (sum((value - 49.5) ** 2 for value in values) / 100 / 100) ** 0.5
    assert interval(values) == pytest.approx((49.5 - error, 49.5 + error), abs=0.15)
    assert interval(values) == interval(values)


def test_the_paired_test_tries_all_signs() -> None:
    zeros = dict.fromkeys(range(20), 0.0)
    assert paired_test({0: 1.0, 1: 2.0}, zeros) == pytest.approx(2 / 4)
    assert paired_test({0: 1.0, 1: 2.0, 2: 3.0}, zeros) == pytest.approx(2 / 8)
    assert paired_test({0: -1.0, 1: -2.0, 2: -3.0}, zeros) == pytest.approx(2 / 8)
    assert paired_test({0: 1.0, 1: -1.0, 2: 2.0}, zeros) == pytest.approx(6 / 8)  # of eight means but two are >= 2/3
    assert paired_test(dict.fromkeys(range(10), 1.0), zeros) == pytest.approx(2 / 1024)
    assert paired_test({0: 5.0, 1: 6.0}, {0: 5.0, 1: 6.0}) == 1.0


def test_seeds_are_paired() -> None:
    """Seeds differ by far more than the methods, and the test does not care; a seed that one lacks is left out."""
    reference = {seed: 100.0 * seed for seed in range(8)}
    better = {seed: score + 1 + seed / 10 for seed, score in reference.items()}
    assert paired_test({**better, 99: -1e6}, reference) == pytest.approx(2 / 2**8)
    assert improvement({**better, 99: -1e6}, reference, higher_is_better=True) == pytest.approx(100 * 10.8 / 2800)
    assert paired_test({1: 5.0, 9: 1.0}, reference) is None
    assert improvement({9: 1.0}, reference, higher_is_better=True) is None


def test_more_is_better_in_improvements() -> None:
    assert improvement({0: 3.0}, {0: 2.0}, higher_is_better=True) == pytest.approx(50.0)
    assert improvement({0: 3.0}, {0: 2.0}, higher_is_better=False) == pytest.approx(-50.0)
    assert improvement({0: -1.0}, {0: -2.0}, higher_is_better=True) == pytest.approx(50.0)
    assert improvement({0: 3.0}, {0: 0.0}, higher_is_better=True) is None


def test_holm() -> None:
    """The example of three tests: 3 x 0.01, 2 x 0.03, and 0.04, which must not be below the one before."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
