"""bccd-fcos-v3: FPN and head of FCOS (NAS-FCOS) for blood cells, with an ImageNet encoder (small, real images).

Command:
    python tools/run_benchmark.py bccd-fcos-v3 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR is the Pascal VOC folder of BCCD (github.com/Shenggan/BCCD_Dataset), FILE a MobileNetV2 in torchvision's or OpenMMLab's
layout. The budget is that of twenty candidates.

docs/bccd.md has what v1 came to, 88 to 90 mAP50, and v3, whose FPNs add unused maps as the authors do: 88.4 and 89.7.
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.predictor import Predictor
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch
from tasks.detection.task import DetectionTask
from tasks.detection.voc import VocDetection
from tasks.rewards import NegativeSum

benchmark = dict(
    id="bccd-fcos-v3",
    task=dict(
        type=DetectionTask,
        template=dict(
            type="FCOS",
            width=64,
            head=dict(
                center_sampling=True,
                norm_on_bbox=True,
                centerness_on_reg=True,
                loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
            ),
        ),
        data=dict(type=VocDetection, root="data/bccd"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[384, 512],
    ),
    space=dict(type=FCOSDecoder, channels=64),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.4, size=[192, 256], eval_size=[288, 384], scale=[1.3, 1.6], jitter=0.2, copies=1),
            recipe=dict(epochs=3, batch=8, lr=4e-3, polyak=0.9),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(
            train=["train", "val"], eval="test", size=[240, 320], eval_size=[384, 512], scale=[1.3, 1.8], jitter=0.2
        ),
        recipe=dict(
            epochs=12,
            batch=8,
            lr=2e-3,
            encoder_lr=5e-4,
            weight_decay=1e-2,
            schedule="poly",
            polyak=0.99,
            resumable=True,
        ),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=80, images=8_300),
    seeds=[0],
)

# Progressive search: the FPN with a plain head, then the head with the best FPN.
progressive = dict(
    type=Progressive,
    parts=[dict(prefix="fpn.", trials=10), dict(prefix="head.", trials=10)],
    start={
        **{f"head.layer{k}": "conv3" for k in range(4)},
        **{f"head.layer{k}": "skip" for k in (4, 5)},
        "head.split": 0,
    },
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    predictor=dict(type=Predictor, start=6, every=1),  # of twenty trials
    progressive_random=dict(**progressive, strategy=dict(type=RandomSearch)),
    progressive_ppo=dict(**progressive, strategy=dict(type=PPO, lr=1e-3, every=5, memory=5, sample=5)),
    plain_fcos=dict(type=Baseline, model={}),
)
