"""scenes-fcos-supernet-v1: FPN and head of FCOS in one supernet, searched by gradients and by sampled paths, on the scenes.

Command: python tools/run_benchmark.py scenes-fcos-supernet-v1
scenes-detection-v3, with the strategies that train a supernet. Measured, seed 0, beside other work: random search 4.0 mAP in 49
seconds of search, one_shot 4.0 in 35 (the same network: its candidates begin with those of random search), darts_second_order
2.9 in 386, darts 1.2 in 361. In so few steps the architecture's weights hardly decide (`alpha_entropy` 0.94 to 0.99): the
mixture learns, and most of its score is lost on the way to one answer (`gap`).
"""

from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from strategies.supernet.one_shot import OneShot

like = "scenes-detection-v3"
benchmark = {"id": "scenes-fcos-supernet-v1"}
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=7, arch_lr=1e-1),
    darts_second_order=dict(type=DARTS, epochs=5, order=2, arch_lr=1e-1),
    one_shot=dict(
        type=OneShot, epochs=5, candidates=18, strategy=dict(type=RegularizedEvolution, population=6, tournament=2)
    ),
)
