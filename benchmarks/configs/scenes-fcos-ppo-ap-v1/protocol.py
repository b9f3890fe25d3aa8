"""scenes-fcos-ppo-ap-v1: scenes-fcos-ppo-v1 rewarded by mAP instead of losses.

Command: python tools/run_benchmark.py scenes-fcos-ppo-ap-v1
"""

from tasks.rewards import Metric

like = "scenes-fcos-ppo-v1"
benchmark = {"id": "scenes-fcos-ppo-ap-v1", "reward": dict(_delete_=True, type=Metric, name="mAP")}
