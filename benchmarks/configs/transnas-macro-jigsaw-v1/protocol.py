"""transnas-macro-jigsaw-v1: accuracy of the jigsaw puzzle in %; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-jigsaw-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-jigsaw-v1", "task.metric": "jigsaw", "reward.name": "jigsaw"}
