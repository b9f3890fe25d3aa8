"""scenes-ablation-v1: scenes-segmentation-v2 with three seeds, to compare the other scenes-ablation-* benchmarks with.

Command: python tools/run_benchmark.py ablations
arch0 to arch2 are the decoders of Nekrasov et al. (CVPR 2019) in this size: no search stands between a change and its effect.
docs/ablations.md has the tables.
"""

from strategies.baseline import Baseline
from strategies.random_search import RandomSearch

default_of = ["ablations"]
like = "scenes-segmentation-v2"
benchmark = dict(id="scenes-ablation-v1", seeds=[0, 1, 2])
strategies = dict(
    random_search=dict(type=RandomSearch),
    arch0=dict(type=Baseline, genotype=[[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]),
    arch1=dict(type=Baseline, genotype=[[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]),
    arch2=dict(type=Baseline, genotype=[[5, [0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]]]),
)
