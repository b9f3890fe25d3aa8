"""scenes-mbconv-segmentation-v2: small, fast backbones of inverted residuals under a plain decoder, on the scenes.

Command: python tools/run_benchmark.py scenes-mbconv-segmentation-v2
Measured, seed 0: random search 28.4 mIoU, evolution 27.2, NSGA-II 26.5. A backbone beyond the limit on
parameters is refused before it trains; MAdds count in the reward (MnasNet's, soft) and as an objective. Evolution's
children start from their parents' weights.
"""

from benchmarks.gates import Constraint
from search_spaces.mbconv.space import MBConv
from strategies.nsga2 import NSGA2
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import MnasNet
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-mbconv-segmentation-v2",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=MBConv, width=0.25, layers=[2, 2, 2, 1, 1, 1]),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[96, 96], eval_size=[128, 128], scale=[1.0, 1.4]),
            recipe=dict(epochs=2, batch=16, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[1.0, 1.6], jitter=0.2),
        recipe=dict(epochs=4, batch=16, lr=5e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    gate=dict(type=Constraint, name="params", at_most=65_000),
    reward=dict(type=MnasNet, metric="mIoU", cost="madds", target=10_000_000),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=24, images=1_770),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2, inherit=True),
    nsga2=dict(type=NSGA2, population=3),
)
