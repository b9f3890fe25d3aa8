"""scenes-dehaze-v1: cells and widths (IR-NAS) that take haze from the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py scenes-dehaze-v1
Measured on the test images, seed 0: regularised evolution 22.2 dB, IR-NAS 21.6, random search 21.5, DnCNN 20.5, dark channel
prior 17.2, hazy 11.8 (docs/restoration.md).
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import Haze

default_of = ["restoration-all"]
like = "scenes-denoise-v2"
benchmark = {
    "id": "scenes-dehaze-v1",
    "task.data.gray": False,
    "task.degradation": dict(_delete_=True, type=Haze),
    "space": dict(channels=8, stem=32, in_channels=3, fold=2),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    hazy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    dark_channel=dict(type=Baseline, model=dict(network=dict(type="DarkChannel"))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", channels=3, width=32, depth=6, fold=2))),
)
