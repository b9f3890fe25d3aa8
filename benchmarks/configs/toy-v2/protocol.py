"""toy-v2: small plain convolutional networks scored by a formula.

Command: python tools/run_benchmark.py toy
Measured: 12 seconds for three seeds of every strategy; scores: darts 100.1, one_shot 94.3, regularised evolution 72.5,
successive halving 63.9, ppo 62.0, random search 60.6.
"""

from benchmarks.gates import RunningMean
from search_spaces.toy.space import ToySpace
from strategies.codeepneat import CoDeepNEAT
from strategies.local_search import LocalSearch
from strategies.neat import NEAT
from strategies.optuna_sampler import OptunaSampler
from strategies.ppo import PPO
from strategies.predictor import Predictor
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.reinforce import Reinforce
from strategies.successive_halving import Hyperband, SuccessiveHalving
from strategies.supernet.darts import DARTS
from strategies.supernet.enas import ENAS
from strategies.supernet.one_shot import OneShot
from strategies.supernet.progressive_shrinking import ProgressiveShrinking
from tasks.rewards import Metric
from tasks.toy import ToyTask

default_of = ["toy"]
benchmark = dict(
    id="toy-v2",
    task=dict(type=ToyTask, noise=4.0),
    space=dict(type=ToySpace, layers=4),
    stages=[
        dict(name="short", recipe=dict(epochs=1)),
        dict(name="long", recipe=dict(epochs=4)),
    ],
    final=dict(name="final", view=dict(train=["train", "val"], eval="test"), recipe=dict(epochs=64)),
    gate=dict(type=RunningMean, tolerance=0.3),
    reward=dict(type=Metric, name="score"),
    budget=dict(trials=1000, images=24_000),
    seeds=[0, 1, 2],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=15, tournament=5),
    successive_halving=dict(type=SuccessiveHalving, eta=3),
    neat=dict(type=NEAT),
    codeepneat=dict(type=CoDeepNEAT),
    one_shot=dict(
        type=OneShot, epochs=40, candidates=400, strategy=dict(type=RegularizedEvolution, population=30, tournament=10)
    ),
    darts=dict(type=DARTS, epochs=20, arch_lr=1e-1),
    ppo=dict(type=PPO, lr=1e-3, every=10, memory=10, sample=10, steps=20),
    reinforce=dict(type=Reinforce, lr=1e-2, networks=5),
    hyperband=dict(type=Hyperband, eta=3),
    optuna_tpe=dict(type=OptunaSampler, sampler="TPESampler", settings=dict(multivariate=True)),
    predictor=dict(type=Predictor),
    local_search=dict(type=LocalSearch),
    hill_climbing=dict(type=LocalSearch, first=True),
    enas=dict(type=ENAS, epochs=40, candidates=400, lr=1e-2),
    progressive_shrinking=dict(type=ProgressiveShrinking, epochs=40, candidates=400, answers=1),
)
