"""rain-v1: cells and widths (IR-NAS) that take rain from photographs, learnt from pairs.

Command: python tools/run_benchmark.py rain-v1 --cfg-options benchmark.task.data.root=DIR
DIR holds `train`, `val` and `test`, each with the folders `rain` and `norain` (Rain100L, Rain100H and Rain800 come as such
pairs; name other folders by benchmark.task.data.degraded and .clean). Never measured as a whole: it wants a GPU.
"""

from search_spaces.restoration_cells import RestorationCells
from tasks.restoration.folders import FolderPairs
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="rain-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=FolderPairs, root="data/rain", degraded="rain", clean="norain"),
        input_size=[321, 481],
        ssim_weight=0.01,
    ),
    space=dict(type=RestorationCells, in_channels=3),
    final_space=dict(type=RestorationCells, in_channels=3, channels=20),
    stages=[
        dict(
            name="short",
            epochs=10,
            size=[64, 64],
            batch=8,
            lr=3e-3,
            polyak=0.95,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=1000,
        size=[64, 64],
        batch=8,
        lr=3e-3,
        schedule="poly",
        polyak=0.999,
        resumable=True,
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=100),
    seeds=[0],
    baselines=dict(
        rainy=dict(type="Unchanged"),
        dncnn=dict(type="DnCNN", channels=3, width=64, depth=10, norm=True),
    ),
)
