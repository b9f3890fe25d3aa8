"""nyu-decoder-v1: decoders with auxiliary cells for the depth of NYU Depth v2, what Nekrasov et al. (CVPR 2019) transferred to.

Command:
    python tools/run_benchmark.py nyu-decoder-v1 --device cuda --strategy arch0 arch1 arch2 --cfg-options \\
        benchmark.task.data.data.root=NYU benchmark.task.encoder.checkpoint=FILE

NYU is a folder with images/train, images/test (x.jpg) and, of the same names, annotations/train, annotations/test: 16-bit PNG
of millimetres, as MMSegmentation has them. A tenth of train is the meta-validation set of a search here. FILE is a MobileNetV2
in torchvision's or OpenMMLab's layout. For networks found on segmentation see docs/transfer.md.

Published: the three networks, of 64 channels, and that they were searched for another task. What they learnt depth by was not:
the reverse Huber loss, crops and the final training are ours, the stages of the search those of voc-decoder-v1. Never run: it
wants the data, and a GPU.
"""

from tasks.depth.folders import FolderDepth
from tasks.depth.task import DepthTask
from tasks.resplit import ResplitDepth
from tasks.rewards import Metric

like = "voc-decoder-v1"
benchmark = {
    "id": "nyu-decoder-v1",
    "task": dict(
        _delete_=True,
        type=DepthTask,
        data=dict(
            type=ResplitDepth,
            data=dict(type=FolderDepth, root="data/nyu", depths="annotations"),
            pool="train",
            shares=dict(train=0.9, metaval=0.1),
        ),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", expanded=True),
        input_size=[480, 640],
        features_dtype="float16",
    ),
    "stages.0.view": dict(eval="metaval", share=1.0, copies=4, eval_size=[480, 640], scale=[1.0, 1.5]),
    "stages.0.options.distill": 0.0,
    "stages.1.view": dict(eval_size=[480, 640], scale=[1.0, 1.5]),
    "final.view": dict(eval="test", size=[416, 544], scale=[1.0, 1.5]),
    "final.recipe.epochs": 200,
    "reward": dict(_delete_=True, type=Metric, name="RMSE", sign=-1),
    "budget.images": 24_000_000,
}
