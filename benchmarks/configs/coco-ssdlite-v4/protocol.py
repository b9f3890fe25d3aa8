"""coco-ssdlite-v4: MobileNet-like backbones for SSDLite on COCO, the setting of FNA (Fang et al., ICLR 2020).

Command:
    python tools/run_benchmark.py coco-ssdlite-v4 --device cuda --cfg-options benchmark.proxy.data.data.root=COCO \\
        benchmark.task.data.root=COCO benchmark.proxy.encoder.checkpoint=FILE benchmark.task.encoder.checkpoint=FILE

COCO is the folder that holds annotations, FILE a MobileNetV2 in torchvision's or OpenMMLab's layout, from which candidates
take what fits. The search trains on 10,000 stratified images of train2017 and validates on 2,000 others of it; the budget is
that of 200 candidates.

FNA's search and training took 21.6 GPU days; this one was not run here. The final training is the published one (`fna_final` in
benchmarks/configs/recipes.py: 300 epochs, batches of 512); on a device that holds 64 images add
benchmark.final.recipe.batch=64 benchmark.final.recipe.optimizer.lr=0.025. How candidates are trained is ours.
"""

from mmengine.config import read_base

from search_spaces.mbconv.space import MBConv
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.coco import CocoDetection
from tasks.detection.subset import StratifiedSubset
from tasks.detection.task import DetectionTask
from tasks.rewards import Metric

with read_base():
    from ..recipes import fna_final

coco = dict(
    type=CocoDetection,
    root="data/coco",
    splits=dict(test=dict(annotations="annotations/instances_val2017.json", images="val2017")),
)
ssdlite = dict(
    type=DetectionTask,
    template=dict(type="SSDLite"),
    encoder=dict(checkpoint="data/mobilenet_v2.pth"),
    input_size=[320, 320],
)
benchmark = dict(
    id="coco-ssdlite-v4",
    proxy=dict(**ssdlite, data=dict(type=StratifiedSubset, data=coco, images=10000, holdout=2000)),
    task=dict(**ssdlite, data=coco),
    space=dict(type=MBConv, wide=[4]),
    stages=[
        dict(
            name="short",
            view=dict(size=[320, 320], eval_size=[320, 320], scale=[1.0, 1.5], jitter=0.2),
            recipe=dict(epochs=4, batch=64, lr=2e-3, polyak=0.99),
        ),
    ],
    final=dict(
        name="final",
        view=dict(eval="test", size=[320, 320], eval_size=[320, 320], scale=[1.0, 2.0], jitter=0.2),
        recipe=dict(fna_final, resumable=True),
    ),
    reward=dict(type=Metric, name="mAP"),
    budget=dict(trials=800, images=8_425_600),
    seeds=[0],
)
mobilenet_v2 = [["k3e6"] * 2, ["k3e6"] * 3, ["k3e6"] * 4, ["k3e6"] * 3, ["k3e6"] * 3, ["k3e6"]]
fna = [
    ["k5e6"],
    ["k5e6", "k5e6", "k3e6", "k5e6"],
    ["k5e6", "k7e6", "k3e6"],
    ["k7e6", "k7e6", "k7e6", "k7e6"],
    ["k5e6", "k7e6", "k7e6"],
    ["k7e6"],
]
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=64, tournament=16),
    mobilenet_v2=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MBConvNet", stages=mobilenet_v2))),
    fna=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MBConvNet", stages=fna))),
)
