"""nuclei-detection-v1: FPN and head of FCOS (NAS-FCOS) on crowded nuclei of microscope images; no download, a CPU is enough.

Command: python tools/run_benchmark.py nuclei-detection-v1
COCO's numbers count 300 detections of an image and not 100, as some images hold over 100 nuclei. Images are scored at one size.

By tools/audit_proxy.py, 20 random networks with three seeds: 69 % (95 % interval: 37 to 86) of the variance of the search's
reward are due to the network, and Kendall's tau-b between two seeds is 0.58 (0.35 to 0.77). Of eleven of them that were trained
finally, to 0.5 to 14.8 mAP, it is 0.42 (-0.13 to 0.92) between the search and that. On one of two shared cores a candidate
takes 5 s and a final training 20 s; the budget is that of twenty candidates.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch
from tasks.detection.data import NucleiDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

benchmark = dict(
    id="nuclei-detection-v1",
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
        data=dict(type=NucleiDetection),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[256, 256],
    ),
    space=dict(type=FCOSDecoder, channels=16, blocks=4, layers=2),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[96, 96], eval_size=[256, 256], scale=[2.1, 3.2], copies=1),
            recipe=dict(epochs=8, batch=8, lr=6e-3, polyak=0.9),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(
            train=["train", "val"], eval="test", size=[96, 96], eval_size=[256, 256], scale=[2.1, 3.2], jitter=0.2
        ),
        recipe=dict(epochs=12, batch=8, lr=8e-3, encoder_lr=3e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=100, images=13_540),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    progressive_ppo=dict(
        type=Progressive,
        parts=[dict(prefix="fpn.", trials=12), dict(prefix="head.", trials=8)],
        start={**{f"head.layer{layer}": "conv3" for layer in range(2)}, "head.split": 0},
        strategy=dict(type=PPO, lr=1e-3, every=2, memory=2, sample=2),
    ),
    plain_fcos=dict(type=Baseline, model={}),
)
