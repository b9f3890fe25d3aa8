"""What the regrets of strategies on tables say: intervals, tests, ranks, and how soon targets are reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import rankdata

REFERENCE = "random_search"
LEVEL = 0.05
TARGETS = np.logspace(0, -2, 21)  # regrets to reach, as shares of a first answer's
Array = np.ndarray


@dataclass(frozen=True)
class Table:
    """The regrets (seeds, trainings) of all strategies on one tabular benchmark."""

    name: str
    regrets: Mapping[str, Array]

    @cached_property
    def final(self) -> pd.DataFrame:
        """The regret at the end: a row a seed, a column a strategy."""
        return pd.DataFrame({who: curves[:, -1] for who, curves in self.regrets.items()})

    def interval(self, who: str) -> tuple[Array, Array]:
        """The 95 % interval of the mean regret after each training, of a percentile bootstrap over seeds."""
        curves = self.regrets[who]
        draws = np.random.default_rng(0).integers(len(curves), size=(1000, len(curves)))
        low, high = np.nanpercentile(np.nanmean(curves[draws], axis=1), (2.5, 97.5), axis=0)
        return low, high

    @cached_property
    def adjusted(self) -> pd.DataFrame:
        """p of every pair of strategies: Wilcoxon's signed-rank test over seeds (zeros split), with Holm's correction."""
        import scikit_posthocs

        values = [self.final[who].to_numpy() for who in self.final]
        found = scikit_posthocs.posthoc_wilcoxon(values, p_adjust="holm", zero_method="zsplit")
        found.index = found.columns = self.final.columns
        return found

    def reached(self, within: float) -> pd.DataFrame:
        """For each strategy the share of seeds that come within a regret, and the expected trainings until one does.

        The expected running time is all trainings spent until then, or in vain, over the number of successes (Hansen et al.,
        COCO, 2021); infinite without one.
        """
        rows = {}
        for who, curves in self.regrets.items():
            hit = np.nan_to_num(curves, nan=np.inf) <= within
            first = np.where(hit.any(1), hit.argmax(1) + 1, curves.shape[1])
            count = int(hit.any(1).sum())
            rows[who] = {"share": count / len(curves), "trainings": first.sum() / count if count else math.inf}
        return pd.DataFrame(rows).T

    def scale(self, share: float) -> float:
        """A share of the regret that a search's first answer leaves on average, random search's if known, to two digits."""
        known = [self.regrets[REFERENCE]] if REFERENCE in self.regrets else self.regrets.values()
        first = [curves[np.arange(len(curves)), np.isfinite(curves).argmax(1)] for curves in known]
        return float(f"{share * np.nanmin(list(map(np.nanmean, first))):.2g}")

    def winners(self, level: float = LEVEL) -> list[str]:
        """The strategies whose regret is smaller than random search's, and not by chance."""
        if REFERENCE not in self.final:
            return []
        p, final = self.adjusted[REFERENCE].to_dict(), {who: curves[:, -1] for who, curves in self.regrets.items()}
        less = {who: values - final[REFERENCE] for who, values in final.items()}
        # By the mean and, as that test sees it, by signed ranks.
        return [who for who, by in less.items() if p[who] < level and by.mean() < 0 and _signed_ranks(by) < 0]

    def summary(self, within: float) -> pd.DataFrame:
        """A row a strategy, the best first: mean regret and interval, against random search, and how soon it is reached."""
        reached, p, means = self.reached(within), self.adjusted, self.final.mean()
        rows = []
        for who in sorted(self.regrets, key=lambda who: means[who]):
            low, high = (bound[-1] for bound in self.interval(who))
            row = {"strategy": who, "regret": f"{means[who]:.4f} ({low:.4f} to {high:.4f})"}
            if REFERENCE in means:
                row["p against random"] = "" if who == REFERENCE else f"{p.loc[who, REFERENCE]:.3g}"
            share, trainings = reached.loc[who]
            row[f"seeds within {within:g}"] = f"{share:.0%}"
            row["expected trainings"] = "none" if math.isinf(trainings) else f"{trainings:.0f}"
            rows.append(row)
        return pd.DataFrame(rows).fillna("")


def _signed_ranks(differences: Array) -> float:
    """The sum that Wilcoxon's test looks at, of ranks of absolute differences with the signs of these."""
    return float(np.sign(differences) @ rankdata(np.abs(differences)))


def common(tables: Sequence[Table]) -> list[str]:
    """The strategies that all tables have."""
    return [who for who in tables[0].regrets if all(who in table.regrets for table in tables)]


def solved(tables: Sequence[Table]) -> pd.DataFrame:
    """The share of targets reached after so many trainings (rows) by each strategy that all tables have.

    Targets are, for every table and seed, regrets from the whole of what a first answer leaves down to a hundredth of it
    (empirical distributions of running times: Hansen et al., COCO, 2021).
    """
    shares = {}
    for who in common(tables):
        hits = [
            np.nan_to_num(table.regrets[who], nan=np.inf) <= table.scale(share) for table in tables for share in TARGETS
        ]
        reached = [np.logical_or.accumulate(hit, axis=1) for hit in hits]  # by then, also where it is left again
        shares[who] = np.mean([hit.mean(0) for hit in reached], 0)
    return pd.DataFrame(shares, index=range(1, 1 + len(next(iter(shares.values())))))


def tuned(tables: Sequence[Table], families: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """What tuning is worth: each family's regret by its first setting, by that which is best on one table on all the others,
    and by the best of each table itself, as shares of what a first answer leaves; means over tables.

    A family is a kind of strategy with several settings; of those only what all tables have counts.
    """
    known, rows = common(tables), {}
    shares = pd.DataFrame([table.final[known].mean() / table.scale(1.0) for table in tables])
    for family, settings in families.items():
        if len(kept := [who for who in settings if who in known]) < 2:
            continue
        values = shares[kept].to_numpy()
        chosen = values[:, values.argmin(1)]  # tables by the table that was tuned on
        others = chosen[~np.eye(len(tables), dtype=bool)]
        rows[family] = {"first setting": values[:, 0].mean(), "tuned on another": others.mean()}
        rows[family]["best of each"] = values.min(1).mean()
    return pd.DataFrame(rows).T.rename_axis("family")


def share_of_reference(tables: Sequence[Table], who: str) -> float:
    """The mean regret of a strategy as a share of random search's, the median over tables where that has any."""
    return float(np.nanmedian([table.final[who].mean() / table.final[REFERENCE].mean() for table in tables]))


def mean_ranks(tables: Sequence[Table]) -> pd.DataFrame:
    """The rank of each strategy's mean regret on each table (rows), 1 the smallest, of those that all tables have."""
    means = pd.DataFrame(
        [table.final[common(tables)].mean() for table in tables], index=[table.name for table in tables]
    )
    return means.rank(axis=1)


def groups(ranks: pd.DataFrame) -> pd.DataFrame:
    """p of every pair over tables as blocks: Nemenyi's test after Friedman's (Demsar, JMLR 2006)."""
    import scikit_posthocs

    found = scikit_posthocs.posthoc_nemenyi_friedman(ranks.to_numpy())
    found.index = found.columns = ranks.columns
    return found
