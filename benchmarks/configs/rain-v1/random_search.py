"""Command: python tools/run_benchmark.py rain-v1 --strategy random_search"""

from mmengine.config import read_base

from strategies.random_search import RandomSearch

with read_base():
    from .protocol import *  # noqa: F403

strategy = dict(type=RandomSearch)
