"""micro-segmentation-v1: 576 small decoders on microscope images, few enough to be trained all.

Command: python tools/run_benchmark.py micro-segmentation-v1
All of them: python tools/build_table.py micro-segmentation-v1 --out my-table
Twelve random decoders with two runs each: 92 % of the variance of the last mIoU on the test images are due to the decoder.
A training with its scores takes 2 s of one core.
"""

from search_spaces.decoder_cells.space import DecoderCells
from search_spaces.subset import Subset
from strategies.random_search import RandomSearch
from tasks.rewards import Metric
from tasks.segmentation.data import NucleiSegmentation
from tasks.segmentation.task import SegmentationTask

skip = {f"cell.layer{layer}.{side}.op": ["skip" if side == "a" else "zero"] for layer in (2, 3) for side in "ab"}
last = {f"cell.layer{layer}.{side}.input": [3 * layer - 2 if side == "a" else 0] for layer in (2, 3) for side in "ab"}
benchmark = dict(
    id="micro-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        data=dict(type=NucleiSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[256, 256],
        background="background",
    ),
    space=dict(
        type=Subset,
        space=dict(type=DecoderCells, channels=16, repeats=1, aux=None),
        choices={
            "cell.op0": ["conv1", "sep3", "conv3_dil3"],
            "cell.layer1.a.input": [0],
            "cell.layer1.a.op": ["sep5", "gap", "skip"],
            "cell.layer1.b.input": [0, 1],
            "cell.layer1.b.op": ["conv3", "sep3_dil3", "conv3_dil12", "skip"],
            **skip,
            **last,
            "block0.a": [1, 3],
            "block0.b": [2],
            "block1.a": [1],
            "block1.b": [4],
            "block2.a": [0, 3],
            "block2.b": [2, 5],
        },
    ),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[64, 64], eval_size=[128, 128], scale=[3.6, 5.1], copies=4),
            recipe=dict(epochs=6, batch=16, lr=3e-2, schedule="poly"),
            options=dict(cached=True, loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[128, 128], scale=[1.8, 2.6], jitter=0.2),
        recipe=dict(epochs=12, batch=8, lr=5e-3, encoder_lr=2e-3, schedule="poly", polyak=0.99),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Metric, name="mIoU"),
    budget=dict(trials=30),
    seeds=[0],
)
strategies = dict(random_search=dict(type=RandomSearch))
