"""nuclei-morphism-segmentation-v1: the smallest backbone that finds nuclei and their borders as well as its start does.

Command: python tools/run_benchmark.py nuclei-morphism-segmentation-v1
The floor is one point below the start's mIoU in the search, 57.0 (59.3 and 54.7 with two seeds). `random_moves` is
`regularized_evolution` without selection: parents are drawn by lot.

Measured, three seeds (means of mIoU after the final training, MAdds): the start 58.6, 41.4 M; random search 57.9, 26.5 M; the
Bayesian search 57.3, 26.3 M; random moves 57.1, 31.4 M; evolution 55.2, 26.1 M. A search takes two to three minutes.
"""

from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.segmentation.data import NucleiSegmentation

like = "scenes-morphism-segmentation-v1"
benchmark = {
    "id": "nuclei-morphism-segmentation-v1",
    "task.data": dict(_delete_=True, type=NucleiSegmentation),
    "task.input_size": [256, 256],
    "task.background": "background",
    "stages.0.view": dict(_delete_=True, size=[64, 64], eval_size=[256, 256], scale=[3.6, 5.1], copies=1),
    "stages.0.recipe": dict(epochs=24, batch=8, lr=1e-2, schedule="poly"),
    "stages.0.options": dict(loss_at="scores"),
    "final.view": dict(_delete_=True, train=["train", "val"], eval="test", size=[96, 96], scale=[2.4, 3.4], jitter=0.2),
    "final.recipe": dict(epochs=20, batch=8, lr=1e-2),
    "final.options": dict(loss_at="scores"),
    "reward": dict(at_least=56.0, margin=1.0),
    "budget.images": 36_600,
    "seeds": [0, 1, 2],
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    random_moves=dict(type=RegularizedEvolution, population=4, tournament=1, inherit=True),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
