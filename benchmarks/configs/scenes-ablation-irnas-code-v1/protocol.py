"""scenes-ablation-irnas-code-v1: scenes-ablation-irnas-v1 with the cells and the loss of scenes-denoise-v2.

Command: python tools/run_benchmark.py ablations
Cells are those of IR-NAS's later code, each layer has its own, without ASPP, and the loss is nearly all mean squared error.
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.ir_nas import IRNAS

default_of = ["ablations"]
like = "scenes-ablation-irnas-v1"
benchmark = {
    "id": "scenes-ablation-irnas-code-v1",
    "space": dict(_delete_=True, type=RestorationCells, nodes=2, layers=2, channels=4, stem=16),
    "task.ssim_weight": 0.02,
    "proxy.ssim_weight": 0.02,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
