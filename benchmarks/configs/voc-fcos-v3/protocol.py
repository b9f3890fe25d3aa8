"""voc-fcos-v3: FPN and head of FCOS as NAS-FCOS searched them (Wang et al., CVPR 2020): proxy VOC, final training COCO.

Command:
    python tools/run_benchmark.py voc-fcos-v3 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=FILE

VOC2012 is the folder that holds Annotations, COCO the one that holds annotations, FILE a MobileNetV2 in torchvision's or
OpenMMLab's layout. The lists train and val of VOC are the search's training and meta-validation sets. The budget is that of the
published 3000 candidates.

The published search took 28 GPU days, its final training eight GPUs; neither was repeated here. The final training is the
published one on crops of 640x864 (`nas_fcos_final` in benchmarks/configs/recipes.py). The proxy's learning rate and number of
epochs are not in the paper or its code; they are ours.

`joint_ppo` searches FPN and head at once; `nas_fcos` is the published decoder, which others like this put on other encoders and
widths (voc-fcos-128-v1, voc-fcos-resnet50-v1 ...).
"""

from mmengine.config import read_base

from search_spaces.fcos_decoder.space import FCOSDecoder
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.coco import CocoDetection
from tasks.detection.task import DetectionTask
from tasks.detection.voc import VocDetection
from tasks.rewards import NegativeSum

with read_base():
    from ..recipes import nas_fcos_final

benchmark = dict(
    id="voc-fcos-v3",
    proxy=dict(
        type=DetectionTask,
        template=dict(type="FCOS", width=128),
        data=dict(type=VocDetection, root="data/VOC2012"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth"),
        input_size=[320, 320],
        features_dtype="float16",
    ),
    task=dict(
        type=DetectionTask,
        template=dict(type="FCOS", width=256),
        data=dict(
            type=CocoDetection,
            root="data/coco",
            splits=dict(test=dict(annotations="annotations/instances_val2017.json", images="val2017")),
        ),
        encoder=dict(checkpoint="data/mobilenet_v2.pth"),
        input_size=[800, 1088],
    ),
    space=dict(type=FCOSDecoder, channels=128),
    final_space=dict(type=FCOSDecoder, channels=256),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[256, 320], eval_size=[256, 320], scale=[1.0, 1.3], copies=1),
            recipe=dict(epochs=2, batch=32, lr=8e-4, polyak=0.9),
            options=dict(cached=True),
        ),
    ],
    final=dict(
        name="final",
        view=dict(eval="test", size=[640, 864], eval_size=[800, 1088], scale=[1.0, 1.3]),
        recipe=dict(nas_fcos_final, resumable=True),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox", "loss_centerness"]),
    budget=dict(trials=12_000, images=52_200_000),
    seeds=[0],
)

# Progressive search: the FPN with a plain head, then the head with the best FPN.
progressive = dict(
    type=Progressive,
    parts=[dict(prefix="fpn.", trials=2000), dict(prefix="head.", trials=1000)],
    start={
        **{f"head.layer{k}": "conv3" for k in range(4)},
        **{f"head.layer{k}": "skip" for k in (4, 5)},
        "head.split": 0,
    },
)
nas_fcos = [
    [
        [3, 3, 4, 4, 1],
        [3, 3, 4, 4, 1],
        [4, 3, 4, 3, 1],
        [1, 3, 4, 3, 1],
        [5, 3, 4, 4, 1],
        [4, 7, 4, 4, 1],
        [7, 2, 4, 4, 1],
    ],
    0,
    [5, 1, 5, 0, 4, 4],
]
retinanet = dict(type="RetinaNet", extra="on_output")
strategies = dict(
    random_search=dict(type=RandomSearch),
    progressive_evolution=dict(**progressive, strategy=dict(type=RegularizedEvolution, population=100, tournament=25)),
    progressive_ppo=dict(**progressive, strategy=dict(type=PPO, lr=8e-4, every=20, memory=20, sample=20)),
    joint_ppo=dict(type=PPO, lr=8e-4, every=20, memory=20, sample=20),
    nas_fcos=dict(type=Baseline, genotype=nas_fcos),
    plain_fcos=dict(type=Baseline, model={}),
    plain_retinanet=dict(type=Baseline, model={}, task=dict(template=retinanet)),
)
