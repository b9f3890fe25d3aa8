"""toy-pareto-v2: the toy networks with two objectives, a high score and few parameters.

Command: python tools/run_benchmark.py toy-pareto-v2
Measured: 5 seconds for three seeds; NSGA-II answers with a front of 9 to 16 networks, random search with one.
"""

from search_spaces.toy.space import ToySpace
from strategies.nsga2 import NSGA2
from strategies.random_search import RandomSearch
from tasks.rewards import Metric
from tasks.toy import ToyTask

benchmark = dict(
    id="toy-pareto-v2",
    task=dict(type=ToyTask, noise=4.0),
    space=dict(type=ToySpace, layers=4),
    stages=[dict(name="long", recipe=dict(epochs=4))],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=64)),
    reward=dict(type=Metric, name="score"),
    objectives=dict(names=["score", "params"], goals=["max", "min"]),
    budget=dict(trials=1000, images=40_000),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    nsga2=dict(type=NSGA2, population=20),
)
