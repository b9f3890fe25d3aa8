"""scenes-decoder-ppo-v1: a search for decoders that is long enough for a controller to learn.

Command: python tools/run_benchmark.py scenes-decoder-ppo-v1
scenes-segmentation-v2 with candidates that are trained for seconds, and the budget of 240 of them: PPO makes 48 updates of 20
steps each, and more where it proposes a network again.
After so few steps most networks call everything background; their losses differ all the same, and are the reward.
"""

from strategies.ppo import PPO
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import Metric

like = "scenes-segmentation-v2"
benchmark = {
    "id": "scenes-decoder-ppo-v1",
    "space": dict(channels=12, aux=None),
    "stages": [
        dict(
            name="decoder",
            view=dict(share=0.5, size=[64, 64], eval_size=[64, 64], copies=1),
            recipe=dict(epochs=4, batch=8, lr=1e-2, polyak=0.8),
            options=dict(cached=True),
        ),
    ],
    "final.options.aux": 0.0,
    "gate": None,
    "reward": dict(_delete_=True, type=Metric, name="loss", sign=-1.0),
    "budget": dict(trials=1_000, images=138_240),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=20, tournament=5),
    ppo=dict(type=PPO, lr=1e-3, every=5, memory=50, steps=20, sample=5),
)
