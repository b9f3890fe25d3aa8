"""transnas-macro-autoencoder-v1: SSIM of an autoencoder's images; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-autoencoder-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-autoencoder-v1", "task.metric": "autoencoder", "reward.name": "autoencoder"}
