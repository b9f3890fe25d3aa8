"""transnas-cell-segmentation-v1: segmentation accuracy in %, of the 4,096 cells of TransNAS-Bench-101, read from a table.

Command: python tools/run_benchmark.py transnas-cell-segmentation-v1
A search sees one training of a network, drawn among those of equal cells; the final score is their mean.
"""

from search_spaces.table.space import TableSpace
from strategies.local_search import LocalSearch
from strategies.optuna_sampler import OptunaSampler
from strategies.ppo import PPO
from strategies.predictor import Predictor
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.reinforce import Reinforce
from tasks.rewards import Metric
from tasks.tabular import TabularTask

default_of = ["tabular"]
benchmark = dict(
    id="transnas-cell-segmentation-v1",
    task=dict(type=TabularTask, table="transnas-cell", metric="segmentsemantic"),
    space=dict(type=TableSpace, table="transnas-cell"),
    stages=[dict(name="trained", recipe=dict(epochs=1))],
    final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=1)),
    reward=dict(type=Metric, name="segmentsemantic"),
    budget=dict(trials=100),
    seeds=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=10, tournament=3),
    large_population=dict(type=RegularizedEvolution, population=30, tournament=10),
    greedy_evolution=dict(type=RegularizedEvolution, population=10, tournament=10),
    local_search=dict(type=LocalSearch),
    hill_climbing=dict(type=LocalSearch, first=True),
    optuna_tpe=dict(type=OptunaSampler, sampler="TPESampler", settings=dict(multivariate=True)),
    predictor=dict(type=Predictor),
    predictor_thompson=dict(type=Predictor, acquisition="thompson"),
    predictor_forest=dict(type=Predictor, model="forest", acquisition="thompson"),
    reinforce=dict(type=Reinforce, lr=3e-2, networks=5),
    ppo=dict(type=PPO, hidden=32, layers=1, lr=1e-2, memory=10, every=10, sample=10, steps=5),
)
