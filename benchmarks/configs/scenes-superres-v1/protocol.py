"""scenes-superres-v1: cells and widths (IR-NAS) that enlarge the embedded scenes twice; a CPU is enough.

Command: python tools/run_benchmark.py scenes-superres-v1
Measured on the test images, seed 0: VDSR 34.7 dB, IR-NAS 33.8, regularised evolution 33.6, random search 33.5, bicubic 33.3
(docs/restoration.md).
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import LowResolution
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["restoration-all"]
benchmark = dict(
    id="scenes-superres-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=LowResolution, scale=2),
        input_size=[64, 64],
        ssim_weight=0.02,
    ),
    space=dict(type=RestorationCells, nodes=1, layers=2, channels=8, stem=32, scale=2),
    stages=[
        dict(
            name="short",
            view=dict(share=0.5, size=[32, 32], copies=1),
            recipe=dict(epochs=4, batch=8, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64]),
        recipe=dict(epochs=6, batch=4, lr=6e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=100, images=3_500),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=5, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    bicubic=dict(type=Baseline, model=dict(network=dict(type="Bicubic", scale=2))),
    vdsr=dict(type=Baseline, model=dict(network=dict(type="VDSR", scale=2, width=24, depth=6))),
)
