"""scenes-segmentation-v3: as scenes-segmentation-v2, but labels are brought to the scores' size instead of scores to the labels'.

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
