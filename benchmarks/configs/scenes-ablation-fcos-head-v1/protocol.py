"""scenes-ablation-fcos-head-v1: scenes-ablation-fcos-v1 where only the head is searched, on a plain FPN.

Command: python tools/run_benchmark.py ablations
"""

from search_spaces.head_cells.space import HeadCells
from strategies.random_search import RandomSearch

default_of = ["ablations"]
like = "scenes-ablation-fcos-v1"
benchmark = {"id": "scenes-ablation-fcos-head-v1", "space": dict(_delete_=True, type=HeadCells, channels=24, layers=4)}
strategies = dict(random_search=dict(type=RandomSearch))
