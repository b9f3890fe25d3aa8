"""transnas-macro-normal-v1: SSIM of surface normals; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-normal-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-normal-v1", "task.metric": "normal", "reward.name": "normal"}
