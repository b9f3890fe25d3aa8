"""nuclei-morphism-segmentation-v1: the smallest backbone that finds nuclei and their borders as well as its start does.

Command: python tools/run_benchmark.py nuclei-morphism-segmentation-v1
The floor is one point below the start's mIoU in the search, 57.0 (59.3 and 54.7 with two seeds). `random_moves` is
`regularized_evolution` without selection: parents are drawn by lot.

Measured, three seeds (means of mIoU after the final training, MAdds): the start 58.6, 41.4 M; random search 57.9, 26.5 M; the
Bayesian search 57.3, 26.3 M; random moves 57.1, 31.4 M; evolution 55.2, 26.1 M. A search takes two to three minutes.
"""

from search_spaces.layer_graph.space import LayerGraph
from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Smallest
from tasks.segmentation.data import NucleiSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="nuclei-morphism-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=16),
        data=dict(type=NucleiSegmentation),
        encoder=dict(width=0.25),
        input_size=[256, 256],
        background="background",
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
            view=dict(size=[64, 64], eval_size=[256, 256], scale=[3.6, 5.1], copies=1),
            recipe=dict(epochs=24, batch=8, lr=1e-2, schedule="poly", polyak=0.9),
            options=dict(loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[2.4, 3.4], jitter=0.2),
        recipe=dict(epochs=20, batch=8, lr=1e-2, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Smallest, metric="mIoU", cost="madds", at_least=56.0, margin=1.0),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=80, images=36_600),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    random_moves=dict(type=RegularizedEvolution, population=4, tournament=1, inherit=True),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
