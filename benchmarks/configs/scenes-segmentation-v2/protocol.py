"""scenes-segmentation-v2: decoders with auxiliary cells on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-segmentation-v2
Measured, seed 0: darts 29.5 mIoU, successive halving 25.8, random search 23.2, regularised evolution 19.3, one_shot 11.1, and
networks that nobody searched: a light RefineNet 27.4, DeepLabv3 11.7, FCN 11.2. Other processors differ as much as strategies
do. The budget is that of six candidates that go through both stages.
"""

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells.space import DecoderCells
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.successive_halving import SuccessiveHalving
from strategies.supernet.darts import DARTS
from strategies.supernet.one_shot import OneShot
from tasks.rewards import GeometricMean
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-segmentation-v2",
    task=dict(
        type=SegmentationTask,
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=DecoderCells, channels=16, repeats=1, aux="cell"),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.5, size=[96, 96], eval_size=[128, 128], scale=[1.33, 1.6], copies=1),
            recipe=dict(epochs=3, batch=16, lr=5e-3, polyak=0.9),
            options=dict(cached=True, aux=0.15),
        ),
        dict(
            name="whole",
            view=dict(share=0.5, size=[96, 96], eval_size=[128, 128], scale=[1.33, 1.6]),
            recipe=dict(epochs=2, batch=16, lr=5e-3, encoder_lr=2e-3, polyak=0.9),
            options=dict(aux=0.15),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[1.2, 1.8], jitter=0.2),
        recipe=dict(epochs=4, batch=16, lr=5e-3, encoder_lr=2e-3, schedule="poly", polyak=0.99, resumable=True),
        options=dict(aux=0.15),
    ),
    gate=dict(type=RunningMean, tolerance=0.3),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    budget=dict(trials=100, images=6_144),
    seeds=[0],
)
norm = dict(type="BN")
dilated = dict(  # the encoder with its last stride taken away, as in DeepLabv3
    type="mmseg.MobileNetV2",
    widen_factor=0.25,
    strides=[1, 2, 2, 2, 1, 1, 1],
    dilations=[1, 1, 1, 1, 1, 2, 2],
    out_indices=[1, 2, 4, 6],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    successive_halving=dict(type=SuccessiveHalving, eta=2),
    one_shot=dict(
        type=OneShot, epochs=8, candidates=18, strategy=dict(type=RegularizedEvolution, population=6, tournament=2)
    ),
    darts=dict(type=DARTS, epochs=4, arch_lr=1e-1),
    fcn=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.FCNHead", channels=32, norm_cfg=norm, dropout_ratio=0.0))
    ),
    deeplab=dict(
        type=Baseline,
        model=dict(
            backbone=dilated,
            decoder=dict(type="mmseg.ASPPHead", channels=32, dilations=[1, 2, 4], norm_cfg=norm, dropout_ratio=0.0),
        ),
    ),
    refinenet_lw=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.LightRefineNetHead", channels=32, dropout_ratio=0.0))
    ),
)
