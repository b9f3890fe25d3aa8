"""toy-v1: small plain convolutional networks scored by a formula.

Command: python tools/run_benchmark.py toy
Measured: 4 seconds; random search scores about 61, regularised evolution about 75 (three seeds).
"""

from benchmarks.gates import RunningMean
from search_spaces.toy import ToySpace
from tasks.rewards import Metric
from tasks.toy import ToyTask

benchmark = dict(
    id="toy-v1",
    task=dict(type=ToyTask, noise=4.0),
    space=dict(type=ToySpace, layers=4),
    stages=[dict(name="short", epochs=1), dict(name="long", epochs=4)],
    final=dict(name="final", epochs=64, train=["train", "val"], eval="test"),
    gate=dict(type=RunningMean, tolerance=0.3),
    reward=dict(type=Metric, name="score"),
    budget=dict(trials=60),
    seeds=[0, 1, 2],
)
