"""transnas-macro-roomlayout-v1: negative loss of the room layout; else as transnas-macro-segmentation-v1.

Command: python tools/run_benchmark.py transnas-macro-roomlayout-v1
"""

like = "transnas-macro-segmentation-v1"
benchmark = {"id": "transnas-macro-roomlayout-v1", "task.metric": "room_layout", "reward.name": "room_layout"}
