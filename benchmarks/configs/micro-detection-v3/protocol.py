"""micro-detection-v3: 624 small FPNs and heads of FCOS on nuclei of microscope images, few enough to be trained all.

Command: python tools/run_benchmark.py micro-detection-v3
All of them: python tools/build_table.py micro-detection-v3 --out my-table
Images are windows of 128 pixels, scored at one and a half times their size. The head has two layers, whose weights all levels
share, or none do. Twelve random networks with two runs each: 92 % (80 to 98) of the variance of the mAP are due to the
network, and Kendall's tau-b is 0.79 (0.55 to 1.0) between two; 28 % (-58 to 85) and 0.14 (-0.48 to 0.72) where boxes' sides
start at 0 (`side_bias`, docs/audits.md).
"""

from search_spaces.fcos_decoder.space import FCOSDecoder
from search_spaces.subset import Subset
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution

pyramid = {  # C5 and C4 make a map, of which P5 and P4 are made; P3 takes C2 or C3, and C4 or that map
    "fpn.block0.a.input": [3],
    "fpn.block0.a.op": ["sep3", "skip"],
    "fpn.block0.b.input": [2],
    "fpn.block0.b.op": ["sep3"],
    "fpn.block1.a.input": [3],
    "fpn.block1.a.op": ["skip"],
    "fpn.block1.b.input": [4],
    "fpn.block1.b.op": ["skip"],
    "fpn.block2.a.input": [2],
    "fpn.block2.a.op": ["sep3"],
    "fpn.block2.b.input": [4],
    "fpn.block2.b.op": ["skip"],
    "fpn.block3.a.input": [0, 1],
    "fpn.block3.a.op": ["sep3", "sep5_dil6", "skip"],
    "fpn.block3.b.input": [2, 4],
    "fpn.block3.b.op": ["sep3", "skip"],
    **{f"fpn.block{block}.join": ["sum"] for block in range(4)},
}
layers = {f"head.layer{layer}": ["conv3", "sep3_dil3", "skip"] for layer in range(2)}
default_of = ["micro", "quick"]
like = "nuclei-detection-v2"
benchmark = {
    "id": "micro-detection-v3",
    "space": dict(
        _delete_=True,
        type=Subset,
        space=dict(type=FCOSDecoder, channels=16, blocks=4, layers=2),
        choices={**pyramid, **layers, "head.split": [0, 2]},
    ),
    "task.template.side_bias": 0.5,
    "stages.0.view.copies": 5,
    "stages.0.recipe.epochs": 3,
    "stages.0.recipe.batch": 4,
    "stages.0.recipe.lr": 7e-3,
    "final.view.copies": 2,
    "final.recipe.epochs": 5,
    "common_seed": True,
    "budget": dict(trials=100, images=6_000),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
)
