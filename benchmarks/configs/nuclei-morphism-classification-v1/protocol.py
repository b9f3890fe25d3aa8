"""nuclei-morphism-classification-v1: the smallest network that tells nuclei from background as well as its start does.

Command: python tools/run_benchmark.py nuclei-morphism-classification-v1
Nuclei are told from background by almost any network, and soon, so that a point is more than chance here: the start's top1 is
95.1, 94.0 and 94.5 with three seeds in the search, and no better if trained twice as long. The floor is one point below their
mean. `random_moves` is `regularized_evolution` without selection: parents are drawn by lot.

Measured, three seeds (means of top1 after the final training, parameters): the start 98.1, 17,874; evolution 98.2, 7,541;
random moves 98.1, 14,818; the Bayesian search 98.1, 10,054; random search 97.9, 10,685. A search takes a minute.
"""

from strategies.baseline import Baseline
from strategies.bayesian_morphism import BayesianMorphism
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.classification.data import NucleiClassification

like = "scenes-morphism-classification-v1"
benchmark = {
    "id": "nuclei-morphism-classification-v1",
    "task.data": dict(_delete_=True, type=NucleiClassification),
    "stages.0.view.share": 0.15,
    "stages.0.recipe": dict(batch=16, schedule="poly"),
    "final.recipe.epochs": 4,
    "reward.at_least": 93.5,
    "budget.images": 103_300,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    random_moves=dict(type=RegularizedEvolution, population=4, tournament=1, inherit=True),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2, inherit=True),
    bayesian_morphism=dict(type=BayesianMorphism),
    start=dict(type=Baseline, genotype="start"),
)
