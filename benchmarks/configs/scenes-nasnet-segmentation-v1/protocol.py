"""scenes-nasnet-segmentation-v1: backbones of NASNet's cells under a plain decoder, on the scenes; nothing is learnt before.

Command: python tools/run_benchmark.py scenes-nasnet-segmentation-v1
Measured, seed 0: regularised evolution 37.9 mIoU, DARTS 28.5, random search 25.3, each in a little over a minute on one core.
Four random answers came to 23.9 to 40.7 after the final training. Cells join all of their blocks, so that there is a supernet.
"""

from search_spaces.nasnet_cells.space import NASNetCells
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from tasks.rewards import Metric
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-nasnet-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25),
        input_size=[128, 128],
    ),
    space=dict(type=NASNetCells, blocks=3, depth=1, channels=4, join="all"),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[64, 64], eval_size=[128, 128], scale=[1.0, 1.4]),
            recipe=dict(epochs=4, batch=8, lr=2e-2, polyak=0.9),
            options=dict(loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64], scale=[1.0, 1.6], jitter=0.2),
        recipe=dict(epochs=8, batch=8, lr=2e-2, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Metric, name="mIoU"),
    budget=dict(trials=24, images=3_800),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    darts=dict(type=DARTS, epochs=6, arch_lr=1e-1),
)
