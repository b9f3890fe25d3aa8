"""scenes-inpaint-v1: cells and widths (IR-NAS) that fill holes in the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py scenes-inpaint-v1
Measured on the test images, seed 0, of the lost pixels: Telea's method 28.0 dB, IR-NAS 25.5, regularised evolution 25.4, random
search 25.4, black 8.9 (docs/restoration.md).
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import Holes
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["restoration-all"]
benchmark = dict(
    id="scenes-inpaint-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=Holes),
        input_size=[128, 128],
        ssim_weight=0.02,
    ),
    space=dict(type=RestorationCells, nodes=1, layers=2, channels=8, stem=32, holes=True, fold=2),
    stages=[
        dict(
            name="short",
            view=dict(share=0.5, size=[32, 32], copies=1),
            recipe=dict(epochs=2, batch=16, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[48, 48]),
        recipe=dict(epochs=5, batch=4, lr=6e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=100, images=2_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    holes=dict(type=Baseline, model=dict(network=dict(type="Unchanged", channels=1))),
    telea=dict(type=Baseline, model=dict(network=dict(type="Telea"))),
)
