"""transnas-cell-normal-v1: SSIM of surface normals; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-normal-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-normal-v1", "task.metric": "normal", "reward.name": "normal"}
