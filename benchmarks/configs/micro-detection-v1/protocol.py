"""micro-detection-v1: 624 small FPNs and heads of FCOS on nuclei of microscope images, few enough to be trained all.

Command: python tools/run_benchmark.py micro-detection-v1
All of them: python tools/build_table.py micro-detection-v1 --out my-table --workers 2
Images are windows of 128 pixels, scored at one and a half times their size. The head has two layers, whose weights all levels
share, or none do. Of eight random networks with two runs each, 83 % of the variance of the last mAP on the test images are due
to the network, with a third more steps.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.subset import Subset
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import NucleiDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import Metric

pyramid = {  # C5 and C4 make a map, of which P5 and P4 are made; P3 takes C2 or C3, and C4 or that map
    "fpn.block0.a.input": [3],
    "fpn.block0.a.op": ["sep3", "skip"],
    "fpn.block0.b.input": [2],
    "fpn.block0.b.op": ["sep3"],
    "fpn.block1.a.input": [3],
    "fpn.block1.a.op": ["skip"],
    "fpn.block1.b.input": [4],
    "fpn.block1.b.op": ["skip"],
    "fpn.block2.a.input": [2],
    "fpn.block2.a.op": ["sep3"],
    "fpn.block2.b.input": [4],
    "fpn.block2.b.op": ["skip"],
    "fpn.block3.a.input": [0, 1],
    "fpn.block3.a.op": ["sep3", "sep5_dil6", "skip"],
    "fpn.block3.b.input": [2, 4],
    "fpn.block3.b.op": ["sep3", "skip"],
    **{f"fpn.block{block}.join": ["sum"] for block in range(4)},
}
layers = {f"head.layer{layer}": ["conv3", "sep3_dil3", "skip"] for layer in range(2)}
default_of = ["micro", "quick"]
benchmark = dict(
    id="micro-detection-v1",
    task=dict(
        type=DetectionTask,
        template=dict(
            type="FCOS",
            width=16,
            head=dict(
                regress_ranges=[[-1, 32], [32, 64], [64, 128], [128, 256], [256, 100000000]],
                center_sampling=True,
                norm_on_bbox=True,
                centerness_on_reg=True,
                loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
            ),
        ),
        data=dict(type=NucleiDetection, window=128),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[192, 192],
    ),
    space=dict(
        type=Subset,
        space=dict(type=FCOSDecoder, channels=16, blocks=4, layers=2),
        choices={**pyramid, **layers, "head.split": [0, 2]},
    ),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[96, 96], eval_size=[192, 192], scale=[1.6, 2.4], copies=6),
            recipe=dict(epochs=3, batch=8, lr=1e-2, schedule="poly"),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(
            train=["train", "val"],
            eval="test",
            size=[96, 96],
            eval_size=[192, 192],
            scale=[1.6, 2.4],
            jitter=0.2,
            copies=2,
        ),
        recipe=dict(epochs=12, batch=8, lr=8e-3, encoder_lr=3e-3, schedule="poly", polyak=0.99),
    ),
    reward=dict(type=Metric, name="mAP"),
    budget=dict(trials=10),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=5, tournament=3),
)
