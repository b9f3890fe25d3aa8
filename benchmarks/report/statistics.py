"""Statistics of a benchmark's rows: intervals of means, and paired tests against random search.

scipy.stats and statsmodels are imported where they are used: they take a second, which --help need not wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

RESAMPLES = 9999
EXACT = 2**16  # sign patterns that are all tried: those of 16 seeds


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a mean by the percentile bootstrap, with fixed draws; None for fewer than two values.

    Not BCa, which does not exist where all values are equal and covers no more. With few values both are too narrow.
    """
    if len(values) < 2:
        return None
    from scipy.stats import bootstrap

    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=0).confidence_interval
    return float(found.low), float(found.high)


def paired_test(values: Mapping[int, float], reference: Mapping[int, float]) -> float | None:
    """The two-sided p value of a paired permutation test of means over the seeds that both have; None for fewer than two.

    Not Wilcoxon's test, whose exact distribution holds without ties and zeros only, and scores repeat where networks do.
    All sign patterns are tried for up to 16 seeds, so that no p is below 2^(1-n).
    """
    differences = [values[seed] - reference[seed] for seed in sorted(values.keys() & reference.keys())]
    if len(differences) < 2:
        return None
    from scipy.stats import permutation_test

    found = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=EXACT, rng=0)
    return float(found.pvalue)


def improvement(values: Mapping[int, float], reference: Mapping[int, float], higher_is_better: bool) -> float | None:
    """By how many % the mean over the seeds that both have is better than the reference's, of the latter's size.

    None where they share no seed, or the reference's mean is 0.
    """
    seeds = sorted(values.keys() & reference.keys())
    base = sum(reference[seed] for seed in seeds)
    if base == 0:
        return None
    better = sum(values[seed] for seed in seeds) - base
    return 100 * (better if higher_is_better else -better) / abs(base)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of several tests, adjusted by Holm's step-down method (1979), in their order."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, method="holm")[1]).tolist()
