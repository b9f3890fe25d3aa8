"""scenes-inpaint-v1: cells and widths (IR-NAS) that fill holes in the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py scenes-inpaint-v1
Measured on the test images, seed 0, of the lost pixels: Telea's method 28.0 dB, IR-NAS 25.5, regularised evolution 25.4, random
search 25.4, black 8.9 (docs/restoration.md).
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import Holes

default_of = ["restoration-all"]
like = "scenes-denoise-v2"
benchmark = {
    "id": "scenes-inpaint-v1",
    "task.degradation": dict(_delete_=True, type=Holes),
    "space": dict(channels=8, stem=32, holes=True, fold=2),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    holes=dict(type=Baseline, model=dict(network=dict(type="Unchanged", channels=1))),
    telea=dict(type=Baseline, model=dict(network=dict(type="Telea"))),
)
