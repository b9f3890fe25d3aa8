"""scenes-neat-classification-v1: graphs of layers that classify the objects of the scenes, and how they are trained.

Command: python tools/run_benchmark.py scenes-neat-classification-v1
Measured, seed 0, beside other work, 20 trials in 80 to 120 seconds a row: top-1 accuracy after the final training 51.7 with
random search, 51.5 with NEAT, 44.0 with CoDeepNEAT. Two or three generations say nothing of strategies.
"""

from search_spaces.deepneat.space import DeepNEAT
from strategies.codeepneat import CoDeepNEAT
from strategies.neat import NEAT
from strategies.random_search import RandomSearch

like = "scenes-classification-v1"
benchmark = {
    "id": "scenes-neat-classification-v1",
    "space": dict(_delete_=True, type=DeepNEAT, width=0.125, recipe=True, most=16),
    "stages.0.recipe": dict(_delete_=True, epochs=2, batch=32, polyak=0.9),  # graphs have rates of their own
    "final.recipe": dict(_delete_=True, epochs=4, batch=32, schedule="poly", polyak=0.99, resumable=True),
    "budget": dict(trials=24, images=24_000),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    neat=dict(type=NEAT, evolution=dict(population=8)),
    codeepneat=dict(type=CoDeepNEAT, networks=8, blueprints=dict(population=4), modules=dict(population=6)),
)
