"""scenes-ablation-fcos-v1: FPN and head searched together and one after the other, with three seeds, against plain FCOS.

Command: python tools/run_benchmark.py ablations
scenes-detection-v3 with the budget of twelve candidates. scenes-ablation-fcos-fpn-v1 and scenes-ablation-fcos-head-v1 spend as
much on one of both and leave the other plain, as Wang et al. (NAS-FCOS, CVPR 2020) compare them. docs/ablations.md has the
tables.
"""

from strategies.baseline import Baseline
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch

default_of = ["ablations"]
like = "scenes-detection-v3"
benchmark = {"id": "scenes-ablation-fcos-v1", "budget": dict(trials=24, images=4_440), "seeds": [0, 1, 2]}
strategies = dict(
    random_search=dict(type=RandomSearch),
    progressive=dict(
        type=Progressive,
        parts=[dict(prefix="fpn.", trials=6), dict(prefix="head.", trials=6)],
        start={**{f"head.layer{layer}": "conv3" for layer in range(4)}, "head.split": 0},
        strategy=dict(type=RandomSearch),
    ),
    plain_fcos=dict(type=Baseline, model={}),
)
