"""cityscapes-decoder-v1: decoders with auxiliary cells on Cityscapes, searched by the recipes of Nekrasov et al. (CVPR 2019).

Command:
    python tools/run_benchmark.py cityscapes-decoder-v1 --device cuda --cfg-options benchmark.task.data.data.root=CITYSCAPES \\
        benchmark.task.encoder.checkpoint=FILE

CITYSCAPES is the folder that holds leftImg8bit and gtFine, FILE a MobileNetV2 in torchvision's or OpenMMLab's layout. Of the
2,975 training images 298 are the meta-validation set, as in the templates' search (WACV 2020); the 500 of val are the final
score.

Published, for VOC: the space, networks of 64 channels, batches, optimisers, averages and auxiliary loss (`cvpr19_decoder` and
`cvpr19_whole` in benchmarks/configs/recipes.py), 4,000 crops with computed features, the gate, and PPO. Ours: that it is
Cityscapes, with a longer side of about 1,024 pixels in the search, the reward of all classes, no teacher (theirs had learnt
VOC), and the final training. The budget is that of 2,000 candidates. Never run as a whole: it wants a GPU for days.
"""

from tasks.resplit import ResplitSegmentation
from tasks.segmentation.folders import FolderSegmentation

like = "voc-decoder-v1"
benchmark = {
    "id": "cityscapes-decoder-v1",
    "task.data": dict(
        _delete_=True,
        type=ResplitSegmentation,
        data=dict(type=FolderSegmentation, root="data/cityscapes", layout="cityscapes"),
        pool="train",
        shares=dict(train=0.9, metaval=0.1),
    ),
    "task.encoder.expanded": False,
    "task.teacher": None,
    "task.background": None,
    "task.input_size": [1024, 2048],
    "stages.0.view": dict(share=0.75, copies=2, eval_size=[512, 1024], scale=[1.4, 2.8]),
    "stages.0.options.distill": 0.0,
    "stages.1.view": dict(eval_size=[512, 1024], scale=[1.0, 2.0]),
    "final.view": dict(size=[768, 768], scale=[1.0, 2.0]),
    "final.recipe.epochs": 200,
    "reward.names": ["mIoU", "fwIoU", "mAcc"],
    "budget.images": 46_200_000,
}
