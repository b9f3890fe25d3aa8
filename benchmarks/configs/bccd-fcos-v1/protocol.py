"""bccd-fcos-v1: FPN and head of FCOS (NAS-FCOS) for blood cells, with an ImageNet encoder (small, real images).

Command:
    python tools/run_benchmark.py bccd-fcos-v1 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR is the Pascal VOC folder of BCCD (github.com/Shenggan/BCCD_Dataset), FILE a MobileNetV2 in torchvision's or OpenMMLab's
layout.

Measured on one core, seed 0: progressive search with PPO 14 minutes and a final training of 13 minutes, 90.5 mAP50 on the test
images; plain FCOS 88.6, plain SSDLite 77.7 (docs/bccd.md has the table).
"""

from search_spaces.fcos_decoder import FCOSDecoder
from tasks.detection.task import DetectionTask
from tasks.detection.voc import VocDetection
from tasks.rewards import NegativeSum

benchmark = dict(
    id="bccd-fcos-v1",
    task=dict(
        type=DetectionTask,
        data=dict(type=VocDetection, root="data/bccd"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[384, 512],
        head=dict(
            center_sampling=True,
            norm_on_bbox=True,
            centerness_on_reg=True,
            loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
        ),
    ),
    space=dict(type=FCOSDecoder, channels=64),
    stages=[
        dict(
            name="decoder",
            epochs=3,
            share=0.4,
            size=[192, 256],
            eval_size=[288, 384],
            scale=[1.3, 1.6],
            jitter=0.2,
            copies=1,
            batch=8,
            lr=4e-3,
            polyak=0.9,
            cached=True,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=12,
        size=[240, 320],
        eval_size=[384, 512],
        scale=[1.3, 1.8],
        jitter=0.2,
        batch=8,
        lr=2e-3,
        encoder_lr=5e-4,
        weight_decay=1e-2,
        schedule="poly",
        polyak=0.99,
        resumable=True,
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=20),
    seeds=[0],
    baselines=dict(
        plain_fcos=dict(template="fcos", width=64),
        plain_ssdlite=dict(
            template="ssdlite",
            backbone=dict(
                type="densebench.MBConvNet",
                stages=[
                    ["k3e6", "k3e6"],
                    ["k3e6", "k3e6", "k3e6"],
                    ["k3e6", "k3e6", "k3e6", "k3e6"],
                    ["k3e6", "k3e6", "k3e6"],
                    ["k3e6", "k3e6", "k3e6"],
                    ["k3e6"],
                ],
            ),
        ),
    ),
)
