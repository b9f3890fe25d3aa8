"""scenes-derain-v1: cells and widths (IR-NAS) that take rain from the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py scenes-derain-v1
scenes-dehaze-v1 under streaks of rain. Measured on the test images, seed 0: regularised evolution and random search 26.1 dB,
DnCNN and IR-NAS 26.0, rainy 16.9 (docs/restoration.md).
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import RainStreaks

default_of = ["restoration-all"]
like = "scenes-dehaze-v1"
benchmark = {"id": "scenes-derain-v1", "task.degradation": dict(_delete_=True, type=RainStreaks)}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    rainy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", channels=3, width=32, depth=6, fold=2))),
)
