"""Command: python tools/run_benchmark.py voc-fcos-v1 --strategy progressive_ppo"""

from mmengine.config import read_base

from strategies.ppo import PPO
from strategies.progressive import Progressive

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(
    type=Progressive,
    parts=[dict(prefix="fpn.", trials=2000), dict(prefix="head.", trials=1000)],
    start={
        "head.layer0": "conv3",
        "head.layer1": "conv3",
        "head.layer2": "conv3",
        "head.layer3": "conv3",
        "head.layer4": "skip",
        "head.layer5": "skip",
        "head.split": 0,
    },
    strategy=dict(type=PPO, batch=20, lr=8e-4),
)
