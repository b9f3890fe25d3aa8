"""The registry of strategies."""

from core import Registry

STRATEGIES = Registry(
    "strategy",
    {
        "Baseline": "strategies.baseline",
        "RandomSearch": "strategies.random_search",
        "RegularizedEvolution": "strategies.regularized_evolution",
        "LocalSearch": "strategies.local_search",
        "PPO": "strategies.ppo",
        "Progressive": "strategies.progressive",
        "Shortlist": "strategies.shortlist",
        "SuccessiveHalving": "strategies.successive_halving",
        "NSGA2": "strategies.nsga2",
        "DARTS": "strategies.supernet.darts",
        "IRNAS": "strategies.supernet.ir_nas",
        "OneShot": "strategies.supernet.one_shot",
    },
    kind="strategies.strategy.Strategy",
)
