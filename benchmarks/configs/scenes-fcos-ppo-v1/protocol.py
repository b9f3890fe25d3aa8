"""scenes-fcos-ppo-v1: a search for FPN and head of FCOS that is long enough for a controller to learn, rewarded by losses.

Command: python tools/run_benchmark.py scenes-fcos-ppo-v1
scenes-detection-v3 with candidates that are trained for seconds, and the budget of 200 of them: progressive PPO makes 24
updates of 20 steps for the FPN and 16 for the head. scenes-fcos-ppo-ap-v1 is rewarded by mAP; both in one figure:

    python tools/make_leaderboard.py runs/scenes-fcos-ppo-v1 runs/scenes-fcos-ppo-ap-v1 --metric mAP --out figures
"""

from strategies.ppo import PPO
from strategies.progressive import Progressive
from strategies.random_search import RandomSearch

like = "scenes-detection-v3"
benchmark = {"id": "scenes-fcos-ppo-v1", "budget": dict(trials=1_000, images=74_000)}
strategies = dict(
    random_search=dict(type=RandomSearch),
    progressive_ppo=dict(
        type=Progressive,
        parts=[dict(prefix="fpn.", trials=120), dict(prefix="head.", trials=80)],
        start={**{f"head.layer{layer}": "conv3" for layer in range(4)}, "head.split": 0},
        strategy=dict(type=PPO, lr=1e-3, every=5, memory=50, steps=20, sample=5),
    ),
)
