"""transnas-cell-object-v1: accuracy of object classification in %; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-object-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-object-v1", "task.metric": "class_object", "reward.name": "class_object"}
