"""scenes-darts-denoise-v1: DARTS of both orders with its published optimiser, for cells and widths that denoise the scenes.

Command: python tools/run_benchmark.py scenes-darts-denoise-v1
scenes-denoise-v2, whose stage learns by SGD with momentum and decay (`darts_search` in benchmarks/configs/recipes.py), in which
the second order looks ahead; batches of 16 instead of 64, and few epochs. Both orders pass about as many images.
Measured, seed 0, beside other work (PSNR, seconds of search): darts_second_order 28.0 dB in 37, random search 28.0 in 15,
darts 27.9 in 41. In the search candidates come to 18.7 dB at most and the supernets' answers to 16.5, where the noisy test
images have 18.7: so few steps of SGD are no training, and the final one levels what is found.
"""

from mmengine.config import read_base

from strategies.random_search import RandomSearch
from strategies.supernet.darts import DARTS

with read_base():
    from ..recipes import darts_search

like = "scenes-denoise-v2"
benchmark = {
    "id": "scenes-darts-denoise-v1",
    "stages.0.recipe": dict(darts_search, _delete_=True, epochs=2, batch=16),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=5, arch_lr=3e-2, arch_decay=0.0),
    darts_second_order=dict(type=DARTS, epochs=3, order=2, arch_lr=3e-2, arch_decay=0.0),
)
