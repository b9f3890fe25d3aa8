"""scenes-darts-detection-v1: DARTS of both orders with its published optimiser, for FPN and head of FCOS on the scenes.

Command: python tools/run_benchmark.py scenes-darts-detection-v1
scenes-detection-v3 with three blocks and two layers, whose stage learns by SGD with momentum and decay (`darts_search` in
benchmarks/configs/recipes.py), in which the second order looks ahead; batches of 8 instead of 64, and few epochs. Both orders
pass about as many images.
Measured, seed 0, beside other work (mAP, seconds of search): random search 11.8 in 37, darts_second_order 4.9 in 71, darts
0.4 in 57. In so few steps the supernet learns next to nothing (its answers score 0.05 to 0.08), and DARTS passes a third of
the images of random search.
"""

from mmengine.config import read_base

from strategies.random_search import RandomSearch
from strategies.supernet.darts import DARTS

with read_base():
    from ..recipes import darts_search

like = "scenes-detection-v3"
benchmark = {
    "id": "scenes-darts-detection-v1",
    "space": dict(blocks=3, layers=2),
    "stages.0.recipe": dict(darts_search, _delete_=True, epochs=2, batch=8),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=3, arch_lr=1e-1),
    darts_second_order=dict(type=DARTS, epochs=2, order=2, arch_lr=1e-1),
)
