"""camvid-decoder-v1: decoders with auxiliary cells on CamVid's road scenes, with an ImageNet encoder (real images).

Command:
    python tools/run_benchmark.py camvid-decoder-v1 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR holds train, trainannot, val, ... (SegNet's version of CamVid), FILE a MobileNetV2 in torchvision's or OpenMMLab's layout.

Measured on every fourth frame of CamVid, one core a study: random search 10 minutes and a final training of 22 minutes,
58.1 mIoU on the test frames (docs/camvid.md has the table).
"""

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells import DecoderCells
from tasks.rewards import GeometricMean
from tasks.segmentation.data import FolderSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="camvid-decoder-v1",
    task=dict(
        type=SegmentationTask,
        data=dict(type=FolderSegmentation, root="data/camvid", layout="camvid"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[360, 480],
    ),
    space=dict(type=DecoderCells, channels=48, repeats=1, aux="cell"),
    final_space=dict(type=DecoderCells, channels=64, repeats=2, aux="cell"),
    stages=[
        dict(
            name="decoder",
            epochs=3,
            size=[180, 240],
            eval_size=[180, 240],
            scale=[1.0, 1.5],
            jitter=0.2,
            copies=1,
            batch=8,
            lr=3e-3,
            aux=0.15,
            polyak=0.9,
            cached=True,
        ),
        dict(
            name="whole",
            epochs=2,
            size=[180, 240],
            eval_size=[180, 240],
            scale=[1.0, 1.5],
            jitter=0.2,
            batch=8,
            lr=3e-3,
            encoder_lr=5e-4,
            aux=0.15,
            polyak=0.9,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=30,
        size=[240, 320],
        scale=[1.0, 2.0],
        jitter=0.3,
        batch=8,
        lr=3e-3,
        encoder_lr=1e-3,
        weight_decay=1e-2,
        schedule="poly",
        aux=0.15,
        polyak=0.99,
        resumable=True,
    ),
    gate=dict(type=RunningMean, tolerance=0.4),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    budget=dict(trials=12),
    seeds=[0],
)
