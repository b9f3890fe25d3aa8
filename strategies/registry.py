"""The registry of strategies."""

from mmengine.registry import Registry

STRATEGIES = Registry(
    "strategy",
    scope="densebench",
    locations=[
        "strategies.random_search",
        "strategies.regularized_evolution",
        "strategies.ppo",
        "strategies.darts",
        "strategies.ir_nas",
        "strategies.progressive",
        "strategies.darts",
        "strategies.ir_nas",
    ],
)
