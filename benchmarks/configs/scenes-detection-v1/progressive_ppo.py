"""Command: python tools/run_benchmark.py detection --strategy progressive_ppo"""

from mmengine.config import read_base

from strategies.ppo import PPO
from strategies.progressive import Progressive

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(
    type=Progressive,
    parts=[dict(prefix="fpn.", trials=3), dict(prefix="head.", trials=3)],
    start={
        "head.layer0": "conv3",
        "head.layer1": "conv3",
        "head.layer2": "conv3",
        "head.layer3": "conv3",
        "head.split": 0,
    },
    strategy=dict(type=PPO, batch=2, lr=1e-3),
)
