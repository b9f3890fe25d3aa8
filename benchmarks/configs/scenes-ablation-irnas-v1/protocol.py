"""scenes-ablation-irnas-v1: IR-NAS as presented (scenes-irnas-v1) with three seeds.

Command: python tools/run_benchmark.py ablations
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.ir_nas import IRNAS

default_of = ["ablations"]
like = "scenes-irnas-v1"
benchmark = dict(id="scenes-ablation-irnas-v1", seeds=[0, 1, 2])
strategies = dict(
    random_search=dict(type=RandomSearch),
    ir_nas=dict(
        type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0, criterion=dict(SSIM=1.0, PSNR=0.01), since=1
    ),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
