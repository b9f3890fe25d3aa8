"""scenes-detection-v3: FPN and head of FCOS (NAS-FCOS) on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-detection-v3
Measured under v2, whose FPNs added unused maps in another order, seed 0: random search 4.3 mAP, progressive_ppo 3.7,
plain FCOS 3.2. The budget is that of six candidates.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

default_of = ["detection", "embedded"]
benchmark = dict(
    id="scenes-detection-v3",
    task=dict(
        type=DetectionTask,
        template=dict(
            type="FCOS",
            width=24,
            head=dict(
                regress_ranges=[[-1, 32], [32, 64], [64, 128], [128, 256], [256, 100000000]],
                center_sampling=True,
                norm_on_bbox=True,
                centerness_on_reg=True,
                loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
            ),
        ),
        data=dict(type=ScenesDetection),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=FCOSDecoder, channels=24, blocks=5, layers=4),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.4, size=[96, 96], eval_size=[128, 128], scale=[1.0, 1.4], copies=1),
            recipe=dict(epochs=2, batch=8, lr=1e-2, polyak=0.9),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[112, 112], scale=[1.05, 1.25], jitter=0.2),
        recipe=dict(epochs=4, batch=8, lr=1e-2, encoder_lr=5e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=24, images=2_220),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    progressive_ppo=dict(
        type=Progressive,
        parts=[dict(prefix="fpn.", trials=3), dict(prefix="head.", trials=3)],
        start={**{f"head.layer{layer}": "conv3" for layer in range(4)}, "head.split": 0},
        strategy=dict(type=PPO, lr=1e-3, every=2, memory=2, sample=2),
    ),
    plain_fcos=dict(type=Baseline, model={}),
)
