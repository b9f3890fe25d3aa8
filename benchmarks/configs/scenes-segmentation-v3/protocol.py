"""scenes-segmentation-v3: as scenes-segmentation-v2, with labels brought to the size of the scores and not the other way round.

Command: python tools/run_benchmark.py segmentation
"""

default_of = ["segmentation", "embedded"]
like = "scenes-segmentation-v2"
benchmark = {
    "id": "scenes-segmentation-v3",
    "stages.0.options.loss_at": "scores",
    "stages.1.options.loss_at": "scores",
    "final.options.loss_at": "scores",
}
