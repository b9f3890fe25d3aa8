"""transnas-cell-autoencoder-v1: SSIM of an autoencoder's images; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-autoencoder-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-autoencoder-v1", "task.metric": "autoencoder", "reward.name": "autoencoder"}
