"""bsd500-irnas-v1: IR-NAS as it was presented: one cell with deformable convolution, widths W, 2W, 4W, and ASPP, on BSD500.

Command: python tools/run_benchmark.py bsd500-irnas-v1 --device cuda --cfg-options benchmark.task.data.root=DIR \\
    benchmark.proxy.data.root=DIR
DIR is the folder of BSDS500 (github.com/BIDS/BSDS500), of which only the images are read. Noise of sigma 30, 50 or 70 is drawn
for each crop, and the network that is found is scored with each (PSNR30 ...); for one network a sigma, as published, give it
benchmark.task.degradation.sigmas=[30] and an id of its own. In the loss lambda is 0.5 for the search and 0.6 for the final
training, whose recipes are the published ones (benchmarks/configs/recipes.py); of IR-NAS counts the epoch with the largest
SSIM + PSNR / 100 after the sixtieth. Candidates are scored on 20 images. How they are trained is ours; the budget is what
IR-NAS spends.

Never run as a whole: it wants a GPU, for the 600,000 batches of the final training days of it, or
benchmark.final.recipe.epochs=1000. scenes-irnas-v1 is the same in small.
"""

from mmengine.config import read_base

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import Noise, NoiseLevels
from tasks.restoration.folders import FolderImages
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

with read_base():
    from ..recipes import ir_nas_final, ir_nas_search

photographs = dict(type=FolderImages, root="data/bsds500", splits=dict(some_val="val[::5]"))
cells = dict(type=RestorationCells, variant="slides", shared=True, aspp=True)
benchmark = dict(
    id="bsd500-irnas-v1",
    proxy=dict(
        type=RestorationTask,
        data=photographs,
        degradation=dict(type=Noise, sigma=[30, 50, 70]),
        ssim_weight=0.5,
    ),
    task=dict(
        type=RestorationTask,
        data=photographs,
        degradation=dict(type=NoiseLevels, sigmas=[30, 50, 70]),
        ssim_weight=0.6,
    ),
    space=dict(**cells, channels=10),
    final_space=dict(**cells, channels=20),
    stages=[
        dict(
            name="short",
            view=dict(eval="some_val", size=[64, 64], scale=[0.8, 1.2]),
            recipe=dict(ir_nas_search, epochs=10),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64], scale=[0.8, 1.2]),
        recipe=dict(ir_nas_final, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=400, images=32_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=5, tournament=3),
    ir_nas=dict(type=IRNAS, criterion=dict(SSIM=1.0, PSNR=0.01), since=60),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=50.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", norm=True))),
)
