"""Command: python tools/run_benchmark.py scenes-denoise-v1 --strategy darts"""

from mmengine.config import read_base

from strategies.darts import DARTS

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=DARTS, epochs=3, arch_lr=3e-2, arch_decay=0.0)
