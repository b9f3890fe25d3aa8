"""scenes-neat-segmentation-v1: graphs of layers under a plain decoder, and how they are trained, on the scenes.

Command: python tools/run_benchmark.py scenes-neat-segmentation-v1
Measured, three seeds (means of mIoU after the final training): random search 35.7, NEAT 31.6, CoDeepNEAT 23.7. With so few
generations that says nothing of strategies: on more trials see docs/neuroevolution.md. A search takes a minute.
"""

from search_spaces.deepneat.space import DeepNEAT
from strategies.codeepneat import CoDeepNEAT
from strategies.neat import NEAT
from strategies.random_search import RandomSearch
from tasks.rewards import Metric
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-neat-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25),
        input_size=[128, 128],
    ),
    space=dict(type=DeepNEAT, width=0.125, recipe=True, most=16),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[64, 64], eval_size=[128, 128]),
            recipe=dict(epochs=4, batch=8, polyak=0.9),
            options=dict(loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64]),
        recipe=dict(epochs=8, batch=8, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Metric, name="mIoU"),
    budget=dict(trials=24, images=10_800),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    neat=dict(type=NEAT, evolution=dict(population=8)),
    codeepneat=dict(type=CoDeepNEAT, networks=8, blueprints=dict(population=4), modules=dict(population=6)),
)
