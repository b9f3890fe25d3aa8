"""transnas-cell-scene-v1: accuracy of scene classification in %; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-scene-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-scene-v1", "task.metric": "class_scene", "reward.name": "class_scene"}
