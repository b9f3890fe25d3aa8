"""scenes-segmentation-v1: decoders with auxiliary cells on the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py segmentation
Measured: 157 seconds on two cores for random search and regularised evolution (19.2 mIoU both) and DARTS (34.1), seed 0.
"""

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells import DecoderCells
from tasks.rewards import GeometricMean
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-segmentation-v1",
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
            epochs=3,
            share=0.5,
            size=[96, 96],
            eval_size=[128, 128],
            scale=[1.33, 1.6],
            copies=1,
            batch=16,
            lr=5e-3,
            aux=0.15,
            polyak=0.9,
            cached=True,
        ),
        dict(
            name="whole",
            epochs=2,
            share=0.5,
            size=[96, 96],
            eval_size=[128, 128],
            scale=[1.33, 1.6],
            batch=16,
            lr=5e-3,
            encoder_lr=2e-3,
            aux=0.15,
            polyak=0.9,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=4,
        size=[96, 96],
        scale=[1.2, 1.8],
        jitter=0.2,
        batch=16,
        lr=5e-3,
        encoder_lr=2e-3,
        schedule="poly",
        aux=0.15,
        polyak=0.99,
        resumable=True,
    ),
    gate=dict(type=RunningMean, tolerance=0.3),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    budget=dict(trials=6),
    seeds=[0],
)
