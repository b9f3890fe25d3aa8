"""scenes-scaled-segmentation-v1: depth, width and resolution of a small network, scaled together as EfficientNet is.

Command: python tools/run_benchmark.py scenes-scaled-segmentation-v1
The reward is EfficientNet's, mIoU x (MAdds / 10M)^-0.07. Images are shown up to two and a half times as large as the stage
says, which the budget, in images, does not see.

Measured, seed 0: random search 45.2 mIoU with 236 M MAdds, evolution 39.8 with 117 M; compound scaling's family 34.6 with 8 M,
38.4 with 12 M, 37.3 with 18 M (its first answer) and 42.6 with 29 M. The search of compound scaling took a fifth of random
search's time.
"""

from search_spaces.mbconv.scaled import ScaledMBConv
from strategies.compound_scaling import CompoundScaling
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import MnasNet
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-scaled-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[96, 96],
    ),
    space=dict(type=ScaledMBConv, genotype=[["k3e6"] * 2] * 6, width=0.25, most=2.5, step=0.1),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[72, 72], eval_size=[96, 96], scale=[1.0, 1.4]),
            recipe=dict(epochs=3, batch=8, lr=5e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[72, 72], eval_size=[96, 96], scale=[1.0, 1.6], jitter=0.2),
        recipe=dict(epochs=4, batch=8, lr=5e-3, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=MnasNet, metric="mIoU", cost="madds", target=10_000_000),
    budget=dict(trials=64, images=6_700),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=4, tournament=2),
    compound_scaling=dict(type=CompoundScaling),
)
