"""rain-v2: cells and widths (IR-NAS) that take rain from photographs, learnt from pairs.

Command: python tools/run_benchmark.py rain-v2 --cfg-options benchmark.task.data.root=DIR
DIR holds `train`, `val` and `test`, each with the folders `rain` and `norain` (Rain100L, Rain100H and Rain800 come as such
pairs; name other folders by benchmark.task.data.degraded and .clean). The budget is that of a hundred candidates on 200 pairs
to learn from and 20 to validate on. Never measured as a whole: it wants a GPU.
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.folders import FolderPairs
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="rain-v2",
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
            view=dict(size=[64, 64]),
            recipe=dict(epochs=10, batch=8, lr=3e-3, polyak=0.95),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64]),
        recipe=dict(epochs=1000, batch=8, lr=3e-3, schedule="poly", polyak=0.999, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=400, images=214_800),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=20, tournament=5),
    darts=dict(type=DARTS, epochs=100, arch_decay=0.0),
    ir_nas=dict(type=IRNAS, arch_decay=0.0),
    rainy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", channels=3, width=64, depth=10, norm=True))),
)
