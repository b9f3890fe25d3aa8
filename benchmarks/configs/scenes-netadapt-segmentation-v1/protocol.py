"""scenes-netadapt-segmentation-v1: a MobileNetV2 under a plain decoder on the scenes, narrowed to fewer MAdds by NetAdapt.

Command: python tools/run_benchmark.py scenes-netadapt-segmentation-v1
Measured, seed 0, after the final training: NetAdapt 37.8 mIoU at the start's 11.16 M MAdds, 46.9 at 10.28 M, 47.9 at 9.79 M in
11,210 images of search; random search 24.5 at 8.47 M in 17,700. NetAdapt's networks begin their final training with all that
they have learnt in the rounds before, and random search's anew, so most of that is more training. Most MAdds are the decoder's.
A proposal is fine-tuned on 295 images, and saves 2 % of the start's MAdds or more.
"""

from search_spaces.mbconv.widths import MBConvWidths
from strategies.netadapt import NetAdapt
from strategies.random_search import RandomSearch
from tasks.rewards import Metric
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-netadapt-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(
        type=MBConvWidths, width=0.25, start=[["k3e6"], ["k3e6"] * 2, ["k3e6"] * 2, ["k3e6"], ["k3e6"], ["k3e6"]]
    ),
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
    reward=dict(type=Metric, name="mIoU"),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=60, images=17_700),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    netadapt=dict(type=NetAdapt, target=0.88, delta=0.02, answers=3),
)
