"""transnas-macro-object-v1: accuracy of object classification in %; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-object-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-object-v1", "task.metric": "class_object", "reward.name": "class_object"}
