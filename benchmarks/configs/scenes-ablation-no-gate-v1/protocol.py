"""scenes-ablation-no-gate-v1: scenes-ablation-v1 without a gate: weak candidates go through both stages, in the same budget.

Command: python tools/run_benchmark.py ablations
"""

default_of = ["ablations"]
like = "scenes-ablation-v1"
benchmark = {
    "id": "scenes-ablation-no-gate-v1",
    "gate": None,
}
