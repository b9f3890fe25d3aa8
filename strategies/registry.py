"""The registry of strategies."""

from mmengine.registry import Registry

STRATEGIES = Registry(
    "strategy",
    scope="densebench",
    locations=[
        "strategies.random_search",
        "strategies.regularized_evolution",
        "strategies.ppo",
        "strategies.progressive",
    ],
)
