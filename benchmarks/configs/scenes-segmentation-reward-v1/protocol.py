"""scenes-segmentation-reward-v1: which cheap signal ranks decoders as a longer training does?

Command:
    python tools/run_benchmark.py scenes-segmentation-reward-v1
    python tools/compare_rewards.py runs/scenes-segmentation-reward-v1

scenes-segmentation-v2, but every candidate goes through both stages, of which the second is longer; nothing is gated.
Random search answers with five networks, from the best to the worst, so that its reward is compared with what the final
training makes of them, too.
"""

from strategies.random_search import RandomSearch
from strategies.shortlist import Shortlist

like = "scenes-segmentation-v2"
benchmark = {
    "id": "scenes-segmentation-reward-v1",
    "stages.1.view.share": 1.0,
    "stages.1.recipe.epochs": 4,
    "gate": None,
    "budget": dict(_delete_=True, trials=20),
}
strategies = dict(random_search=dict(type=Shortlist, count=5, pick="spread", strategy=dict(type=RandomSearch)))
