"""Command: python tools/run_benchmark.py rain-v1 --strategy darts"""

from mmengine.config import read_base

from strategies.darts import DARTS

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=DARTS, epochs=100, arch_decay=0.0)
