"""toy-constrained-v2: the toy networks within a limit on parameters, and rewarded for having few (MnasNet's soft target).

Command: python tools/run_benchmark.py toy-constrained-v2
Measured: 3 seconds for three seeds; regularised evolution 72.3, random search 55.8. A network beyond
the limit is refused before it trains and costs nothing.
"""

from benchmarks.gates import Constraint
from search_spaces.toy.space import ToySpace
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import MnasNet
from tasks.toy import ToyTask

benchmark = dict(
    id="toy-constrained-v2",
    task=dict(type=ToyTask, noise=4.0),
    space=dict(type=ToySpace, layers=4),
    stages=[dict(name="long", recipe=dict(epochs=4))],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=64)),
    gate=dict(type=Constraint, name="params", at_most=8000),
    reward=dict(type=MnasNet, metric="score", cost="params", target=4000),
    budget=dict(trials=1000, images=24_000),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=15, tournament=5),
)
