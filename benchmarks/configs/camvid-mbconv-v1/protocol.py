"""camvid-mbconv-v1: FNA on MobileNetV2's backbone under a plain decoder, from ImageNet's weights, for CamVid's road scenes.

Command:
    python tools/run_benchmark.py camvid-mbconv-v1 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR holds train, trainannot, val, ... (SegNet's version of CamVid), FILE a MobileNetV2 in torchvision's or OpenMMLab's layout,
from which the supernet and every candidate begin. The budget is that of sixteen candidates on every fourth frame of CamVid
(docs/camvid.md), which is as many images as FNA's 48 epochs. FNA's weight of the cost is the one it has for RetinaNet: with the
0.2 of others 13 of the 15 layers that may be skipped are, three epochs after the warm-up. It keeps the front of the networks
that it comes by; the first answer of each strategy is the one with the best reward.

Run once (seed 0, one thread, kept in benchmarks/results/photographs), mIoU of the test split, parameters and MAdds:
MobileNetV2 as it is 49.7, 1.86 M, 1,198 M; FNA 49.7, 1.55 M, 1,119 M, and its second answer 46.5, 0.94 M, 794 M; random
search 46.5, 1.38 M, 1,225 M. A search is some 15 minutes of a core, a final training 10.
"""

from search_spaces.mbconv.space import MBConv
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA
from tasks.rewards import Metric
from tasks.segmentation.folders import FolderSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="camvid-mbconv-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", width=64),
        data=dict(type=FolderSegmentation, root="data/camvid", layout="camvid"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[360, 480],
    ),
    space=dict(type=MBConv),
    stages=[
        dict(
            name="short",
            view=dict(size=[180, 240], eval_size=[180, 240], scale=[1.0, 1.5], jitter=0.2),
            recipe=dict(epochs=4, batch=8, lr=2e-3, polyak=0.9),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[240, 320], scale=[1.0, 2.0], jitter=0.3),
        recipe=dict(epochs=20, batch=8, lr=2e-3, weight_decay=1e-2, schedule="poly", polyak=0.99, resumable=True),
    ),
    reward=dict(type=Metric, name="mIoU"),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=64, images=7_900),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    fna=dict(type=FNA, epochs=48, warmup=32, cost_weight=0.02, arch_lr=1e-2, answers=2),
    mobilenet_v2=dict(
        type=Baseline,
        genotype=[["k3e6"] * 2, ["k3e6"] * 3, ["k3e6"] * 4, ["k3e6"] * 3, ["k3e6"] * 3, ["k3e6"]],
    ),
)
