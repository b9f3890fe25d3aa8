"""voc-metakernel-v1: E-DNAS on Pascal VOC as a classifier's data set, a folder a class, as Lopez et al. report it (ICPR 2020).

Command:
    python tools/run_benchmark.py voc-metakernel-v1 --cfg-options benchmark.task.data.root=DIR

DIR holds train/<class>, val/<class> and test/<class> with pictures of Pascal VOC's twenty classes. Published are random crops,
normalised colours, circular feedback with tanh(1 / L), and what the answer for ImageNet counts: 5.9 M parameters, as the
meta-kernel everywhere has them here with 1,000 classes, and 535 M multiply-adds, of which that has 808 M. The list of
operations, depth and widths, the weight of the latency, the recipe and its epochs are not, and are ours. Never run: it wants
a GPU, where the latencies of layers cannot be told (`strategies.e_dnas.latency=0` there, and the same without feedback).
"""

from search_spaces.meta_kernel.space import MetaKernels
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.e_dnas import EDNAS
from tasks.classification.folders import FolderClassification
from tasks.classification.task import ClassificationTask
from tasks.rewards import Metric

benchmark = dict(
    id="voc-metakernel-v1",
    task=dict(
        type=ClassificationTask,
        data=dict(type=FolderClassification, root="data/voc_classes"),
        input_size=[224, 224],
    ),
    space=dict(type=MetaKernels, depth=2, channels=144),
    stages=[
        dict(
            name="short",
            view=dict(size=[224, 224], eval_size=[224, 224], scale=[1.0, 1.5]),
            recipe=dict(epochs=10, batch=64, optimizer=dict(type="SGD", lr=0.025, momentum=0.9, weight_decay=3e-4)),
        ),
    ],
    final=dict(
        name="final",
        view=dict(
            train=["train", "val"], eval="test", size=[224, 224], eval_size=[224, 224], scale=[1.0, 1.5], jitter=0.3
        ),
        recipe=dict(
            epochs=250,
            batch=128,
            optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=3e-5),
            schedule="poly",
            resumable=True,
        ),
    ),
    reward=dict(type=Metric, name="top1"),
    budget=dict(trials=200, images=600_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    e_dnas=dict(type=EDNAS),
    e_dnas_without_feedback=dict(type=EDNAS, feedback=False),
    meta=dict(type=Baseline, genotype=[["meta"], *[["meta", "meta"]] * 7]),
    sep3=dict(type=Baseline, genotype=[["sep3"], *[["sep3", "sep3"]] * 7]),
    mobilenet_v1=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MobileNetV1"))),
)
