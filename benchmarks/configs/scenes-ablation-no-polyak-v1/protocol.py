"""scenes-ablation-no-polyak-v1: scenes-ablation-v1 without averaged weights.

Command: python tools/run_benchmark.py ablations
"""

default_of = ["ablations"]
like = "scenes-ablation-v1"
benchmark = {
    "id": "scenes-ablation-no-polyak-v1",
    "stages.0.recipe.polyak": 0.0,
    "stages.1.recipe.polyak": 0.0,
    "final.recipe.polyak": 0.0,
}
