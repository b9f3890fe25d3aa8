"""The search of IR-NAS: gradients with a warm-up, the epoch of the best mixture kept."""

from functools import partialmethod

from strategies.supernet.darts import DARTS


class IRNAS(DARTS):
    """Hierarchical gradient search (Zhang et al., IR-NAS, 2019; HiNAS, CVPR 2020; settings of the authors' public code).

    First-order `DARTS` on operations and widths together, with Adam at 1e-3 for the architecture, which stands still for the
    first fifth of 100 epochs, and the answer of the epoch in which the mixture was best. The loss (mean squared error and
    SSIM) is the task's, decoding (two inputs a node, Viterbi over the widths) the supernet's.
    """

    __init__ = partialmethod(DARTS.__init__, epochs=100, warmup=20, arch_lr=1e-3, keep="best")  # type: ignore[assignment]
