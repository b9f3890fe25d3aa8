"""nuclei-detection-v2: FPN and head of FCOS (NAS-FCOS) on crowded nuclei of microscope images; no download, a CPU is enough.

Command: python tools/run_benchmark.py nuclei-detection-v2
COCO's numbers count 300 detections of an image. Unlike in v1, images are windows of 128 pixels, enlarged to 192, in which
nuclei are large enough for maps of stride 8, a candidate is trained three times as long, and the reward is the mAP.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import NucleiDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import Metric

crops = dict(size=[96, 96], eval_size=[192, 192], scale=[1.6, 2.4])
benchmark = dict(
    id="nuclei-detection-v2",
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
    space=dict(type=FCOSDecoder, channels=16, blocks=4, layers=2),
    stages=[
        dict(
            name="decoder",
            view=dict(**crops, copies=8),
            recipe=dict(epochs=3, batch=8, lr=1e-2, schedule="poly"),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(**crops, train=["train", "val"], eval="test", jitter=0.2, copies=4),
        recipe=dict(epochs=8, batch=8, lr=8e-3, encoder_lr=3e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="mAP"),
    budget=dict(trials=100, images=40_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=8, tournament=3),
    progressive_ppo=dict(
        type=Progressive,
        parts=[dict(prefix="fpn.", trials=12), dict(prefix="head.", trials=8)],
        start={**{f"head.layer{layer}": "conv3" for layer in range(2)}, "head.split": 0},
        strategy=dict(type=PPO, lr=1e-3, every=2, memory=2, sample=2),
    ),
    plain_fcos=dict(type=Baseline, model={}),
)
