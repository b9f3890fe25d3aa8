"""nuclei-denoise-v1: cells and widths (IR-NAS) that take noise of sigma 50 from microscope images; a CPU is enough.

Command: python tools/run_benchmark.py nuclei-denoise-v1
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.data import NucleiImages
from tasks.restoration.degradations import Noise
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="nuclei-denoise-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=NucleiImages, window=64),
        degradation=dict(type=Noise, sigma=50.0),
        input_size=[64, 64],
    ),
    space=dict(type=RestorationCells, nodes=1, layers=3, channels=4, shared=True, stem=12),
    stages=[
        dict(
            name="short",
            view=dict(size=[24, 24], copies=12),
            recipe=dict(epochs=3, batch=8, lr=1e-2, schedule="poly", polyak=0.95),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[32, 32], copies=8),
        recipe=dict(epochs=8, batch=8, lr=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=100, images=60_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=8, tournament=3),
    ir_nas=dict(type=IRNAS, epochs=6, warmup=2, arch_lr=3e-2, arch_decay=0.0),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=50.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
