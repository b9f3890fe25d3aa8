"""scenes-morphism-detection-v2: the smallest backbone under SSDLite that is within one point of its start's mAP, move by move.

Command: python tools/run_benchmark.py scenes-morphism-detection-v2
The floor is one point below the start's mAP in the search, 17.5 (14.4, 16.7 and 21.3 with three seeds). No strategy proposes a
backbone of more parameters than the start's 18,528, whatever its moves. `random_moves` is `regularized_evolution` without
selection: parents are drawn by lot.

Measured, three seeds (means of mAP after the final training, MAdds): the start 23.7, 8.63 M; random search 22.0, 6.04 M; random
moves 20.3, 5.60 M; evolution 18.9, 4.41 M; the Bayesian search 13.3, 3.61 M. A search takes five minutes.
"""

from search_spaces.layer_graph.space import LayerGraph
from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.detection.data import ScenesDetection
from tasks.detection.task import DetectionTask
from tasks.rewards import Smallest

benchmark = dict(
    id="scenes-morphism-detection-v2",
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
        moves=dict(deeper=1.0, wider=1.0, add=1.0, concat=1.0, inverted=1.0, narrower=3.0, shallower=2.0),
        most_params=18_528.0,
        most_layers=40,
    ),
    stages=[
        dict(
            name="short",
            view=dict(size=[128, 128], eval_size=[128, 128], scale=[1.0, 1.2]),
            recipe=dict(epochs=6, batch=8, lr=1e-2, schedule="poly", polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[128, 128], scale=[1.0, 1.2], jitter=0.2),
        recipe=dict(epochs=12, batch=8, lr=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Smallest, metric="mAP", cost="madds", at_least=16.5, margin=0.5),
    objectives=dict(names=["mAP", "madds"], goals=["max", "min"]),
    budget=dict(trials=80, images=34_560),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    random_moves=dict(type=RegularizedEvolution, population=4, tournament=1, inherit=True),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
