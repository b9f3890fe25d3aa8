"""scenes-denoise-v2: cells and widths (IR-NAS) that take noise of sigma 30 from the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py restoration
Measured on the test images, seed 0: noisy 18.7 dB, non-local means 30.0, DnCNN 29.1, one_shot 27.7, DARTS 27.7, IR-NAS 27.6,
random search 27.5, regularised evolution 27.4. The networks are tiny and their training short.
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from strategies.supernet.one_shot import OneShot
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import Noise
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["restoration", "embedded", "quick"]
benchmark = dict(
    id="scenes-denoise-v2",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=Noise, sigma=30.0),
        input_size=[128, 128],
        ssim_weight=0.02,
    ),
    space=dict(type=RestorationCells, nodes=1, layers=2, channels=4, stem=16),
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
    one_shot=dict(type=OneShot, epochs=3, candidates=5, strategy=dict(type=RandomSearch)),
    darts=dict(type=DARTS, epochs=3, arch_lr=3e-2, arch_decay=0.0),
    ir_nas=dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=30.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
