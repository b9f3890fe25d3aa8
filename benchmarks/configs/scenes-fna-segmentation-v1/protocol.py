"""scenes-fna-segmentation-v1: FNA on backbones of inverted residuals under a plain decoder, on the embedded scenes.

Command: python tools/run_benchmark.py scenes-fna-segmentation-v1
scenes-mbconv-segmentation-v2 without its limit of parameters, with eight candidates. FNA keeps the front of the networks that
it comes by in ten epochs, which pass as many images.
Measured, seed 0, beside other work (mIoU of the answers, in the order of the search): fna 28.9 and 30.4, with 10.5 and 9.5 M
MAdds, random search 28.4 with 10.1 M, NSGA-II 24.8 and 26.5. Mixed answers score 11 to 12 mIoU in all epochs: of so short a
search, differences of the front are noise.
"""

from strategies.nsga2 import NSGA2
from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA

like = "scenes-mbconv-segmentation-v2"
benchmark = {"id": "scenes-fna-segmentation-v1", "gate": None, "budget.images": 2_360}
strategies = dict(
    random_search=dict(type=RandomSearch),
    nsga2=dict(type=NSGA2, population=3),
    fna=dict(type=FNA, epochs=10, warmup=5, arch_lr=3e-2, answers=3),
)
