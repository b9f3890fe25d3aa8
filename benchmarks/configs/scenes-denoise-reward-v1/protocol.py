"""scenes-denoise-reward-v1: which cheap signal ranks restoration networks as a longer training does?

Command:
    python tools/run_benchmark.py scenes-denoise-reward-v1
    python tools/compare_rewards.py runs/scenes-denoise-reward-v1

scenes-denoise-v2, but every candidate goes through a short stage and a longer one; nothing is gated. Random search
answers with five networks, from the best to the worst, so that its reward is compared with what the final training makes of
them, too.
"""

from strategies.random_search import RandomSearch
from strategies.shortlist import Shortlist

like = "scenes-denoise-v2"
benchmark = {
    "id": "scenes-denoise-reward-v1",
    "stages": [
        dict(
            name="short",
            view=dict(share=0.5, size=[32, 32], copies=1),
            recipe=dict(epochs=2, batch=16, lr=5e-3, polyak=0.9),
        ),
        dict(
            name="long",
            view=dict(size=[48, 48]),
            recipe=dict(epochs=4, batch=8, lr=6e-3, schedule="poly", polyak=0.99),
        ),
    ],
    "budget": dict(_delete_=True, trials=20),
}
strategies = dict(random_search=dict(type=Shortlist, count=5, pick="spread", strategy=dict(type=RandomSearch)))
