"""scenes-superres-v1: cells and widths (IR-NAS) that enlarge the embedded scenes twice; a CPU is enough.

Command: python tools/run_benchmark.py scenes-superres-v1
Measured on the test images, seed 0: VDSR 34.7 dB, IR-NAS 33.8, regularised evolution 33.6, random search 33.5, bicubic 33.3
(docs/restoration.md).
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import LowResolution

default_of = ["restoration-all"]
like = "scenes-denoise-v2"
benchmark = {
    "id": "scenes-superres-v1",
    "task.degradation": dict(_delete_=True, type=LowResolution, scale=2),
    "task.input_size": [64, 64],
    "space": dict(channels=8, stem=32, scale=2),
    "stages.0.recipe": dict(epochs=4, batch=8),
    "final.view.size": [64, 64],
    "final.recipe.epochs": 6,
    "budget.images": 3_500,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=5, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    bicubic=dict(type=Baseline, model=dict(network=dict(type="Bicubic", scale=2))),
    vdsr=dict(type=Baseline, model=dict(network=dict(type="VDSR", scale=2, width=24, depth=6))),
)
