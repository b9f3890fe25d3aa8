"""scenes-morphism-detection-v1: backbones of SSDLite that are no larger than the one they start from, move by move.

Command: python tools/run_benchmark.py scenes-morphism-detection-v1
A hard limit alone: no strategy proposes a backbone of more parameters than the start's 18,528, whatever its moves.
Not measured yet.
"""

from search_spaces.layer_graph.space import LayerGraph
from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import NegativeSum

benchmark = dict(
    id="scenes-morphism-detection-v1",
    task=dict(
        type=DetectionTask,
        template=dict(type="SSDLite"),
        data=dict(type=ScenesDetection),
        encoder=dict(width=0.25),
        input_size=[128, 128],
    ),
    space=dict(
        type=LayerGraph,
        start="mobilenet",
        settings=dict(rows=[[1, 16, 1, 2], [6, 24, 1, 2], [6, 32, 1, 2]], stem=16, stride=2, last=64, bias=False),
        moves=dict(deeper=1.0, wider=1.0, add=1.0, concat=1.0, inverted=1.0, narrower=1.0, shallower=1.0),
        most_params=18_528.0,
        most_layers=40,
    ),
    stages=[
        dict(
            name="short",
            view=dict(share=0.2, size=[128, 128], eval_size=[128, 128], scale=[1.0, 1.2]),
            recipe=dict(epochs=2, batch=8, lr=1e-2, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[128, 128], scale=[1.0, 1.2], jitter=0.2),
        recipe=dict(epochs=3, batch=4, lr=4e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=NegativeSum, names=["loss_cls", "loss_bbox"]),
    budget=dict(trials=80, images=8_680),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
