"""scenes-dehaze-v1: cells and widths (IR-NAS) that take haze from the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py scenes-dehaze-v1
Measured on the test images, seed 0: regularised evolution 22.2 dB, IR-NAS 21.6, random search 21.5, DnCNN 20.5, dark channel
prior 17.2, hazy 11.8 (docs/restoration.md).
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import Haze
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["restoration-all"]
benchmark = dict(
    id="scenes-dehaze-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages, gray=False),
        degradation=dict(type=Haze),
        input_size=[128, 128],
        ssim_weight=0.02,
    ),
    space=dict(type=RestorationCells, nodes=1, layers=2, channels=8, stem=32, in_channels=3, fold=2),
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
    hazy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    dark_channel=dict(type=Baseline, model=dict(network=dict(type="DarkChannel"))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", channels=3, width=32, depth=6, fold=2))),
)
