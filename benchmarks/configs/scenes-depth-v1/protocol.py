"""scenes-depth-v1: the depth of rooms that are made on the spot, by the decoders of segmentation; a CPU is enough.

Command: python tools/run_benchmark.py depth
Measured, seeds 0 to 2: random search 1.24, 1.07 and 1.19 m RMSE, a light RefineNet 1.21, 1.18 and 1.20, FCN 1.42, 1.41 and
1.55; networks that were searched for Pascal VOC come to 1.08 to 1.20 (docs/transfer.md). The mean of all training depths is
2.45 m off, the mean of the rooms, pixel by pixel, 1.37 m. Evolution and darts are not measured yet. The budget is that of six
candidates.
"""

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells.space import DecoderCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from tasks.depth.data import ScenesDepth
from tasks.depth.task import DepthTask
from tasks.rewards import Metric

default_of = ["depth", "embedded"]
benchmark = dict(
    id="scenes-depth-v1",
    task=dict(
        type=DepthTask,
        data=dict(type=ScenesDepth),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=DecoderCells, channels=16, repeats=1, aux="cell"),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.5, size=[96, 96], eval_size=[128, 128], scale=[1.33, 1.6], copies=1),
            recipe=dict(epochs=3, batch=16, lr=5e-3, polyak=0.9),
            options=dict(cached=True, aux=0.15, loss_at="scores"),
        ),
        dict(
            name="whole",
            view=dict(share=0.5, size=[96, 96], eval_size=[128, 128], scale=[1.33, 1.6]),
            recipe=dict(epochs=2, batch=16, lr=5e-3, encoder_lr=2e-3, polyak=0.9),
            options=dict(aux=0.15, loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[1.33, 1.6], jitter=0.2),
        recipe=dict(epochs=6, batch=16, lr=5e-3, encoder_lr=2e-3, schedule="poly", polyak=0.99, resumable=True),
        options=dict(aux=0.15, loss_at="scores"),
    ),
    gate=dict(type=RunningMean, tolerance=0.3),
    reward=dict(type=Metric, name="RMSE", sign=-1),
    budget=dict(trials=100, images=6_144),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    darts=dict(type=DARTS, epochs=4, arch_lr=1e-1),
    fcn=dict(
        type=Baseline,
        model=dict(decoder=dict(type="mmseg.FCNHead", channels=32, norm_cfg=dict(type="BN"), dropout_ratio=0.0)),
    ),
    refinenet_lw=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.LightRefineNetHead", channels=32, dropout_ratio=0.0))
    ),
)
