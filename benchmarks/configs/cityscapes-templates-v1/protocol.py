"""cityscapes-templates-v1: segmentation networks below 500,000 parameters of repeated templates, as published on Cityscapes.

Command:
    python tools/run_benchmark.py cityscapes-templates-v1 --device cuda --cfg-options \\
        benchmark.task.data.data.root=CITYSCAPES benchmark.task.encoder.checkpoint=FILE

CITYSCAPES is the folder that holds leftImg8bit and gtFine, FILE a MobileNetV2 in torchvision's or OpenMMLab's layout, of
which the first three stages are used (the authors' one has 1,088 parameters more).

camvid-templates-v1 on the data of the published search (Nekrasov et al., WACV 2020), with its 2,677 training images and 298
for meta-validation (other ones), its 1,000 crops with computed features and its images of 512x1024 pixels. The crops have 320
pixels (theirs 320 with computed features, 321 without). The budget is that of 1,000 candidates. The final training was not
published; it is ours. Never run as a whole: it wants a GPU for days.
"""

from tasks.resplit import ResplitSegmentation
from tasks.segmentation.folders import FolderSegmentation

like = "camvid-templates-v1"
benchmark = {
    "id": "cityscapes-templates-v1",
    "task.data": dict(
        _delete_=True,
        type=ResplitSegmentation,
        data=dict(type=FolderSegmentation, root="data/cityscapes", layout="cityscapes"),
        pool="train",
        shares=dict(train=0.9, metaval=0.1),
    ),
    "task.encoder.refit_size": [512, 1024],
    "task.input_size": [1024, 2048],
    "stages.0.view": dict(eval="metaval", share=0.375, copies=1, eval_size=[512, 1024], scale=[1.6, 1.6]),
    "stages.1.view": dict(eval="metaval", eval_size=[512, 1024], scale=[1.6, 1.6]),
    "final.view": dict(train=["train", "metaval"], eval="val", size=[768, 768]),
    "budget.images": 18_900_000,
}
