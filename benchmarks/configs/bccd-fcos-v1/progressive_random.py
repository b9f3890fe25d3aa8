"""Command: python tools/run_benchmark.py bccd-fcos-v1 --strategy progressive_random"""

from mmengine.config import read_base

from strategies.progressive import Progressive
from strategies.random_search import RandomSearch

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(
    type=Progressive,
    parts=[dict(prefix="fpn.", trials=10), dict(prefix="head.", trials=10)],
    start={
        "head.layer0": "conv3",
        "head.layer1": "conv3",
        "head.layer2": "conv3",
        "head.layer3": "conv3",
        "head.layer4": "skip",
        "head.layer5": "skip",
        "head.split": 0,
    },
    strategy=dict(type=RandomSearch),
)
