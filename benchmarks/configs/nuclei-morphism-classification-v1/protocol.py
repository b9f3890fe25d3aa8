"""nuclei-morphism-classification-v1: the smallest network that tells nuclei from background as well as its start does.

Command: python tools/run_benchmark.py nuclei-morphism-classification-v1
Nuclei are told from background by almost any network, and soon, so that a point is more than chance here: the start's top1 is
95.1, 94.0 and 94.5 with three seeds in the search, and no better if trained twice as long. The floor is one point below their
mean. `random_moves` is `regularized_evolution` without selection: a move of any network so far, with its weights.

Not run yet.
"""

from search_spaces.layer_graph.space import LayerGraph
from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.classification.data import NucleiClassification
from tasks.classification.task import ClassificationTask
from tasks.rewards import Smallest

benchmark = dict(
    id="nuclei-morphism-classification-v1",
    task=dict(
        type=ClassificationTask,
        template=dict(type="Classifier", tap="8"),
        data=dict(type=NucleiClassification),
        encoder=dict(width=0.25),
        input_size=[48, 48],
    ),
    space=dict(
        type=LayerGraph,
        start="mobilenet",
        settings=dict(rows=[[1, 16, 1, 2], [6, 24, 2, 2]], stem=16, stride=2, last=96, bias=False),
        moves=dict(deeper=1.0, wider=1.0, add=1.0, concat=1.0, inverted=1.0, narrower=3.0, shallower=2.0),
        most_params=2.0**15,
        most_layers=40,
    ),
    stages=[
        dict(
            name="short",
            view=dict(share=0.15, size=[48, 48], eval_size=[48, 48], scale=[1.0, 1.2]),
            recipe=dict(epochs=3, batch=16, lr=1e-2, schedule="poly", polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[48, 48], eval_size=[48, 48], scale=[1.0, 1.2], jitter=0.2),
        recipe=dict(epochs=4, batch=32, lr=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Smallest, metric="top1", cost="params", at_least=93.5, margin=0.5),
    objectives=dict(names=["top1", "params"], goals=["max", "min"]),
    budget=dict(trials=80, images=103_300),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    random_moves=dict(type=RegularizedEvolution, population=80, tournament=1, inherit=True),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
