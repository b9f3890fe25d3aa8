"""micro-segmentation-v3: the small decoders of micro-segmentation-v1, searched at equal cost by several strategies.

Command: python tools/run_benchmark.py micro-segmentation-v3
The budget is that of 13 different decoders. All of them, trained three times: tabular-segmentation-v1.
"""

from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution

default_of = ["micro", "quick"]
like = "micro-segmentation-v1"
benchmark = {"id": "micro-segmentation-v3", "budget": dict(trials=100, images=21_000)}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2),
)
