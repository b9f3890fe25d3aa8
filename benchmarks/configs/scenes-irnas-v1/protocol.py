"""scenes-irnas-v1: IR-NAS as it was presented, in small: one cell with deformable convolution, widths W, 2W, 4W, and ASPP.

Command: python tools/run_benchmark.py scenes-irnas-v1
Noise of sigma 30, 50 or 70 is drawn for each crop, and final networks are scored with each; lambda of the loss is 0.5 in the
search and 0.6 in the final training. Measured on the test images, seed 0: non-local means 26.0 dB, DnCNN 25.7, IR-NAS 24.4,
regularised evolution and random search 24.3, noisy 15.2, in half an hour on one core (docs/restoration.md).
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import Noise, NoiseLevels
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["restoration-all"]
benchmark = dict(
    id="scenes-irnas-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=NoiseLevels, sigmas=[30, 50, 70]),
        input_size=[128, 128],
        ssim_weight=0.6,
    ),
    proxy=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=Noise, sigma=[30, 50, 70]),
        input_size=[128, 128],
        ssim_weight=0.5,
    ),
    space=dict(type=RestorationCells, variant="slides", shared=True, aspp=True, nodes=2, layers=2, channels=4, stem=16),
    stages=[
        dict(
            name="short",
            view=dict(share=0.5, size=[24, 24], copies=1),
            recipe=dict(epochs=2, batch=8, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[48, 48]),
        recipe=dict(epochs=3, batch=4, lr=6e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=100, images=1_600),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    ir_nas=dict(
        type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0, criterion=dict(SSIM=1.0, PSNR=0.01), since=1
    ),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=50.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
