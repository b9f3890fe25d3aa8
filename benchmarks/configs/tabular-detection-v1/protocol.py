"""tabular-detection-v1: mAP of nuclei, of the 624 necks and heads of micro-detection-v3, all trained three times and tabulated.

Command: python tools/run_benchmark.py tabular-detection-v1
A search sees one training's mAP on the validation images after three epochs, the same seed's for all networks; the final score
is the mean of three on the test images. The strategies are those of transnas-cell-segmentation-v1.
"""

like = "transnas-cell-segmentation-v1"
benchmark = {
    "id": "tabular-detection-v1",
    "task.table": "micro-detection",
    "space.table": "micro-detection",
    "task.metric": "mAP",
    "reward.name": "mAP",
    "stages.0.recipe.epochs": 3,
    "final.recipe.epochs": 3,
    "common_seed": True,
}
