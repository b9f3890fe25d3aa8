"""The search of IR-NAS: gradients with a warm-up, the epoch of the best mixture kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import did_you_mean
from strategies.strategy import Plan, Study
from strategies.supernet.darts import DARTS
from strategies.trial import Answer, Trial


class IRNAS(DARTS):
    """Hierarchical gradient search (Zhang et al., IR-NAS, 2019; HiNAS, CVPR 2020; settings of the authors' public code).

    First-order `DARTS` on operations and widths together, with Adam at 1e-3 for the architecture, which stands still for the
    first fifth of 100 epochs, and the answer of the epoch in which the mixture was best. The loss (mean squared error and
    SSIM) is the task's, decoding (two inputs a node, Viterbi over the widths) the supernet's.

    With `criterion`, weights of metrics by name, the best mixture is that of the largest weighted sum, after the first `since`
    epochs: `{"SSIM": 1, "PSNR": 0.01}` and 60 in the authors' code. Without, the primary metric says it, after the warm-up.
    """

    def __init__(
        self,
        epochs: int = 100,
        warmup: int = 20,
        arch_lr: float = 1e-3,
        keep: str = "best",
        criterion: Mapping[str, float] | None = None,
        since: int = 0,
        **settings: Any,
    ):
        super().__init__(epochs, warmup, arch_lr=arch_lr, keep=keep, **settings)
        if not 0 <= since < epochs:
            raise ValueError(f"since must be less than epochs, not {since} of {epochs}")
        if (criterion is None and since) or (criterion is not None and keep != "best"):
            raise ValueError(
                "criterion says which epoch is best, and since from when on: leave keep at 'best', and give both or no since"
            )
        if criterion is not None and not any(criterion.values()):
            raise ValueError(
                f"criterion weighs no metric: give one a weight other than 0, or leave it out, not {criterion}"
            )
        self.criterion, self.since = criterion, since

    def prepare(self, study: Study) -> Plan:
        metrics = [name for name in study.task.metrics if name != "loss"]  # which no mixture is scored by
        for name in self.criterion or ():
            if name not in metrics:
                raise ValueError(did_you_mean("metric of the criterion", name, metrics))
        return super().prepare(study)

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        if self.criterion is None:
            return super().answers(trials)
        weights = {f"supernet_{name}": weight for name, weight in self.criterion.items()}

        def worth(trial: Trial) -> float:
            return sum(weight * trial.stages[0].metrics[name] for name, weight in weights.items())

        return [Answer.of(max(trials[self.since :] or trials, key=worth))]
