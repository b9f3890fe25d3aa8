"""bccd-ssdlite-v2: FNA on MobileNetV2's backbone under SSDLite, from ImageNet's weights, for blood cells (small, real images).

Command:
    python tools/run_benchmark.py bccd-ssdlite-v2 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR is the Pascal VOC folder of BCCD (github.com/Shenggan/BCCD_Dataset), FILE a MobileNetV2 in torchvision's or OpenMMLab's
layout, from which the supernet and every candidate begin. The budget is that of sixteen candidates, which is as many images as
FNA's 24 epochs. Its share of warm-up and its weight of the cost are those of FNA for SSDLite; the rate of the architecture is
larger, as it moves in 117 steps instead of some 7,000.

Run once (seed 0, one thread, kept in benchmarks/results/photographs), mAP of the test split, parameters and MAdds: MobileNetV2
as it is 45.9, 3.04 M, 429 M; FNA 45.2, 2.12 M, 293 M; random search 44.3, 2.64 M, 459 M. A search and a final training are some
15 minutes of a quiet core each.
"""

from search_spaces.mbconv.space import MBConv
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA
from tasks.detection.task import DetectionTask
from tasks.detection.voc import VocDetection
from tasks.rewards import Metric

benchmark = dict(
    id="bccd-ssdlite-v2",
    task=dict(
        type=DetectionTask,
        template=dict(type="SSDLite"),
        data=dict(type=VocDetection, root="data/bccd"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[256, 256],
    ),
    space=dict(type=MBConv, wide=[4]),
    stages=[
        dict(
            name="short",
            view=dict(size=[256, 256], eval_size=[256, 256], scale=[1.0, 1.3], jitter=0.2),
            recipe=dict(epochs=2, batch=8, lr=2e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(
            train=["train", "val"], eval="test", size=[256, 256], eval_size=[256, 256], scale=[1.0, 1.5], jitter=0.2
        ),
        recipe=dict(epochs=24, batch=8, lr=2e-3, weight_decay=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="mAP"),
    budget=dict(trials=64, images=10_200),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    fna=dict(type=FNA, epochs=24, warmup=15, cost_weight=0.15, arch_lr=1e-2),
    mobilenet_v2=dict(
        type=Baseline,
        genotype=[["k3e6"] * 2, ["k3e6"] * 3, ["k3e6"] * 4, ["k3e6"] * 3, ["k3e6"] * 3, ["k3e6"]],
    ),
)
