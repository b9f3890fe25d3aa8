"""scenes-metakernel-segmentation-v1: backbones of meta-kernels under a plain decoder, on the scenes.

Command: python tools/run_benchmark.py scenes-metakernel-segmentation-v1
Searches pass as many images as two candidates. The weight of the latency is small beside the task's loss: ten times
as much makes nearly all operations skips.
Measured, on a busy machine (mIoU): e_dnas 42.4, 43.2 and 42.9 with the seeds 0 to 2, without feedback 41.5 with seed 0; all
have 6.7 to 6.8 M MAdds. The other rows are not run yet.
"""

from search_spaces.meta_kernel.space import MetaKernels
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.darts import DARTS
from strategies.supernet.e_dnas import EDNAS
from tasks.rewards import Metric
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-metakernel-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=32),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.25),
        input_size=[128, 128],
    ),
    space=dict(type=MetaKernels, depth=1, channels=8),
    stages=[
        dict(
            name="short",
            view=dict(share=0.3, size=[64, 64], eval_size=[128, 128], scale=[1.0, 1.4]),
            recipe=dict(epochs=4, batch=8, lr=2e-2, polyak=0.9),
            options=dict(loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[64, 64], scale=[1.0, 1.6], jitter=0.2),
        recipe=dict(epochs=4, batch=8, lr=2e-2, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Metric, name="mIoU"),
    budget=dict(trials=24, images=1_470),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=6, arch_lr=1e-1),
    e_dnas=dict(type=EDNAS, epochs=6, latency=1e-5, arch_lr=1e-1),
    e_dnas_without_feedback=dict(type=EDNAS, epochs=6, latency=1e-5, arch_lr=1e-1, feedback=False),
    meta=dict(type=Baseline, genotype=[["meta"], *[["meta", "meta"]] * 3]),
    sep3=dict(type=Baseline, genotype=[["sep3"], *[["sep3", "sep3"]] * 3]),
    sep5=dict(type=Baseline, genotype=[["sep5"], *[["sep5", "sep5"]] * 3]),
    sep7=dict(type=Baseline, genotype=[["sep7"], *[["sep7", "sep7"]] * 3]),
    mobilenet_v1=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MobileNetV1", width=0.25))),
)
