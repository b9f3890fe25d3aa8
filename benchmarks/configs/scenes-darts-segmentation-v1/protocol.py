"""scenes-darts-segmentation-v1: DARTS of both orders with its published optimiser, for decoders on the embedded scenes.

Command: python tools/run_benchmark.py scenes-darts-segmentation-v1
scenes-segmentation-v3, whose first stage learns by SGD with momentum and decay (`darts_search` in
benchmarks/configs/recipes.py), in which the second order looks ahead; batches of 16 instead of 64, and few epochs. Both
orders pass about as many images.
Measured, seed 0, beside other work (mIoU, seconds of search): darts 31.2 in 141, random search 26.6 in 101,
darts_second_order 17.6 in 107. It ranks nothing: so few steps of SGD teach next to nothing (all but one candidate and all
answers of supernets score 11 after that stage, as if there were one class), DARTS passes a third of the images of random
search, and the final training decides.
"""

from mmengine.config import read_base

from strategies.random_search import RandomSearch
from strategies.supernet.darts import DARTS

with read_base():
    from ..recipes import darts_search

like = "scenes-segmentation-v3"
benchmark = {
    "id": "scenes-darts-segmentation-v1",
    "stages.0.recipe": dict(darts_search, _delete_=True, epochs=3, batch=16),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=6, arch_lr=1e-1),
    darts_second_order=dict(type=DARTS, epochs=4, order=2, arch_lr=1e-1),
)
