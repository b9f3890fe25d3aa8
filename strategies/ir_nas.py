"""The search of IR-NAS: gradients with a warm-up, the epoch of the best mixture kept."""

from strategies.darts import DARTS
from strategies.registry import STRATEGIES


@STRATEGIES.register_module()
class IRNAS(DARTS):
    """Hierarchical gradient search (Zhang et al., IR-NAS, 2019; HiNAS, CVPR 2020; settings of the authors' public code).

    First-order `DARTS` on operations and widths together, with Adam at 1e-3 for the architecture, which stands still for the
    first fifth of 100 epochs, and the answer of the epoch in which the mixture was best. The loss (mean squared error and
    SSIM) is the task's, decoding (two inputs a node, Viterbi over the widths) the supernet's.
    """

    def __init__(
        self,
        epochs: int = 100,
        warmup: int = 20,
        order: int = 1,
        arch_lr: float = 1e-3,
        arch_decay: float = 1e-3,
        keep: str = "best",
    ):
        super().__init__(epochs, warmup, order, arch_lr, arch_decay, keep)
