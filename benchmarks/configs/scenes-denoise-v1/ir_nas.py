"""Command: python tools/run_benchmark.py scenes-denoise-v1 --strategy ir_nas"""

from mmengine.config import read_base

from strategies.ir_nas import IRNAS

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=IRNAS, epochs=3, warmup=1, arch_lr=3e-2, arch_decay=0.0)
