"""scenes-ssdlite-v3: MobileNet-like backbones for SSDLite on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-ssdlite-v3
Measured, seed 0: regularised evolution 1.99 mAP, random search 0.32. The budget is that of four candidates.
"""

from search_spaces.mbconv.space import MBConv
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

default_of = ["detection", "embedded"]
benchmark = dict(
    id="scenes-ssdlite-v3",
    task=dict(
        type=DetectionTask,
        template=dict(type="SSDLite"),
        data=dict(type=ScenesDetection),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=MBConv, width=0.25, layers=[2, 2, 2, 1, 1, 1], wide=[4]),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[128, 128], eval_size=[128, 128], scale=[1.0, 1.2]),
            recipe=dict(epochs=2, batch=8, lr=1e-2, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[128, 128], scale=[1.0, 1.2], jitter=0.2),
        recipe=dict(epochs=3, batch=4, lr=4e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox"]),
    budget=dict(trials=16, images=1_180),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=2, tournament=2),
)
