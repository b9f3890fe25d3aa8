"""scenes-morphism-segmentation-v1: the smallest network within one point of the start's mIoU, move by move.

Command: python tools/run_benchmark.py scenes-morphism-segmentation-v1
Not measured yet; `at_least` is to become one point below the start's mIoU.
"""

from search_spaces.layer_graph.space import LayerGraph
from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Smallest
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-morphism-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=16),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25),
        input_size=[96, 96],
    ),
    space=dict(
        type=LayerGraph,
        start="mobilenet",
        settings=dict(rows=[[1, 16, 1, 2], [6, 24, 1, 2], [6, 32, 1, 2]], stem=16, stride=2, last=64, bias=False),
        moves=dict(deeper=1.0, wider=1.0, add=1.0, concat=1.0, inverted=1.0, narrower=3.0, shallower=2.0),
        most_params=2.0**15,
        most_layers=40,
    ),
    stages=[
        dict(
            name="short",
            view=dict(share=0.2, size=[64, 64], eval_size=[96, 96], scale=[1.0, 1.4]),
            recipe=dict(epochs=3, batch=16, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64], eval_size=[96, 96], scale=[1.0, 1.6], jitter=0.2),
        recipe=dict(epochs=3, batch=16, lr=5e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Smallest, metric="mIoU", cost="madds", at_least=10.0, margin=0.5),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=80, images=10_720),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
