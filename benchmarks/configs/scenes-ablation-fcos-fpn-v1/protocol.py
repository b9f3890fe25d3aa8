"""scenes-ablation-fcos-fpn-v1: scenes-ablation-fcos-v1 where only the FPN is searched, under a plain head.

Command: python tools/run_benchmark.py ablations
"""

from search_spaces.fpn_cells.space import FPNCells
from strategies.random_search import RandomSearch

default_of = ["ablations"]
like = "scenes-ablation-fcos-v1"
benchmark = {"id": "scenes-ablation-fcos-fpn-v1", "space": dict(_delete_=True, type=FPNCells, channels=24, blocks=5)}
strategies = dict(random_search=dict(type=RandomSearch))
