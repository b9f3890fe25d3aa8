"""scenes-ablation-aux-conv-v1: scenes-ablation-v1 with a classifier on each block in training, but no cell before it.

Command: python tools/run_benchmark.py ablations
"""

default_of = ["ablations"]
like = "scenes-ablation-v1"
benchmark = {
    "id": "scenes-ablation-aux-conv-v1",
    "space.aux": "conv",
}
