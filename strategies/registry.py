"""The registry of strategies."""

from core import Registry

STRATEGIES = Registry(
    "strategy",
    {
        "Baseline": "strategies.baseline",
        "RandomSearch": "strategies.random_search",
        "RegularizedEvolution": "strategies.regularized_evolution",
        "LocalSearch": "strategies.local_search",
        "Reinforce": "strategies.reinforce",
        "PPO": "strategies.ppo",
        "OptunaSampler": "strategies.optuna_sampler",
        "Predictor": "strategies.predictor",
        "BayesianMorphism": "strategies.bayesian_morphism",
        "CompoundScaling": "strategies.compound_scaling",
        "Progressive": "strategies.progressive",
        "Shortlist": "strategies.shortlist",
        "SuccessiveHalving": "strategies.successive_halving",
        "Hyperband": "strategies.successive_halving",
        "NSGA2": "strategies.nsga2",
        "NetAdapt": "strategies.netadapt",
        "NEAT": "strategies.neat",
        "CoDeepNEAT": "strategies.codeepneat",
        "DARTS": "strategies.supernet.darts",
        "IRNAS": "strategies.supernet.ir_nas",
        "FNA": "strategies.supernet.fna",
        "EDNAS": "strategies.supernet.e_dnas",
        "ProgressiveShrinking": "strategies.supernet.progressive_shrinking",
        "ENAS": "strategies.supernet.enas",
        "OneShot": "strategies.supernet.one_shot",
    },
    kind="strategies.strategy.Strategy",
)
