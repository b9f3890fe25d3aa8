"""Command: python tools/run_benchmark.py bsd500-denoise-v1 --strategy regularized_evolution"""

from mmengine.config import read_base

from strategies.regularized_evolution import RegularizedEvolution

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=RegularizedEvolution, population=8, tournament=3)
