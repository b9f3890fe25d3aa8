"""transnas-macro-segmentation-v1: segmentation accuracy in %, of TransNAS-Bench-101's 3,256 macro networks, read from a table.

Command: python tools/run_benchmark.py transnas-macro-segmentation-v1
One training of each was published: the search sees what the final score is.
"""

from search_spaces.table.space import TableSpace
from strategies.local_search import LocalSearch
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Metric
from tasks.tabular import TabularTask

benchmark = dict(
    id="transnas-macro-segmentation-v1",
    task=dict(type=TabularTask, table="transnas-macro", metric="segmentsemantic"),
    space=dict(type=TableSpace, table="transnas-macro"),
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
)
