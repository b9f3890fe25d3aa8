"""scenes-fna-detection-v1: FNA on backbones of inverted residuals for SSDLite, on the embedded scenes.

Command: python tools/run_benchmark.py scenes-fna-detection-v1
scenes-ssdlite-v3 with eight candidates instead of four and a longer final training. FNA passes as many images; its warm-up is
half of its epochs, and the architecture's rate larger than the published one, as it moves in 20 steps.
Measured, seed 0, beside other work (mAP, MAdds, seconds of search): fna 9.8, 17.0 M in 65, random search 7.1, 21.9 M in 116.
With seed 1, which is not the protocol's: 9.2 and 7.6 mAP.
"""

from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA

like = "scenes-ssdlite-v3"
benchmark = {"id": "scenes-fna-detection-v1", "final.recipe.epochs": 8, "budget.images": 2_360}
strategies = dict(
    random_search=dict(type=RandomSearch),
    fna=dict(type=FNA, epochs=10, warmup=5, arch_lr=3e-2),
)
