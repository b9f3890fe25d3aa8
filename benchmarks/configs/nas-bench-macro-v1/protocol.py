"""nas-bench-macro-v1: accuracy on CIFAR-10 in %, of the 6,561 networks of NAS-Bench-Macro, read from the published table.

Command: python tools/run_benchmark.py nas-bench-macro-v1
A search sees one of three trainings; the final score is the mean of all. Seconds count whole trainings.
"""

from search_spaces.table.space import TableSpace
from strategies.local_search import LocalSearch
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Metric
from tasks.tabular import TabularTask

benchmark = dict(
    id="nas-bench-macro-v1",
    task=dict(type=TabularTask, table="nas-bench-macro", metric="accuracy"),
    space=dict(type=TableSpace, table="nas-bench-macro"),
    stages=[dict(name="trained", recipe=dict(epochs=1))],
    final=dict(name="final", view=dict(eval="test"), recipe=dict(epochs=1)),
    reward=dict(type=Metric, name="accuracy"),
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
