"""scenes-segmentation-v3: as scenes-segmentation-v2, with labels brought to the size of the scores and not the other way round.

Command: python tools/run_benchmark.py segmentation
Measured, seed 0: darts 28.8 mIoU, successive halving 28.3, random search and regularised evolution 20.4, one_shot 11.1, and
networks that nobody searched: a light RefineNet 29.4, DeepLabv3 11.2, FCN 11.2.
"""

default_of = ["segmentation", "embedded"]
like = "scenes-segmentation-v2"
benchmark = {
    "id": "scenes-segmentation-v3",
    "stages.0.options.loss_at": "scores",
    "stages.1.options.loss_at": "scores",
    "final.options.loss_at": "scores",
}
