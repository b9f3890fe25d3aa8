"""micro-restoration-v2: 504 small cells and widths that take noise from microscope images, few enough to be trained all.

Command: python tools/run_benchmark.py micro-restoration-v2
All of them: python tools/build_table.py micro-restoration-v2 --out my-table
Images are windows of 64 pixels, the noise has sigma 50. 20 random networks with two runs each: 84 % (40 to 92) of the variance
of the last PSNR on the validation images are due to the network, 63 % where each network trains with seeds of its own.
"""

from search_spaces.restoration_cells.space import RestorationCells
from search_spaces.subset import Subset
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.restoration.data import NucleiImages
from tasks.restoration.degradations import Noise
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

default_of = ["micro"]
benchmark = dict(
    id="micro-restoration-v2",
    task=dict(
        type=RestorationTask,
        data=dict(type=NucleiImages, window=64),
        degradation=dict(type=Noise, sigma=50.0),
        input_size=[64, 64],
    ),
    space=dict(
        type=Subset,
        space=dict(type=RestorationCells, nodes=1, layers=3, channels=4, shared=True, stem=12),
        choices={
            "cell0.node0.a.op": ["conv3", "dil3", "dil5"],
            "cell0.node0.b.op": ["none", "sep3", "sep5", "skip"],
        },
    ),
    stages=[
        dict(
            name="short",
            view=dict(size=[24, 24], copies=8),
            recipe=dict(epochs=4, batch=8, lr=1e-2, schedule="poly", polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[32, 32], copies=8),
        recipe=dict(epochs=8, batch=8, lr=1e-2, schedule="poly", polyak=0.99),
    ),
    reward=dict(type=Metric, name="PSNR"),
    common_seed=True,
    budget=dict(trials=100, images=20_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=5, tournament=3),
)
