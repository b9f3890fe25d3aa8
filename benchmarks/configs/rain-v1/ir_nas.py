"""Command: python tools/run_benchmark.py rain-v1 --strategy ir_nas"""

from mmengine.config import read_base

from strategies.ir_nas import IRNAS

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=IRNAS, arch_decay=0.0)
