"""transnas-cell-roomlayout-v1: negative loss of the room layout; else as transnas-cell-segmentation-v1.

Command: python tools/run_benchmark.py transnas-cell-roomlayout-v1
"""

like = "transnas-cell-segmentation-v1"
benchmark = {"id": "transnas-cell-roomlayout-v1", "task.metric": "room_layout", "reward.name": "room_layout"}
