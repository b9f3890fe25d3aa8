"""scenes-detection-v1: FPN and head of FCOS (NAS-FCOS) on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-detection-v1
Measured: 95 seconds on two cores for both strategies and the baseline, seed 0.
"""

from search_spaces.fcos_decoder import FCOSDecoder
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

benchmark = dict(
    id="scenes-detection-v1",
    task=dict(
        type=DetectionTask,
        data=dict(type=ScenesDetection),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
        head=dict(
            regress_ranges=[[-1, 32], [32, 64], [64, 128], [128, 256], [256, 100000000]],
            center_sampling=True,
            norm_on_bbox=True,
            centerness_on_reg=True,
            loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
        ),
    ),
    space=dict(type=FCOSDecoder, channels=24, blocks=5, layers=4),
    stages=[
        dict(
            name="decoder",
            epochs=2,
            share=0.4,
            size=[96, 96],
            eval_size=[128, 128],
            scale=[1.0, 1.4],
            copies=1,
            batch=8,
            lr=1e-2,
            polyak=0.9,
            cached=True,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=4,
        size=[112, 112],
        scale=[1.05, 1.25],
        jitter=0.2,
        batch=8,
        lr=1e-2,
        encoder_lr=5e-3,
        schedule="poly",
        polyak=0.99,
        resumable=True,
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=6),
    seeds=[0],
    baselines=dict(plain_fcos=dict(template="fcos", width=24)),
)
