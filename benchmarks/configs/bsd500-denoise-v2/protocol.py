"""bsd500-denoise-v2: cells and widths (IR-NAS) that take noise of sigma 30 from gray photographs.

Command: python tools/run_benchmark.py bsd500-denoise-v2 --cfg-options benchmark.task.data.root=DIR
DIR is the folder of BSDS500 (github.com/BIDS/BSDS500), of which only the images are read. For another sigma add
benchmark.id=bsd500-denoise50-v2 benchmark.task.degradation.sigma=50 strategies.non_local_means.model.network.sigma=50. On
processors without matrix units trainings in bfloat16 are slow: benchmark.final.recipe.bfloat16=False there. The budget is that
of twenty candidates.

docs/denoising.md has what v1 came to, 28.2 to 28.3 dB with 0.26 to 0.50 million parameters, and v2: IR-NAS 28.24 dB with 0.34
million, DnCNN 28.00 with 0.50 million.
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from tasks.restoration.degradations import Noise
from tasks.restoration.folders import FolderImages
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="bsd500-denoise-v2",
    task=dict(
        type=RestorationTask,
        data=dict(type=FolderImages, root="data/bsds500", splits={"some_val": "val[::25]"}),
        degradation=dict(type=Noise, sigma=30.0),
        input_size=[321, 481],
        ssim_weight=0.002,
    ),
    space=dict(type=RestorationCells, nodes=2, channels=16, stem=32, fold=2),
    final_space=dict(type=RestorationCells, nodes=2, channels=32, stem=64, fold=2),
    stages=[
        dict(
            name="short",
            view=dict(eval="some_val", size=[48, 48], copies=2),
            recipe=dict(epochs=10, batch=8, lr=3e-3, polyak=0.95, bfloat16=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[48, 48]),
        recipe=dict(epochs=400, batch=4, lr=3e-3, schedule="poly", polyak=0.999, bfloat16=True, resumable=True),
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=80, images=82_640),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=8, tournament=3),
    darts=dict(type=DARTS, epochs=14, arch_lr=3e-2, arch_decay=0.0),
    ir_nas=dict(type=IRNAS, epochs=14, warmup=3, arch_lr=3e-2, arch_decay=0.0),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=30.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=74, depth=12, fold=2, norm=True))),
)
