"""scenes-fcos-reward-v3: which cheap signal ranks FCOS decoders as a longer training does? (NAS-FCOS, figures 6 and 7)

Command:
    python tools/run_benchmark.py scenes-fcos-reward-v3
    python tools/compare_rewards.py runs/scenes-fcos-reward-v3

Every candidate goes through a short stage with cached features and a longer one end to end; nothing is gated. The second
command compares the short stage's metrics, and the reward (the negative sum of the losses), with the longer stage's mAP.
Measured under v1: thirteen candidates are compared in docs/bccd.md.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.random_search import RandomSearch
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

benchmark = dict(
    id="scenes-fcos-reward-v3",
    task=dict(
        type=DetectionTask,
        template=dict(
            type="FCOS",
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
            name="short",
            view=dict(share=0.4, size=[96, 96], eval_size=[128, 128], scale=[1.0, 1.4], copies=1),
            recipe=dict(epochs=2, batch=8, lr=1e-2, polyak=0.9),
            options=dict(cached=True),
        ),
        dict(
            name="long",
            view=dict(size=[112, 112], eval_size=[128, 128], scale=[1.05, 1.25], jitter=0.2),
            recipe=dict(epochs=4, batch=8, lr=1e-2, encoder_lr=5e-3, schedule="poly", polyak=0.99),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[112, 112], scale=[1.05, 1.25], jitter=0.2),
        recipe=dict(epochs=4, batch=8, lr=1e-2, encoder_lr=5e-3, schedule="poly", polyak=0.99),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=24),
    seeds=[0],
)
strategies = dict(random_search=dict(type=RandomSearch))
