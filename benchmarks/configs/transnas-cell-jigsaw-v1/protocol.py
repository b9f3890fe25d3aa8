"""transnas-cell-jigsaw-v1: accuracy of the jigsaw puzzle in %; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-jigsaw-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-jigsaw-v1", "task.metric": "jigsaw", "reward.name": "jigsaw"}
