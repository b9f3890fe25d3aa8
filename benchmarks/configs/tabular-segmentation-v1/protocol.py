"""tabular-segmentation-v1: mIoU of nuclei, of the 576 decoders of micro-segmentation-v1, all trained three times and tabulated.

Command: python tools/run_benchmark.py tabular-segmentation-v1
A search sees one training's mIoU on the validation images after six epochs; the final score is the mean of three on the test
images. The strategies are those of transnas-cell-segmentation-v1.
"""

like = "transnas-cell-segmentation-v1"
benchmark = {
    "id": "tabular-segmentation-v1",
    "task.table": "micro-segmentation",
    "space.table": "micro-segmentation",
    "task.metric": "mIoU",
    "reward.name": "mIoU",
    "stages.0.recipe.epochs": 6,
    "final.recipe.epochs": 6,
}
