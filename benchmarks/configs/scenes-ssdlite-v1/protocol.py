"""scenes-ssdlite-v1: MobileNet-like backbones for SSDLite on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-ssdlite-v1
Measured: 50 seconds on two cores for both strategies, seed 0.
"""

from search_spaces.mbconv import MBConv
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

benchmark = dict(
    id="scenes-ssdlite-v1",
    task=dict(
        type=DetectionTask,
        data=dict(type=ScenesDetection),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=MBConv, width=0.25, layers=[2, 2, 2, 1, 1, 1]),
    stages=[
        dict(
            name="short",
            epochs=2,
            share=0.3,
            size=[128, 128],
            eval_size=[128, 128],
            scale=[1.0, 1.2],
            batch=8,
            lr=1e-2,
            polyak=0.9,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=3,
        size=[128, 128],
        scale=[1.0, 1.2],
        jitter=0.2,
        batch=4,
        lr=4e-3,
        schedule="poly",
        polyak=0.99,
        resumable=True,
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox"]),
    budget=dict(trials=4),
    seeds=[0],
)
