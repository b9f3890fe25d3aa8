"""transnas-macro-scene-v1: accuracy of scene classification in %; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-scene-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-scene-v1", "task.metric": "class_scene", "reward.name": "class_scene"}
