"""scenes-classification-v1: MobileNet-like classifiers of the objects of the embedded scenes; no download, a CPU is enough.

Command: python tools/run_benchmark.py scenes-classification-v1
Measured, seed 0: regularised evolution, whose children begin with their parents' weights, 60.3 top-1, random search 59.5, a
MobileNetV2 of the same depth 48.3; chance is 17. The budget is that of five candidates.
"""

from search_spaces.mbconv.space import MBConv
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.classification.data import ScenesClassification
from tasks.classification.task import ClassificationTask
from tasks.rewards import Metric

default_of = ["classification", "embedded"]
benchmark = dict(
    id="scenes-classification-v1",
    task=dict(
        type=ClassificationTask,
        data=dict(type=ScenesClassification),
        encoder=dict(width=0.25),
        input_size=[48, 48],
    ),
    space=dict(type=MBConv, width=0.25, layers=[2, 2, 2, 1, 1, 1]),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[48, 48], eval_size=[48, 48], scale=[1.0, 1.2]),
            recipe=dict(epochs=2, batch=32, lr=1e-2, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[48, 48], eval_size=[48, 48], scale=[1.0, 1.2], jitter=0.2),
        recipe=dict(epochs=4, batch=32, lr=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="top1"),
    budget=dict(trials=16, images=6_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2, inherit=True),
    mobilenet_v2=dict(type=Baseline, genotype=[["k3e6"] * 2, ["k3e6"] * 2, ["k3e6"] * 2, ["k3e6"], ["k3e6"], ["k3e6"]]),
)
