"""scenes-metakernel-segmentation-v1: backbones of meta-kernels under a plain decoder, on the scenes.

Command: python tools/run_benchmark.py scenes-metakernel-segmentation-v1
Supernets pass 1,464 images in their search, the three candidates of random search 1,796. The latency weighs little beside the
task's loss, as operations become skips otherwise (docs/meta_kernels.md).
Measured, three seeds (mean mIoU): e_dnas, random search and darts 42.2, e_dnas without feedback 41.6; one operation everywhere:
sep3 42.5, meta 40.6, sep7 39.7, sep5 39.5; mobilenet_v1 37.1 with 19.7 M MAdds, where the others have 6.7 to 7.4 M.
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
