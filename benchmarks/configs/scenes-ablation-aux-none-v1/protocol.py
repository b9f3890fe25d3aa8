"""scenes-ablation-aux-none-v1: scenes-ablation-v1 without anything that supervises blocks in training.

Command: python tools/run_benchmark.py ablations
"""

default_of = ["ablations"]
like = "scenes-ablation-v1"
benchmark = {
    "id": "scenes-ablation-aux-none-v1",
    "space.aux": None,
    "stages.0.options.aux": 0.0,
    "stages.1.options.aux": 0.0,
    "final.options.aux": 0.0,
}
